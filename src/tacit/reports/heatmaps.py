"""How a heatmap is drawn: a table, so that every number can be read, with shaded cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tacit.base.errors import UserError
from tacit.base.pages import Heatmap
from tacit.reports.numbers import column
from tacit.reports.tables import RunFolder


@dataclass(frozen=True, kw_only=True)
class Shade:
    """One cell: its number in words, and how far it lies between the least and the most."""

    text: str
    share: int | None
    """0 to 100; None where there is no value."""


@dataclass(frozen=True, kw_only=True)
class Shades:
    """Headings and shaded cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Shade, ...]], ...]


def shades_of(run: RunFolder, block: Heatmap) -> Shades:
    """Return a table's values as a grid; a place that no row of the table names stays empty.

    Raises:
        UserError: where two rows of the table name one place.
    """
    found = run.table(block.table, [block.row, block.column, block.value])
    places = list(zip(found[block.row], found[block.column], strict=True))
    if len(set(places)) < len(places):
        raise UserError(
            f"{block.table} has several rows for one {block.row} and {block.column}; a heatmap "
            "shows one number in each place."
        )
    values: list[float | int | None] = found[block.value]
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    cells = {
        place: Shade(text=text, share=_share(value, low, high))
        for place, text, value in zip(places, column(values), values, strict=True)
    }
    empty = Shade(text="", share=None)
    names = list(dict.fromkeys(found[block.column]))
    return Shades(
        columns=tuple(_heading(name) for name in names),
        rows=tuple(
            (_heading(row), tuple(cells.get((row, name), empty) for name in names))
            for row in dict.fromkeys(found[block.row])
        ),
    )


def _share(value: float | None, low: float, high: float) -> int | None:
    if value is None:
        return None
    return round(100 * (value - low) / (high - low)) if high > low else 0


def _heading(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
