"""What a reader sees of one feature: its facts, its shape, its words and its contexts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from tacit.base.errors import UserError
from tacit.base.pages import Features
from tacit.reports.numbers import fixed, number, share
from tacit.reports.tables import RunFolder, rows_of
from tacit.reports.tokens import coloured, inline, name_unseen

FACTS = (
    "feature",
    "density",
    "max_value",
    "label",
    "label_auroc",
    "label_f1",
    "promotes",
    "suppresses",
    "histogram",
    "heading",
)
OPTIONAL_FACTS = ("label_base_rate", "explanation", "figures")
CONTEXTS = (
    "feature",
    "kind",
    "rank",
    "value",
    "document",
    "line",
    "tokens",
    "values",
    "peak",
)
OPTIONAL_CONTEXTS = ("predicted",)
_BAND = re.compile(r"(?:band )?([0-9.]+)-([0-9.]+)")
_SPARK_STEP, _SPARK_HEIGHT = 4, 28


@dataclass(frozen=True, kw_only=True)
class Context:
    """One passage, ready to print."""

    value: str
    where: str
    text: Markup


@dataclass(frozen=True, kw_only=True)
class Group:
    """The contexts of one kind, strongest first."""

    title: str
    is_open: bool
    """Whether the first are seen at once."""
    contexts: tuple[Context, ...]


@dataclass(frozen=True, kw_only=True)
class Card:
    """One feature, ready to print; a text is empty where nothing was measured."""

    feature: int
    heading: str
    density: str
    max_value: str
    label: str
    auroc: str
    f1: str
    base_rate: str
    explanation: str
    figures: tuple[str, ...]
    """Scores of the explanation, in words."""
    promotes: tuple[str, ...]
    suppresses: tuple[str, ...]
    spark: Markup
    """The histogram's bars, in a box as wide as ``spark_width``."""
    spark_width: int
    spark_says: str
    groups: tuple[Group, ...]
    has_negative: bool
    """Whether a value below zero is shown, as methods with signed codes have."""
    has_predicted: bool
    sort_by: Mapping[str, float]
    """Plain numbers for the page's sorting; what was not measured is minus one."""


def _spark(counts: Sequence[int] | None) -> Markup:
    """Return a histogram as one SVG path, bars as high as the logarithm of their count."""
    if not counts or not max(counts):
        return Markup("")
    highest = math.log1p(max(counts))
    bars = []
    for index, count in enumerate(counts):
        height = round(math.log1p(count) / highest * (_SPARK_HEIGHT - 1), 1)
        if count:
            bars.append(f"M{index * _SPARK_STEP} {_SPARK_HEIGHT}v{-height:g}h3v{height:g}z")
    return Markup('<path d="{}"/>').format("".join(bars))


def _context(row: Mapping[str, Any], largest: float) -> Context:
    lengths = len(row["tokens"]), len(row["values"])
    if lengths[0] != lengths[1]:
        raise UserError(
            f"a context of feature {row['feature']} in {row['document']} has {lengths[0]} "
            f"tokens and {lengths[1]} values; they must be as many."
        )
    line = "" if row["line"] is None else f", line {row['line']}"
    return Context(
        value=number(float(row["value"])),
        where=name_unseen(f"{row['document']}{line}"),
        text=coloured(
            row["tokens"], row["values"], row["peak"], largest, row.get("predicted")
        ),
    )


def _title(kind: str) -> str:
    if kind == "top":
        return "Strongest contexts"
    if band := _BAND.fullmatch(kind):
        return f"Contexts from the band {band[1]} to {band[2]} of the largest value"
    return kind[:1].upper() + kind[1:]


def _order(kind: str) -> tuple[int, float]:
    """Return the place of a kind: the top, the bands from strong to weak, then any other."""
    if kind == "top":
        return 0, 0.0
    band = _BAND.fullmatch(kind)
    return (1, -float(band[1])) if band else (2, 0.0)


def _largest(fact: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the value drawn in full colour: the feature's own, or a larger one that is shown."""
    columns = [column for row in rows for column in (row["values"], row.get("predicted"))]
    shown = [abs(value) for column in columns for value in column or () if value]
    return max([abs(fact["max_value"] or 0.0), *shown]) or 1.0


def _groups(
    fact: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> tuple[Group, ...]:
    largest = _largest(fact, rows)
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        kinds.setdefault(row["kind"], []).append(row)
    return tuple(
        Group(
            title=_title(kind),
            is_open=kind == "top" or bool(fact.get("explanation")),
            contexts=tuple(
                _context(row, largest) for row in sorted(found, key=lambda row: row["rank"])
            ),
        )
        for kind, found in sorted(kinds.items(), key=lambda item: _order(item[0]))
    )


def _card(fact: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Card:
    def shown(name: str) -> str:
        value = fact.get(name)
        return "" if value is None else fixed(float(value), 3)

    rate = fact.get("label_base_rate")
    counts = fact["histogram"]
    return Card(
        feature=int(fact["feature"]),
        heading=fact["heading"] or "",
        density="" if fact["density"] is None else share(fact["density"]),
        max_value="" if fact["max_value"] is None else number(float(fact["max_value"])),
        label=fact["label"] or "",
        auroc=shown("label_auroc"),
        f1=shown("label_f1"),
        base_rate="" if rate is None else share(rate),
        explanation=name_unseen(fact.get("explanation") or ""),
        figures=tuple(fact.get("figures") or ()),
        promotes=tuple(inline(token) for token in fact["promotes"] or ()),
        suppresses=tuple(inline(token) for token in fact["suppresses"] or ()),
        spark=_spark(counts),
        spark_width=_SPARK_STEP * len(counts or ()),
        spark_says=f"{sum(counts):,} active values in {len(counts)} bins" if counts else "",
        groups=_groups(fact, rows),
        has_negative=any((value or 0) < 0 for row in rows for value in row["values"]),
        has_predicted=any(row.get("predicted") for row in rows),
        sort_by={
            name: -1.0 if fact[column] is None else fact[column]
            for name, column in (
                ("density", "density"),
                ("value", "max_value"),
                ("auroc", "label_auroc"),
            )
        },
    )


def read_cards(run: RunFolder, block: Features) -> tuple[Card, ...]:
    """Return a card for each row of the facts, in their order."""
    facts = rows_of(run.table(block.facts, FACTS, OPTIONAL_FACTS))
    contexts: dict[int, list[Mapping[str, Any]]] = {
        int(fact["feature"]): [] for fact in facts
    }
    for row in rows_of(run.table(block.contexts, CONTEXTS, OPTIONAL_CONTEXTS)):
        if row["feature"] not in contexts:
            raise UserError(
                f"{run.path / block.contexts} has contexts of feature {row['feature']}, "
                f"of which {run.path / block.facts} says nothing."
            )
        contexts[row["feature"]].append(row)
    return tuple(_card(fact, contexts[int(fact["feature"])]) for fact in facts)
