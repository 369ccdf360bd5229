"""The pages of the study: what each part found, a page each, with the tables it draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tacit.base.pages import Block, Limits, Opening, Page, Text
from tacit.studies.interpretable_directions.curve_pages import curve_pages
from tacit.studies.interpretable_directions.curves import Curve
from tacit.studies.interpretable_directions.erasure_pages import erasure_pages
from tacit.studies.interpretable_directions.figures import Tables
from tacit.studies.interpretable_directions.layer_pages import layer_pages
from tacit.studies.interpretable_directions.settings import BASES, DirectionsSettings
from tacit.studies.interpretable_directions.single_pages import case_pages, in_place_pages
from tacit.studies.interpretable_directions.steering import steered_pages
from tacit.studies.interpretable_directions.tree_pages import traced_pages

Part = tuple[Mapping[str, list[dict[str, Any]]], Sequence[Block]]
"""Tables by name, and the blocks that draw them."""


def pages_of(
    settings: DirectionsSettings,
    partial: Path,
    found: Tables,
    best: Mapping[tuple[str, int], str],
) -> list[Page]:
    """Write the tables that the pages draw, and return the pages; parts without rows have none."""
    tables, blocks = curve_pages(found.curves)
    first = (*_opening(settings, best), *blocks, _limits(settings, found.curves))
    parts: dict[str, Part] = {
        "How few features carry the behaviour?": (tables, first),
        "What does it cost to erase a concept?": erasure_pages(found.erasures),
    }
    if found.steered:
        parts["Can it be steered?"] = steered_pages(found.steered)
    parts["What does the reconstruction cost?"] = in_place_pages(found.substituted)
    if found.everywhere:
        parts["And at every other layer?"] = layer_pages(found.everywhere, found.shared)
    if found.words:
        parts["What is one feature for?"] = case_pages(found.words)
    if found.traced:
        parts["What does a feature rest on?"] = traced_pages(found.traced)
    for tables, _ in parts.values():
        for name, rows in tables.items():
            path = partial / "artifacts" / f"{name}.parquet"
            parquet.write_table(pa.Table.from_pylist(rows), path)
    return [Page(title=title, blocks=tuple(own)) for title, (_, own) in parts.items()]


def _opening(
    settings: DirectionsSettings, best: Mapping[tuple[str, int], str]
) -> tuple[Opening, Text]:
    """Return what was studied, and which dictionary was chosen."""
    opening = Opening(
        title="Interpretable directions",
        setting=f"{', '.join(settings.subjects)} on {settings.source}, at {settings.site}; "
        f"{settings.atoms:,} atoms, {settings.steps:,} steps of {settings.batch:,} rows.\n\n"
        f"{settings.prompts} prompts of the task {settings.task} to choose features by, as many "
        "others to score them.",
    )
    told = [f"{basis} in {count}" for basis, count in Counter(best.values()).most_common()]
    return opening, Text(text=f"Best on the prompts for choosing: {', '.join(told)}.")


def _limits(settings: DirectionsSettings, curves: Sequence[Curve]) -> Limits:
    skipped = sum(each.skipped for each in curves if each.basis == BASES[0]) // 2
    return Limits(
        items=(
            "Models of this size show a mechanism: nothing here is a claim about large models.",
            "A ranking for each prompt may use what it is scored on: attribution sees the "
            "prompt's own counterfactual. The common ranking does not.",
            "Penalties are summed over dimensions, on rows scaled to a mean squared length of 1; "
            "published ones are means over dimensions of raw activations: a penalty p here is p "
            "over the width there, at that scale.",
            f"Prompts left out because the tokenizer does not read them as asked: {skipped} of "
            f"{settings.prompts * len(settings.units)}.",
        )
    )
