"""How results look in a terminal, and as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tacit.base.records import Claim, Gap, Record, Result, to_json

if TYPE_CHECKING:
    from tacit.features.index import Context

IN_WORDS = {
    "fvu": "variance unexplained (FVU)",
    "l0": "active features a token (L0)",
    "loss_recovered": "loss recovered",
    "dead_share": "dead features",
    "f1": "best features' F1 for labels",
}


def number(value: int | float) -> str:
    """Return a value with three significant digits, in the way a reader writes it."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def line(record: Record) -> str:
    """Return one result or gap as a line: name, value, interval, n."""
    if isinstance(record, Claim):
        return f"{record.judgement}: {record.published}\n    {line(record.measured)}"
    name = IN_WORDS.get(record.name, record.name)
    if isinstance(record, Gap):
        return f"{name:<32} not measured: {record.reason}"
    ends = ""
    if record.interval is not None:
        ends = f" (95 %: {number(record.interval[0])} to {number(record.interval[1])})"
    unit = "" if record.unit == "1" else f" {record.unit}"
    return f"{name:<32} {number(record.value)}{unit}{ends}, n = {record.n:,}"


def write(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(text + "\n")


def show_records(records: Sequence[Record], *, as_json: bool) -> None:
    """Print records as lines with their coordinates, or as a JSON list."""
    if as_json:
        write(json.dumps([to_json(record) for record in records], indent=1))
        return
    for record in records:
        of: Sequence[str] = ()
        if isinstance(record, Result | Gap):
            of = [f"{key} {value}" for key, value in record.of.items()]
        write(line(record) + (f"  [{', '.join(of)}]" if of else ""))


def show_comparison(
    records: Sequence[Record], names: Sequence[str], reference: str
) -> None:
    """Print each figure of all dictionaries, beside its difference from the reference."""
    found: dict[tuple[str, str], Result | Gap] = {}
    for record in records:
        if isinstance(record, Result | Gap):
            found.setdefault((record.name, str(record.of["dictionary"])), record)
    widest = max(map(len, names))
    for figure in (name for name in IN_WORDS if (name, reference) in found):
        write(
            f"\n{IN_WORDS[figure]}: value, and minus that of {reference}, with 95 % intervals"
        )
        for name in names:
            own, apart = (found.get((f, name)) for f in (figure, f"{figure}_difference"))
            if own is not None:
                told = "the reference" if name == reference else short(apart, signed=True)
                write(f"  {name:<{widest}}  {short(own):<28}  {told}")


def short(record: Result | Gap | None, *, signed: bool = False) -> str:
    """Return a value with its interval and n, or why it is missing."""
    if record is None:
        return ""
    if isinstance(record, Gap):
        return f"not comparable: {record.reason}" if signed else f"none: {record.reason}"
    plus = "+" if signed and record.value > 0 else ""
    ends = ""
    if record.interval is not None:
        ends = f" ({number(record.interval[0])} to {number(record.interval[1])})"
    return f"{plus}{number(record.value)}{ends}" + (f", n = {record.n:,}" if signed else "")


def show_contexts(contexts: list[Context]) -> None:
    """Print contexts with tokens coloured by activation; brackets mark the firing."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for context in contexts:
        line = Text(f"{context.value:8.3g}  ")
        for place, (token, value) in enumerate(
            zip(context.tokens, context.values, strict=True)
        ):
            shown = token.replace("\n", "⏎")
            share = value / context.value if context.value else 0.0
            style = (
                "bold black on yellow"
                if share > 0.5
                else "black on khaki1"
                if share > 0
                else ""
            )
            line.append(f"[{shown}]" if place == context.peak else shown, style)
        line.append(f"   {context.document}:{context.line}", "dim")
        console.print(line)
