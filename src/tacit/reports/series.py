"""Which points a chart draws, by series, and how many it cannot: nothing is dropped unsaid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tacit.base.errors import UserError
from tacit.base.pages import Plot
from tacit.reports.numbers import tick
from tacit.reports.tables import Columns, num_rows, rows_of


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series: parallel lists, in the order they are drawn."""

    name: str
    x: list[float]
    """Position on the axis; for named categories, their index."""
    y: list[float]
    """Empty for a histogram."""
    low: list[float | None]
    high: list[float | None]


@dataclass(frozen=True, kw_only=True)
class Points:
    """All series of one chart."""

    series: tuple[Series, ...]
    categories: tuple[str, ...]
    """Names along the horizontal axis; empty when it is a scale of numbers."""
    notes: tuple[str, ...]
    """What could not be drawn, counted, in words."""


def _name(value: Any) -> str:
    return tick(value) if isinstance(value, float) else str(value)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _why_not(plot: Plot, row: dict[str, Any], *, named: bool) -> str | None:
    """Return why a row has no place on the chart, or None."""
    axes = [(plot.x, plot.log_x)] if not named else []
    axes += [(plot.y, plot.log_y)] if plot.y else []
    if (named and row[plot.x] is None) or any(not _finite(row[name]) for name, _ in axes):
        return "have no value"
    if any(logarithmic and row[name] <= 0 for name, logarithmic in axes):
        return "are not above zero, on a logarithmic axis"
    return None


def points_of(plot: Plot, columns: Columns) -> Points:
    """Return a chart's series, in the order in which their names appear in the table."""
    if plot.kind != "histogram" and plot.y is None:
        raise UserError(f"the {plot.kind} chart {plot.title!r} names no column for y.")
    named = plot.kind in ("bar", "violin") or any(
        isinstance(value, str) for value in columns[plot.x]
    )
    if named and plot.kind == "histogram":
        raise UserError(
            f"the histogram {plot.title!r} counts {plot.x!r}, which holds words."
        )
    kept: dict[str, list[dict[str, Any]]] = {}
    dropped: dict[str, int] = {}
    for row in rows_of(columns):
        reason = _why_not(plot, row, named=named)
        if reason is not None:
            dropped[reason] = dropped.get(reason, 0) + 1
        else:
            kept.setdefault(_name(row[plot.group]) if plot.group else "", []).append(row)
    names = [_name(row[plot.x]) for rows in kept.values() for row in rows] if named else []
    categories = tuple(dict.fromkeys(names))
    return Points(
        series=tuple(
            _series(plot, name, rows, categories) for name, rows in _in_order(kept)
        ),
        categories=categories,
        notes=tuple(
            f"{count:,} of {num_rows(columns):,} rows are not drawn: they {reason}."
            for reason, count in sorted(dropped.items())
        ),
    )


def _in_order(
    kept: dict[str, list[dict[str, Any]]],
) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the groups: numbers by size, names as they appear."""
    try:
        return sorted(kept.items(), key=lambda item: float(item[0].replace(",", "")))
    except ValueError:
        return list(kept.items())


def _series(
    plot: Plot, name: str, rows: Sequence[dict[str, Any]], categories: tuple[str, ...]
) -> Series:
    places = {category: float(index) for index, category in enumerate(categories)}
    ordered = [
        (places[_name(row[plot.x])] if categories else float(row[plot.x]), row)
        for row in rows
    ]
    if plot.kind == "line":
        ordered.sort(key=lambda pair: pair[0])

    def ends(column: str | None) -> list[float | None]:
        found = [row[column] if column else None for _, row in ordered]
        return [value if _finite(value) else None for value in found]

    return Series(
        name=name,
        x=[x for x, _ in ordered],
        y=[float(row[plot.y]) for _, row in ordered] if plot.y else [],
        low=ends(plot.low),
        high=ends(plot.high),
    )
