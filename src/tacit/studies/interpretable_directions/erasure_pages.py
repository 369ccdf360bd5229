"""The page of erasure: what it costs to take a concept out, and what is left of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tacit.base.pages import Plot, Table, Text
from tacit.studies.interpretable_directions.erasing import Erasure
from tacit.studies.interpretable_directions.means import mean_of

Rows = list[dict[str, Any]]


def erasure_pages(
    erasures: Sequence[Erasure],
) -> tuple[Mapping[str, Rows], tuple[Text | Plot | Table, ...]]:
    """Return the tables that are drawn, by name, and the blocks that draw them."""
    if not erasures:
        return {}, (Text(text="The text has no labels."),)
    return {"erased": _erasure_rows(erasures)}, _erasing_blocks()


def _erasing_blocks() -> tuple[Plot | Table, ...]:
    return (
        Plot(
            table="artifacts/erased.parquet",
            kind="scatter",
            x="price",
            y="excess",
            group="method",
            x_label="KL on other text, nats",
            y_label="linear probe less chance",
            log_x=False,
            title="What is left of a concept against what it costs",
            caption="A point for each concept and method, mean over subjects and seeds; lower "
            "left is better.",
        ),
        Table(
            table="artifacts/erased.parquet",
            columns=(
                ("concept", "concept"),
                ("method", "method"),
                ("accuracy", "task accuracy"),
                ("linear", "linear probe"),
                ("mlp", "MLP probe"),
                ("chance", "chance"),
                ("edit", "length of the edit"),
                ("price", "KL on other text"),
            ),
            title="Every method",
            caption="Probes are fitted afresh to erased training rows, scored on held-out ones.",
        ),
    )


def _erasure_rows(erasures: Sequence[Erasure]) -> Rows:
    rows: Rows = []
    for concept, method in dict.fromkeys((e.concept, e.eraser) for e in erasures):
        own = [e for e in erasures if (e.concept, e.eraser) == (concept, method)]
        row: dict[str, Any] = {"concept": concept, "method": method}
        for name in ("accuracy", "linear", "mlp", "chance", "edit"):
            row[name] = mean_of([getattr(each, name) for each in own])
        row["price"] = mean_of([each.other_kl for each in own])
        row["excess"] = row["linear"] - row["chance"]
        rows.append(row)
    return rows
