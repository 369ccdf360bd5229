"""The pages of the study: how few features do it, and what erasing a concept costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tacit.base.pages import Limits, Opening, Page, Plot, Table, Text
from tacit.studies.interpretable_directions.curves import MOST, Curve
from tacit.studies.interpretable_directions.erasing import Erasure
from tacit.studies.interpretable_directions.settings import BASES, DirectionsSettings

Rows = list[dict[str, Any]]


def pages_of(
    settings: DirectionsSettings,
    partial: Path,
    curves: Sequence[Curve],
    erasures: Sequence[Erasure],
    best: Mapping[tuple[str, int], str],
) -> list[Page]:
    """Write the tables that the pages draw, and return the pages."""
    tables: Mapping[str, Rows] = {
        "left": _curve_rows(curves),
        "bases": _basis_rows(curves),
        "erased": _erasure_rows(erasures),
    }
    for name, rows in tables.items():
        if rows:
            path = partial / "artifacts" / f"{name}.parquet"
            parquet.write_table(pa.Table.from_pylist(rows), path)
    opening = Opening(
        title="Interpretable directions",
        setting=f"{', '.join(settings.subjects)} on {settings.source}, at {settings.site}; "
        f"{settings.atoms:,} atoms, {settings.steps:,} steps of {settings.batch:,} rows.\n\n"
        f"{settings.prompts} prompts of the task {settings.task} to choose features by, as many "
        "others to score them.",
    )
    told = [f"{basis} in {count}" for basis, count in Counter(best.values()).most_common()]
    chosen = Text(text=f"Best on the prompts for choosing: {', '.join(told)}.")
    erased = (*_erasing_blocks(),) if erasures else (Text(text="The text has no labels."),)
    return [
        Page(
            title="How few features carry the behaviour?",
            blocks=(opening, chosen, *_curve_blocks(), _limits(settings, curves)),
        ),
        Page(title="What does it cost to erase a concept?", blocks=erased),
    ]


def _curve_blocks() -> tuple[Plot | Table, ...]:
    plots = tuple(
        Plot(
            table="artifacts/left.parquet",
            kind="line",
            x=x,
            y="left",
            group=f"basis, {ranking}",
            x_label=label,
            y_label="share of the KL left",
            title=f"{title}, one order for {ranking}",
            caption="Mean over prompts, subjects and seeds; what a basis misses is left as it was.",
        )
        for ranking in ("each prompt", "all prompts")
        for x, label, title in (
            ("features", "features patched", "KL left against features patched"),
            ("edit", "mean length of the edit", "KL left against the edit"),
        )
    )
    table = Table(
        table="artifacts/bases.parquet",
        columns=(
            ("basis", "basis"),
            ("ranking", "ranked for"),
            ("features", "features to a tenth"),
            ("edit", "edit there"),
            ("unreached", "prompts that never"),
            ("area", "area"),
            ("correlation", "attribution and exact"),
        ),
        title="Every basis",
        caption="Medians over prompts, means over subjects and seeds; none where half of the "
        "prompts never come to a tenth. The last column is Spearman's correlation of effects.",
    )
    return (*plots, table)


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


def _curve_rows(curves: Sequence[Curve]) -> Rows:
    """Return the mean curve of each basis and ranking at each whole number of features."""
    counts = np.arange(MOST + 1)
    rows: Rows = []
    for basis in BASES:
        for ranking in ("each prompt", "all prompts"):
            own = [c for c in curves if (c.basis, c.ranking) == (basis, ranking)]
            for name in ("shares", "lengths"):
                assert all(len(getattr(c, name)) == len(c.numbers) for c in own)
            left, edit = (
                np.mean([np.interp(counts, c.numbers, getattr(c, name)) for c in own], 0)
                for name in ("shares", "lengths")
            )
            rows += [
                {
                    f"basis, {ranking}": basis,
                    "features": int(count),
                    "left": float(left[count]),
                    "edit": float(edit[count]),
                }
                for count in counts
            ]
    return [{"basis, each prompt": None, "basis, all prompts": None} | row for row in rows]


def _basis_rows(curves: Sequence[Curve]) -> Rows:
    rows: Rows = []
    for basis in BASES:
        for ranking in ("each prompt", "all prompts"):
            own = [c for c in curves if (c.basis, c.ranking) == (basis, ranking)]
            row: dict[str, Any] = {"basis": basis, "ranking": ranking}
            for name in ("features", "edit", "unreached", "area", "correlation"):
                row[name] = _mean([getattr(each, name) for each in own])
            rows.append(row)
    return rows


def _erasure_rows(erasures: Sequence[Erasure]) -> Rows:
    rows: Rows = []
    for concept, method in dict.fromkeys((e.concept, e.eraser) for e in erasures):
        own = [e for e in erasures if (e.concept, e.eraser) == (concept, method)]
        row: dict[str, Any] = {"concept": concept, "method": method}
        for name in ("accuracy", "linear", "mlp", "chance", "edit"):
            row[name] = _mean([getattr(each, name) for each in own])
        row["price"] = _mean([each.other_kl for each in own])
        row["excess"] = row["linear"] - row["chance"]
        rows.append(row)
    return rows


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def _limits(settings: DirectionsSettings, curves: Sequence[Curve]) -> Limits:
    skipped = sum(each.skipped for each in curves if each.basis == BASES[0]) // 2
    return Limits(
        items=(
            "Models of this size show a mechanism: nothing here is a claim about large models.",
            "A ranking for each prompt may use what it is scored on: attribution sees the "
            "prompt's own counterfactual. The common ranking does not.",
            f"Prompts left out because the tokenizer does not read them as asked: {skipped} of "
            f"{settings.prompts * len(settings.units)}.",
        )
    )
