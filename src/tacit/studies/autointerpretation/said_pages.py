"""What is said of some features: the best, the median and the worst of a few bases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tacit.base.pages import Block, Table
from tacit.studies.autointerpretation.bases import SPARSE, TOP_K
from tacit.studies.autointerpretation.figures import Tables

Rows = list[dict[str, Any]]
SHOWN = (SPARSE, TOP_K, "ica", "neurons", "random")
LONGEST = 300
"""Characters of an explanation that are shown."""


def said_pages(tables: Tables) -> tuple[Mapping[str, Rows], Sequence[Block]]:
    """Return three explanations of each basis, of the first subject and seed."""
    subject, seed = tables.settings.units[0]
    site = tables.settings.sweep_site
    rows: Rows = []
    for basis in SHOWN:
        own = [
            (row.top_and_random, row)
            for row in tables.rows(tables.group(site, basis))
            if (row.subject, row.seed) == (subject, seed) and row.top_and_random is not None
        ]
        ranked = sorted(own, key=lambda pair: pair[0], reverse=True)
        places = sorted({0, len(ranked) // 2, len(ranked) - 1}) if ranked else []
        for score, row in (ranked[place] for place in places):
            rows.append(
                {
                    "basis": basis,
                    "feature": row.feature,
                    "density": row.density,
                    "score": score,
                    "random_only": row.random_only,
                    "said": row.text
                    if len(row.text) <= LONGEST
                    else f"{row.text[: LONGEST - 3]}...",
                }
            )
    table = Table(
        table="artifacts/said.parquet",
        columns=(
            ("basis", "basis"),
            ("feature", "feature"),
            ("density", "density"),
            ("score", "top and random"),
            ("random_only", "random only"),
            ("said", "explanation"),
        ),
        title=f"Best, median and worst at {site}, {subject}, seed {seed}",
        caption="By the top-and-random score. Ranked by it, the best flatter and the worst look "
        "worse than they are.",
    )
    return {"said": rows}, (table,)
