"""The colour of a series, and the ends of its intervals, as every chart draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tacit.reports.themed import NUM_COLOURS, SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    Axes = Any


def colour_of(index: int) -> str:
    """Return the stand-in colour of a series."""
    return SERIES[index % NUM_COLOURS]


def draw_intervals(
    axes: Axes,
    x: Sequence[float],
    low: Sequence[float | None],
    high: Sequence[float | None],
    colour: str,
) -> None:
    """Draw each interval that has both ends."""
    whole = [
        (place, bottom, top)
        for place, bottom, top in zip(x, low, high, strict=True)
        if bottom is not None and top is not None
    ]
    if whole:
        places, lows, highs = zip(*whole, strict=True)
        axes.vlines(places, lows, highs, color=colour, linewidth=1.3)
        for ends in (lows, highs):
            axes.plot(places, ends, "_", color=colour, markersize=5, markeredgewidth=1.2)
