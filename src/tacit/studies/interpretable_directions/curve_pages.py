"""The page of replacement curves: how few features carry the behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from tacit.base.pages import Plot, Table
from tacit.studies.interpretable_directions.curves import ATTRIBUTED, MOST, Curve, Ranking
from tacit.studies.interpretable_directions.means import mean_of
from tacit.studies.interpretable_directions.settings import BASES

CORRELATIONS = ("correlation", "correlation_halfway")
Rows = list[dict[str, Any]]


def curve_pages(
    curves: Sequence[Curve],
) -> tuple[Mapping[str, Rows], tuple[Plot | Table, ...]]:
    """Return the tables that are drawn, by name, and the blocks that draw them."""
    tables = {_table_of(each): _curve_rows(curves, each) for each in ATTRIBUTED}
    return {**tables, "bases": _basis_rows(curves)}, _curve_blocks()


def _table_of(ranking: Ranking) -> str:
    return f"left_{ranking.replace(' ', '_')}"


def _curve_blocks() -> tuple[Plot | Table, ...]:
    plots = tuple(
        Plot(
            table=f"artifacts/{_table_of(ranking)}.parquet",
            kind="line",
            x=x,
            y="left",
            group="basis",
            x_label=label,
            y_label="share of the KL left",
            title=f"{title}, one order for {ranking}",
            caption="Mean over prompts, subjects and seeds; what a basis misses is left as it was.",
        )
        for ranking in ATTRIBUTED
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
            ("correlation_halfway", "the same halfway"),
        ),
        title="Every basis",
        caption="Medians over prompts, means over subjects and seeds; none where half of the "
        "prompts never come to a tenth. The last columns are Spearman's correlation of effects, "
        "attribution at the clean value and where features are ranked.",
    )
    return (*plots, table)


def _curve_rows(curves: Sequence[Curve], ranking: Ranking) -> Rows:
    """Return the mean curve of each basis at each whole number of features."""
    counts = np.arange(MOST + 1)
    rows: Rows = []
    for basis in BASES:
        own = [c for c in curves if (c.basis, c.ranking) == (basis, ranking)]
        left, edit = (
            np.mean([np.interp(counts, c.numbers, getattr(c, name)) for c in own], 0)
            for name in ("shares", "lengths")
        )
        rows += [
            {
                "basis": basis,
                "features": int(count),
                "left": float(left[count]),
                "edit": float(edit[count]),
            }
            for count in counts
        ]
    return rows


def _basis_rows(curves: Sequence[Curve]) -> Rows:
    rows: Rows = []
    for basis in dict.fromkeys(curve.basis for curve in curves):
        for ranking in get_args(Ranking):
            own = [c for c in curves if (c.basis, c.ranking) == (basis, ranking)]
            if not own:
                continue
            row: dict[str, Any] = {"basis": basis, "ranking": ranking}
            for name in ("features", "edit", "unreached", "area", *CORRELATIONS):
                row[name] = mean_of([getattr(each, name) for each in own])
            rows.append(row)
    return rows
