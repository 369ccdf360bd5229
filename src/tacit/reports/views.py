"""What each block becomes before the template writes it: words, drawings and rows, no decisions.

A block's view is drawn once; only how much of it is kept may change, when the page is too large.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tacit.base.errors import UserError
from tacit.base.pages import (
    Block,
    Features,
    Headline,
    Heatmap,
    Limits,
    Opening,
    Pictures,
    Plot,
    Table,
    Text,
    Tree,
)
from tacit.base.records import Claim, Gap, Record, Result
from tacit.reports.cards import Card, read_cards
from tacit.reports.charts import Chart, draw_chart
from tacit.reports.heatmaps import Shades, shades_of
from tacit.reports.numbers import Measured, column, coordinates, measured, number
from tacit.reports.pictures import PictureRow, picture_rows
from tacit.reports.tables import PAGES, RESULTS, Columns, RunFolder, num_rows
from tacit.reports.trees import draw_tree


@dataclass(frozen=True, kw_only=True)
class RecordView:
    """A record in words; ``measured`` is None for a gap, ``claim`` None unless it is one."""

    name: str
    of: str
    measured: Measured | None
    reason: str
    claim: Claim | None


@dataclass(frozen=True, kw_only=True)
class HeadlineCard:
    """One of the numbers that a reader wants first."""

    label: str
    meaning: str
    record: RecordView


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of a table; ``text`` is empty where there is no value."""

    text: str
    is_number: bool
    feature: int | None
    order: float | None = None
    """What the page sorts it by; None: its text."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table's headings (with whether they head numbers) and cells."""

    headings: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, kw_only=True)
class BlockView:
    """A block and what it draws; the parts that its kind does not have are empty."""

    kind: str
    anchor: str
    block: Block
    paragraphs: tuple[str, ...] = ()
    headlines: tuple[HeadlineCard, ...] = ()
    chart: Chart | None = None
    grid: Grid | None = None
    shades: Shades | None = None
    pictures: tuple[PictureRow, ...] = ()
    cards: tuple[Card, ...] = ()


def record_view(record: Record) -> RecordView:
    """Return a record in words."""
    found = record.measured if isinstance(record, Claim) else record
    return RecordView(
        name=found.name,
        of=coordinates(found.of),
        measured=measured(found) if isinstance(found, Result) else None,
        reason=found.reason if isinstance(found, Gap) else "",
        claim=record if isinstance(record, Claim) else None,
    )


def paragraphs(text: str) -> tuple[str, ...]:
    """Return the paragraphs of a text, which blank lines separate."""
    return tuple(part.strip() for part in text.split("\n\n") if part.strip())


def _headline(run: RunFolder, entry: Mapping[str, Any]) -> HeadlineCard:
    index = entry["result"]
    if not 0 <= index < len(run.records):
        raise UserError(
            f"{run.path / PAGES} shows result {index} of {run.path / RESULTS}, "
            f"which holds {len(run.records)}."
        )
    return HeadlineCard(
        label=entry["label"],
        meaning=entry["meaning"],
        record=record_view(run.records[index]),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cells(
    values: Sequence[Any], *, is_link: bool, orders: Sequence[Any] | None = None
) -> list[Cell]:
    """Return one column; a link names features, so its numbers are kept as they are.

    ``orders``: what the cells are sorted by where that is not their values.
    """
    present = [value for value in values if value is not None]
    numeric = bool(present) and all(_is_number(value) for value in present)
    if is_link or not numeric:
        texts = ["" if value is None else _words(value) for value in values]
    else:
        texts = column(values)
    return [
        Cell(
            text=text,
            is_number=numeric,
            feature=value if is_link else None,
            order=order if _is_number(order) and math.isfinite(order) else None,
        )
        for text, value, order in zip(texts, values, orders or values, strict=True)
    ]


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_words(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, float) else str(value)


def grid_of(
    columns: Columns,
    headings: tuple[tuple[str, str], ...],
    link: str | None = None,
    sort_by: Mapping[str, str] | None = None,
) -> Grid:
    """Return columns of a table under their headings; cells of ``link`` name a feature.

    ``sort_by``: the columns by whose numbers others are sorted.
    """
    orders = {name: columns[other] for name, other in (sort_by or {}).items()}
    drawn = [
        _cells(columns[name], is_link=name == link, orders=orders.get(name))
        for name, _ in headings
    ]
    return Grid(
        headings=tuple(
            (heading, any(cell.is_number for cell in cells))
            for (_, heading), cells in zip(headings, drawn, strict=True)
        ),
        rows=tuple(zip(*drawn, strict=True)),
    )


def _plot(run: RunFolder, block: Plot, anchor: str) -> dict[str, Any]:
    used = [name for name in (block.group, block.x, block.y, block.low, block.high) if name]
    columns = run.table(block.table, used)
    bare = block.kind == "histogram" or not num_rows(columns)
    headings = {block.x: block.x_label, block.y: block.y_label}
    names = tuple((name, headings.get(name) or name) for name in dict.fromkeys(used))
    return {
        "chart": draw_chart(block, columns, f"{anchor}-"),
        "grid": None if bare else grid_of(columns, names),
    }


def _tree(run: RunFolder, block: Tree, anchor: str) -> dict[str, Any]:
    headings = (
        (block.node, block.node),
        (block.label, block.label),
        (block.parent, block.parent),
        (block.value, block.value_label),
        (block.low, "from"),
        (block.high, "to"),
    )
    columns = run.table(block.table, [block.place, *(name for name, _ in headings)])
    chart = draw_tree(block, columns, anchor)
    return {"chart": chart, "grid": grid_of(columns, headings)}


def _table(run: RunFolder, block: Table) -> Grid:
    names = [column for column, _ in block.columns]
    if block.link is not None and block.link not in names:
        raise UserError(
            f"the table {block.title!r} links {block.link!r}, not a column of it."
        )
    sort_by = dict(block.sort_by)
    for name in (each for each in sort_by if each not in names):
        raise UserError(f"the table {block.title!r} sorts {name!r}, not a column of it.")
    columns = run.table(block.table, [*names, *sort_by.values()])
    return grid_of(columns, block.columns, block.link, sort_by)


def view_of(run: RunFolder, block: Block, anchor: str) -> BlockView:
    """Return what a block draws; ``anchor`` is its place on the page, unlike any other's."""
    parts: dict[str, Any] = {}
    match block:
        case Opening():
            parts["paragraphs"] = paragraphs(block.setting)
        case Text():
            parts["paragraphs"] = paragraphs(block.text)
        case Limits():
            parts["paragraphs"] = block.items
        case Headline():
            parts["headlines"] = tuple(_headline(run, entry) for entry in block.results)
        case Plot():
            parts = _plot(run, block, anchor)
        case Table():
            parts["grid"] = _table(run, block)
        case Heatmap():
            parts["shades"] = shades_of(run, block)
        case Pictures():
            parts["pictures"] = picture_rows(run, block)
        case Tree():
            parts = _tree(run, block, anchor)
        case Features():
            parts["cards"] = read_cards(run, block)
    return BlockView(kind=type(block).__name__.lower(), anchor=anchor, block=block, **parts)
