"""How explanations, and what they cost, look in a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tacit.cli import printing

if TYPE_CHECKING:
    from tacit.features.search import Found
    from tacit.models.spending import Usage
    from tacit.verbs.explain import ExplainRun

SHOWN = 5
"""Explanations that are printed; all are in the folder."""
FINAL = {"too few fragments", "nothing found"}
"""Kinds of gaps that asking again would not fill."""


def show_explained(found: ExplainRun) -> None:
    """Print what a call of ``explain`` came to."""
    asked = set(found.asked)
    num_can_be = found.num_explainable
    drawn = "" if num_can_be is None else f", of {num_can_be:,} that can be explained"
    gaps = "".join(f"; {count} {kind}" for kind, count in found.gaps.most_common())
    printing.write(
        f"{found.folder}: {found.num_explained:,} of {len(asked):,} features explained{drawn}{gaps}"
    )
    for each in [e for e in found.explanations.explained if e.feature in asked][:SHOWN]:
        printing.write(f"  {each.feature:>6}  {each.text}")
    if found.gaps.keys() - FINAL:
        printing.write("--again asks once more for those that are missing")
    for line in ending(found.spent, found.worked.stopped):
        printing.write(line)


def explained_as_json(found: ExplainRun) -> dict[str, Any]:
    """Return what a call of ``explain`` came to."""
    return {
        "folder": str(found.folder),
        "asked": list(found.asked),
        "num_explainable": found.num_explainable,
        "num_explained": found.num_explained,
        "num_before": found.worked.num_before,
        "gaps": dict(found.gaps),
        "spent": asdict(found.spent),
        "stopped": found.worked.stopped,
    }


def show_found(found: list[Found]) -> None:
    """Print the features that a query found, the best first."""
    if not found:
        printing.write(
            "no explanation answers this. Those without a model quote tokens: ask for a token, "
            "or give --by activations"
        )
    for each in found:
        row = each.row
        printing.write(f"{each.score:8.3g}  {row.feature:>6}  {row.explainer}: {row.text}")


def ending(spent: Usage, stopped: str | None) -> Iterator[str]:
    """Yield what a call spent, and how to go on where it was stopped."""
    if spent.tokens:
        price = (
            "price not known" if spent.dollars is None else f"{spent.dollars:.4g} dollars"
        )
        yield (
            f"spent: {spent.input_tokens:,} tokens read, {spent.output_tokens:,} written, {price}"
        )
    if stopped is not None:
        yield f"stopped: {stopped}. What is done is kept: give the same command again to go on."
