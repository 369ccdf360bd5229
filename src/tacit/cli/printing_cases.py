"""How the case of a feature looks in a terminal, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tacit.base.records import Gap, to_json
from tacit.cli.printing import number
from tacit.verbs.effects_story import MEANINGS, in_words
from tacit.verbs.feature_figures import CHANGES, NONE, PROMOTED, Arm

if TYPE_CHECKING:
    from rich.console import Console

    from tacit.verbs.effects_of_feature import FeatureCase

BARS = " ▁▂▃▄▅▆▇█"
SHOWN = 5
"""Rows of each kind; the report and the JSON have more."""


def case_as_json(case: FeatureCase) -> dict[str, Any]:
    """Return a case as plain JSON: its folder, its report, and every arm with its tables."""
    arms = [
        {**asdict(arm), "records": [to_json(each) for each in arm.records]}
        for arm in case.arms
    ]
    return {"folder": str(case.folder), "report": str(case.report), "arms": arms}


def show_case(case: FeatureCase) -> None:
    """Print every arm: figures, tokens by strength, changes when ablated, promoted logits."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for arm in case.arms:
        console.print()
        console.print(f"{arm.name}: {arm.which}", style="bold", markup=False)
        console.print(arm.chosen, style="dim", markup=False)
        if arm.which != NONE:
            _figures(console, arm)
            _tables(console, arm)
    console.print(f"\nreport: {case.report}", markup=False)


def _figures(console: Console, arm: Arm) -> None:
    """Print the figures, then those that are missing, each reason once."""
    missing: dict[str, list[str]] = {}
    for record in arm.records:
        if record.name not in MEANINGS:
            continue
        label = MEANINGS[record.name][0]
        if isinstance(record, Gap):
            missing.setdefault(record.reason, []).append(label)
        else:
            console.print(f"  {label:<24} {in_words(record)}", markup=False)
    for reason, labels in missing.items():
        console.print(f"  not measured: {', '.join(labels)}: {reason}", markup=False)
    if arm.below_zero:
        told = f"{arm.below_zero:,} positions below zero are ablated and in no histogram"
        console.print(f"  {told}", markup=False)


def _tables(console: Console, arm: Arm) -> None:
    counts: dict[str, list[int]] = {}
    for row in arm.tables["tokens"]:
        counts.setdefault(row["token"], []).append(row["count"])
    bars = [(token, f"{sum(each):,}", _bar(each)) for token, each in counts.items()]
    _print(console, ("active on", "positions", "weak to strong"), bars)
    changes = arm.tables["changes"]
    shown = [
        (row["token"], _signed(row["change"]), _ends(row))
        for side in ("less likely", "likelier")
        for row in [each for each in changes if each["side"] == side][:SHOWN]
    ]
    over = f" ({changes[0]['documents']:,} documents)" if changes else ""
    heads = ("next token, ablated", "nats", f"95 %{over}")
    _print(console, heads, shown, none=arm.reason(CHANGES))
    shown = [
        (row["token"], _signed(row["rise"]), _ends(row), f"{row['documents']:,}")
        for row in arm.tables["follows"][:SHOWN]
    ]
    _print(console, ("loss of what follows", "nats", "95 %", "documents"), shown)
    promoted = arm.tables["promoted"]
    shown = [
        (row["token"], _signed(row["logit"]))
        for row in (*promoted[:SHOWN], *promoted[max(SHOWN, len(promoted) - SHOWN) :])
    ]
    _print(console, ("its direction promotes", "logits"), shown, none=arm.reason(PROMOTED))


def _print(
    console: Console,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    none: str | None = None,
) -> None:
    """Print a table without lines; where it has no rows, why, if that is known."""
    from rich.table import Table
    from rich.text import Text

    if not rows:
        if none is not None:
            console.print(f"  {heads[0]}: not measured: {none}", markup=False)
        return
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if place in (0, 2) else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _bar(counts: Sequence[int]) -> str:
    """Return counts as a row of blocks; what is not zero shows."""
    most = max(counts)
    steps = len(BARS) - 1
    return "".join(BARS[-(-steps * count // most)] if most else " " for count in counts)


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{number(value)}"


def _ends(row: dict[str, Any]) -> str:
    if row["low"] is None:
        return "no interval"
    return f"{number(row['low'])} to {number(row['high'])}"
