"""Violins: how values are spread, one shape for each category and series, with median and mean.

Axes: n values, g places of an outline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tacit.base.pages import Plot
from tacit.reports.intervals import colour_of, draw_intervals
from tacit.reports.series import Points, Series
from tacit.reports.themed import GROUND, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    Axes = Any

ROOM = 0.8
"""Of the distance between two categories, what the violins of all series share."""
FULL = 0.45
"""Half of the widest violin, of the room that it has."""
NUM_PLACES = 36
FEWEST = 3
"""With fewer values, or without spread, there is no shape: the values are dots."""


def outline_of(values: Sequence[float]) -> tuple[list[float], list[float]] | None:
    """Return places from the least to the largest value, and the density there, at most 1.

    A Gaussian kernel of Silverman's width (1986, equation 3.31). None where there is no shape.
    """
    import numpy as np

    v = np.asarray(values, dtype=np.float64)
    if len(v) < FEWEST or np.ptp(v) <= 1e-9 * np.abs(v).max():
        return None
    quarter, three_quarters = np.quantile(v, (0.25, 0.75))
    spreads = [v.std(ddof=1), (three_quarters - quarter) / 1.34]
    # Where half of the values coincide the quartiles say nothing of the spread.
    width = 0.9 * min(each for each in spreads if each > 0) * len(v) ** -0.2
    places = np.linspace(v.min(), v.max(), NUM_PLACES)
    density = np.exp(-0.5 * ((places[:, None] - v) / width) ** 2).sum(axis=1)
    return places.tolist(), (density / density.max()).tolist()


def draw_violins(axes: Axes, plot: Plot, points: Points) -> None:
    """Draw every violin: a line at the median, a dot with its interval at the mean."""
    room = ROOM / max(1, len(points.series))
    for index, one in enumerate(points.series):
        shift = (index - (len(points.series) - 1) / 2) * room
        for category, rows in _by_category(one).items():
            place, values = category + shift, [one.y[row] for row in rows]
            _draw_shape(axes, plot, place, values, FULL * room, colour_of(index))
            # The ends are the same in all rows of a violin.
            draw_intervals(axes, [place], [one.low[rows[0]]], [one.high[rows[0]]], INK)
            axes.plot(
                [place],
                [sum(values) / len(values)],
                "o",
                color=INK,
                markersize=4,
                markeredgecolor=GROUND,
                markeredgewidth=0.6,
            )
    axes.grid(visible=False, axis="x")


def _by_category(one: Series) -> Mapping[float, list[int]]:
    """Return the rows of a series by their place on the axis."""
    found: dict[float, list[int]] = {}
    for row, place in enumerate(one.x):
        found.setdefault(place, []).append(row)
    return found


def _draw_shape(
    axes: Axes, plot: Plot, place: float, values: list[float], half: float, colour: str
) -> None:
    import numpy as np

    spread = [float(each) for each in np.log10(values)] if plot.log_y else values
    outline = outline_of(spread)
    if outline is None:
        axes.plot([place] * len(values), values, "o", color=colour, markersize=4, alpha=0.6)
        return
    places = 10 ** np.asarray(outline[0]) if plot.log_y else np.asarray(outline[0])
    widths = half * np.asarray(outline[1])
    axes.fill_betweenx(
        places, place - widths, place + widths, color=colour, alpha=0.55, linewidth=0
    )
    median = float(np.median(values))
    axes.hlines([median], place - half, place + half, color=colour, linewidth=1.7)
