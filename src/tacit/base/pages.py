"""What a report draws: ``artifacts/pages.json``, a list of pages made of blocks.

Rooms that measure write it, ``reports`` reads it; the schema is all that they share. Tables are
Parquet files beside it, named relative to the run folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from tacit.base.errors import UserError, look_up
from tacit.base.files import write_atomically


@dataclass(frozen=True, kw_only=True)
class Opening:
    """The report's own title and its setting in words; drawn once, at the head of the report."""

    title: str
    setting: str
    """What was studied, on which text, where and how; paragraphs separated by blank lines."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """Paragraphs in words, separated by blank lines."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The few numbers a reader wants first, each with a phrase saying what it means."""

    results: tuple[Mapping[str, Any], ...]
    """Each ``{"result": index into results.json, "label": short name, "meaning": sentence}``."""


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A chart drawn from a Parquet table."""

    table: str
    kind: Literal["line", "scatter", "histogram", "bar", "violin"]
    x: str
    """Column on the horizontal axis (for a histogram: the column that is counted; for a violin:
    the category, each with as many rows as there are values)."""
    y: str | None = None
    group: str | None = None
    """Column whose values become one series each."""
    low: str | None = None
    high: str | None = None
    """Columns with the ends of the 95 % interval, drawn as error bars. For a violin: those of its
    mean, the same in all its rows."""
    x_label: str = ""
    y_label: str = ""
    log_x: bool = False
    log_y: bool = False
    title: str
    caption: str
    """What to see in it, in a sentence or two."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns of a Parquet table, as rows on the page."""

    table: str
    columns: tuple[tuple[str, str], ...]
    """Pairs (column, heading), in order."""
    link: str | None = None
    """Column holding a feature number; its cell links to that feature's contexts."""
    sortable: bool = False
    """Whether a click on a heading sorts the rows, all of which are then on the page."""
    sort_by: tuple[tuple[str, str], ...] = ()
    """Pairs (column, column of the numbers that it is sorted by), for columns of words."""
    title: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Heatmap:
    """A number over two coordinates, as a table whose cells are shaded by it."""

    table: str
    row: str
    column: str
    """Columns whose values, in order of first appearance, become the rows and columns."""
    value: str
    row_label: str
    column_label: str
    title: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Tree:
    """Nodes in columns, each joined to its parents by a line as wide as a number is large."""

    table: str
    """A row for each line, and one for each root, whose parent and value are null. A node that has
    several parents has several rows."""
    node: str
    """Column with the node's name, unlike any other's."""
    parent: str
    """Column with the name of the node that it is joined to; that one's row stands before."""
    place: str
    """Column that says in which of ``places`` the node stands."""
    places: tuple[str, ...]
    """Headings from left to right; the root stands in the last."""
    label: str
    """Column with a few words that are written in the node."""
    value: str
    """Column with the number of a line, which is dashed where that is negative."""
    low: str
    high: str
    """Columns with the ends of the 95 % interval."""
    value_label: str
    threshold: float
    """The smallest value that a line was drawn for."""
    title: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Features:
    """A card per feature: facts, promoted logits, and contexts coloured by activation."""

    facts: str
    """Table: feature, density, max_value, label, label_auroc, label_f1, promotes (list of
    strings), suppresses (list of strings), histogram (counts of the active values in equal
    bins from 0 to max_value), heading (why shown); and, if known, label_base_rate, explanation,
    and figures (list of strings: its scores). Null where nothing was measured."""
    contexts: str
    """Table: feature, kind ("top", "0.5-0.75" for a band, ...), rank, value, document, line,
    tokens (list of strings), values (list of floats, 0 where silent), peak (index in tokens); and,
    if an explanation was read, predicted (list of floats on the scale of the values)."""
    title: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Small pictures in rows, each with a few words below it."""

    table: str
    picture: str
    """Column with the bytes of a PNG."""
    words: str
    """Column with what stands below a picture, which its alternative text is too."""
    row: str | None = None
    """Column whose values, in order of first appearance, head one row of pictures each."""
    title: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a reader may not conclude from this run; drawn once, at the foot of the report."""

    items: tuple[str, ...]
    """One sentence each."""


Block = (
    Opening | Text | Headline | Plot | Table | Heatmap | Tree | Features | Pictures | Limits
)
_KINDS: dict[str, type[Block]] = {
    "opening": Opening,
    "text": Text,
    "headline": Headline,
    "plot": Plot,
    "table": Table,
    "heatmap": Heatmap,
    "tree": Tree,
    "features": Features,
    "pictures": Pictures,
    "limits": Limits,
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """A titled section of the report."""

    title: str
    blocks: tuple[Block, ...]


def write_pages(path: Path, pages: Sequence[Page]) -> None:
    """Write ``pages.json``, whole or not at all."""
    plain = [
        {
            "title": page.title,
            "blocks": [
                {"block": type(b).__name__.lower(), **asdict(b)} for b in page.blocks
            ],
        }
        for page in pages
    ]
    write_atomically(path, json.dumps(plain, indent=1) + "\n")


def _frozen(value: object) -> object:
    """Return JSON's lists as tuples, one level of nesting deep."""
    if not isinstance(value, list):
        return value
    items = cast(list[object], value)
    return tuple(tuple(cast(list[object], v)) if isinstance(v, list) else v for v in items)


def _block(plain: Mapping[str, Any]) -> Block:
    values: dict[str, Any] = {k: _frozen(v) for k, v in plain.items() if k != "block"}
    return look_up(_KINDS, plain["block"], "kind of block")(**values)


def read_pages(path: Path) -> list[Page]:
    """Return the pages that ``write_pages`` wrote."""
    try:
        return [
            Page(title=plain["title"], blocks=tuple(_block(b) for b in plain["blocks"]))
            for plain in json.loads(path.read_text())
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} does not describe pages of a report ({error}).") from error
