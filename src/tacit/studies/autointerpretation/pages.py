"""The pages of the study: who is explained best, where, and what else could explain that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tacit.base.pages import Block, Limits, Opening, Page, Text
from tacit.studies.autointerpretation.control_pages import control_pages
from tacit.studies.autointerpretation.figures import Tables
from tacit.studies.autointerpretation.label_pages import label_pages
from tacit.studies.autointerpretation.said_pages import said_pages
from tacit.studies.autointerpretation.score_pages import layer_pages, score_pages
from tacit.studies.autointerpretation.sweep_pages import sweep_pages
from tacit.studies.autointerpretation.what_else_pages import density_pages

Part = tuple[Mapping[str, list[dict[str, Any]]], Sequence[Block]]
"""Tables by name, and the blocks that draw them."""


def pages_of(tables: Tables, partial: Path) -> list[Page]:
    """Write the tables that the pages draw, and return the pages; parts without rows have none."""
    found, blocks = score_pages(tables)
    parts: dict[str, Part] = {
        "Which features are explained best?": (found, (*_opening(tables), *blocks)),
        "Layer by layer": layer_pages(tables),
        "Is it what was learned?": control_pages(tables),
        "Is it how often features fire?": density_pages(tables),
        "Does size or training matter?": sweep_pages(tables),
        "Do known labels say the same?": label_pages(tables),
        "What is said": said_pages(tables),
    }
    pages: list[Page] = []
    for title, (own, shown) in parts.items():
        if not any(own.values()):
            continue
        for name, rows in own.items():
            path = partial / "artifacts" / f"{name}.parquet"
            parquet.write_table(pa.Table.from_pylist(rows), path)
        pages.append(Page(title=title, blocks=tuple(shown)))
    return pages


def _opening(tables: Tables) -> tuple[Opening, Text, Limits]:
    settings = tables.settings
    read = "; ".join(f"{name} on {settings.text_of(name)}" for name, _ in settings.subjects)
    opening = Opening(
        title="Automatic interpretation of many bases",
        setting=f"{read}; {settings.tokens:,} tokens of each, {', '.join(settings.sites)}; "
        f"{settings.features} features of each basis, site, subject and seed.\n\n"
        f"Explained by {settings.explainer}, read by {settings.reader_name}.",
    )
    asked = sum(row.unanswered for row in tables.features)
    silent = sum(row.says_nothing for row in tables.features)
    left_out = sum(row.left_out for row in tables.bases)
    never = sum(row.atoms - row.enough for row in tables.bases)
    told = Text(
        text="Every basis is given the same text, the same rule for which features are drawn and "
        "the same explainer. As published, what is below zero counts as zero, so plain baselines "
        "are active on about half of all tokens; those with the k largest are as sparse as sparse "
        "coding. The L0 of each stands beside its score."
    )
    limits = Limits(
        items=(
            "Models of this size show a mechanism: nothing here is a claim about large models.",
            f"Of {len(tables.features):,} explanations, {silent:,} say nothing and score their "
            f"chance; {asked:,} fragments were not answered and are left out.",
            f"{never:,} atoms of all bases are active in fewer than {settings.fewest} fragments "
            f"and never drawn; {left_out:,} more were drawn and are active in too few on one side.",
            "The lexical explainer reads tokens that stand before: what a feature needs of the "
            "whole text it cannot say, so a low score is no proof that a feature means nothing.",
        )
    )
    return opening, told, limits
