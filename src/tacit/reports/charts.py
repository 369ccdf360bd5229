"""How a plot of the pages is drawn: one inline SVG, a legend in words, and what is left out."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tacit.base.errors import look_up
from tacit.base.pages import Plot
from tacit.reports.intervals import colour_of, draw_intervals
from tacit.reports.numbers import tick
from tacit.reports.series import Points, points_of
from tacit.reports.style import (
    BLOCK_PATH,
    DASHES,
    MARKER_PATHS,
    MARKERS,
    MID_TONES,
    SETTINGS,
)
from tacit.reports.tables import Columns
from tacit.reports.themed import GROUND, INK, NUM_COLOURS, themed
from tacit.reports.violins import draw_violins

if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    Axes = Any

WIDTH_INCHES, HEIGHT_INCHES = 7.2, 3.7
NUM_BINS = 40
MOST_VECTOR_POINTS = 1500
"""A scatter of more points is an image inside the SVG: all are drawn, and the page stays small."""


@dataclass(frozen=True, kw_only=True)
class LegendEntry:
    """One series as the legend shows it."""

    name: str
    colour: int
    marker: str
    """Path in a box of 12 by 12."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawn plot."""

    svg: Markup
    """Empty when there is no point to draw."""
    legend: tuple[LegendEntry, ...]
    notes: tuple[str, ...]


def _lines(axes: Axes, _plot: Plot, points: Points) -> None:
    for index, one in enumerate(points.series):
        draw_intervals(axes, one.x, one.low, one.high, colour_of(index))
        axes.plot(
            one.x,
            one.y,
            color=colour_of(index),
            linestyle=DASHES[index % len(DASHES)],
            marker=MARKERS[index % len(MARKERS)],
            markeredgecolor=GROUND,
            markeredgewidth=0.8,
        )


def _dots(axes: Axes, _plot: Plot, points: Points) -> None:
    many = sum(len(one.x) for one in points.series) > MOST_VECTOR_POINTS
    for index, one in enumerate(points.series):
        draw_intervals(axes, one.x, one.low, one.high, colour_of(index))
        axes.scatter(
            one.x,
            one.y,
            s=6 if many else 16,
            color=MID_TONES[index % NUM_COLOURS] if many else colour_of(index),
            marker=MARKERS[index % len(MARKERS)],
            linewidths=0,
            alpha=0.5 if many else 0.75,
            rasterized=many,
        )


def _bars(axes: Axes, _plot: Plot, points: Points) -> None:
    width = 0.8 / max(1, len(points.series))
    for index, one in enumerate(points.series):
        shift = (index - (len(points.series) - 1) / 2) * width
        places = [x + shift for x in one.x]
        axes.bar(places, one.y, width=width * 0.9, color=colour_of(index))
        draw_intervals(axes, places, one.low, one.high, INK)
    axes.grid(visible=False, axis="x")


def _histogram(axes: Axes, plot: Plot, points: Points) -> None:
    import numpy as np

    everything = np.concatenate(
        [np.asarray(one.x) for one in points.series] or [np.ones(0)]
    )
    values = np.log10(everything) if plot.log_x else everything
    edges = np.histogram_bin_edges(values, bins=NUM_BINS)
    edges = 10**edges if plot.log_x else edges
    if plot.log_x and len(everything):  # 10**log10 may round the ends inwards
        edges[0], edges[-1] = (
            min(edges[0], everything.min()),
            max(edges[-1], everything.max()),
        )
    alone = len(points.series) == 1
    for index, one in enumerate(points.series):
        axes.hist(
            one.x,
            bins=list(edges),
            histtype="stepfilled" if alone else "step",
            color=colour_of(index),
            alpha=0.85 if alone else None,
            linewidth=0 if alone else 1.7,
            linestyle="-" if alone else DASHES[index % len(DASHES)],
        )


_DRAW: dict[str, Callable[[Axes, Plot, Points], None]] = {
    "line": _lines,
    "scatter": _dots,
    "bar": _bars,
    "histogram": _histogram,
    "violin": draw_violins,
}


def _open_up(axes: Axes, plot: Plot) -> None:
    """Give an axis whose values all but coincide a width that can be drawn."""
    for axis, logarithmic, put in (
        (axes.xaxis, plot.log_x, axes.set_xlim),
        (axes.yaxis, plot.log_y, axes.set_ylim),
    ):
        low, high = sorted(axis.get_view_interval())
        if high - low > 1e-3 * abs(high):
            continue
        if logarithmic:
            put(low / 2, high * 2)
        else:
            around = abs(high) / 2 or 1.0
            put(low - around, high + around)


def _scales(axes: Axes, plot: Plot, points: Points) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    _open_up(axes, plot)
    for axis, logarithmic in ((axes.xaxis, plot.log_x), (axes.yaxis, plot.log_y)):
        axis.set_major_formatter(FuncFormatter(tick))
        axis.set_minor_formatter(NullFormatter())
        if logarithmic:
            low, high = sorted(axis.get_view_interval())
            steps = (1.0, 2.0, 5.0) if high < 200 * low else (1.0,)
            axis.set_major_locator(LogLocator(base=10, subs=steps, numticks=12))
        else:
            counts = plot.kind == "histogram" and axis is axes.yaxis
            locator = MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10], integer=counts)
            axis.set_major_locator(locator)
    if points.categories:
        crowded = sum(len(name) for name in points.categories) > 70
        axes.set_xticks(
            range(len(points.categories)),
            list(points.categories),
            rotation=30 if crowded else 0,
            ha="right" if crowded else "center",
        )


def draw_chart(plot: Plot, columns: Columns, prefix: str) -> Chart:
    """Return a plot as SVG; equal inputs give equal bytes. ``prefix`` keeps its ids its own."""
    import matplotlib
    from matplotlib.figure import Figure

    draw = look_up(_DRAW, plot.kind, "kind of plot")
    points = points_of(plot, columns)
    if not points.series:
        nothing = f"There is nothing to draw: {plot.table} holds no value for this chart."
        return Chart(svg=Markup(""), legend=(), notes=(nothing, *points.notes))
    written = io.BytesIO()
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        # The browser has the letters that matplotlib's measuring font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
        axes = figure.add_subplot(facecolor="none")
        axes.set_xscale("log" if plot.log_x and not points.categories else "linear")
        axes.set_yscale("log" if plot.log_y else "linear")
        draw(axes, plot, points)
        _scales(axes, plot, points)
        axes.set_xlabel(plot.x_label or plot.x)
        default = "count" if plot.kind == "histogram" else plot.y or ""
        axes.set_title(plot.y_label or default, loc="left", pad=8)
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return Chart(
        svg=themed(
            written.getvalue(), prefix=prefix, label=f"{plot.title}. {plot.caption}"
        ),
        legend=tuple(
            LegendEntry(
                name=one.name,
                colour=index % NUM_COLOURS,
                marker=MARKER_PATHS[index % len(MARKERS)]
                if plot.kind in ("line", "scatter")
                else BLOCK_PATH,
            )
            for index, one in enumerate(points.series)
            if plot.group
        ),
        notes=points.notes,
    )
