"""How the features of every basis score: violins at each site, means, and layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tacit.base.pages import Block, Plot, Table
from tacit.base.records import Result
from tacit.studies.autointerpretation.bases import BASES, NO_BIAS, SPARSE, TOP_K
from tacit.studies.autointerpretation.figures import MAIN, METRIC_OF, Group, Tables, figure
from tacit.studies.autointerpretation.rows import FIGURES
from tacit.studies.autointerpretation.settings import RESIDUAL
from tacit.studies.autointerpretation.spread import over_features

Rows = list[dict[str, Any]]
LINES = (SPARSE, SPARSE + NO_BIAS, TOP_K, "ica", "pca", "nmf", "neurons", "random")
"""Bases that are drawn against the layer."""


def score_pages(tables: Tables) -> tuple[Mapping[str, Rows], Sequence[Block]]:
    """Return the violins of every site and the means of every basis."""
    found: dict[str, Rows] = {}
    plots: list[Plot] = []
    for site in tables.settings.sites:
        name = f"violins-{site}"
        found[name] = _violins(tables, site)
        plots.append(
            Plot(
                table=f"artifacts/{name}.parquet",
                kind="violin",
                x="basis",
                y="score",
                low="low",
                high="high",
                x_label="basis",
                y_label="correlation of predicted and true activation",
                title=f"Scores of features at {site}",
                caption="Top-and-random score of each feature, all subjects and seeds; line: "
                "median; dot: mean with its 95 % interval over features.",
            )
        )
    found["scores"] = [
        _score_row(tables, tables.group(site, basis))
        for site in tables.settings.sites
        for basis in BASES
    ]
    return found, [*plots, _means_table(), _other_table()]


def layer_pages(tables: Tables) -> tuple[Mapping[str, Rows], Sequence[Block]]:
    """Return the mean score against the layer, of each subject."""
    rows: Rows = []
    plots: list[Plot] = []
    if len(tables.settings.residual) < 2:
        return {}, []
    for number, (subject, _) in enumerate(tables.settings.subjects):
        series = f"series {number}"
        rows += [{series: None, **row} for row in _layer_rows(tables, subject, series)]
        plots.append(
            Plot(
                table="artifacts/layers.parquet",
                kind="line",
                x="layer",
                y="score",
                low="low",
                high="high",
                group=series,
                x_label="layer of the residual stream",
                y_label="mean top-and-random score",
                title=f"Score against the layer, {subject}",
                caption="Mean over features and seeds, with its 95 % interval over features.",
            )
        )
    names = [f"series {number}" for number in range(len(tables.settings.subjects))]
    whole = [{**dict.fromkeys(names), **row} for row in rows]
    return {"layers": whole}, plots


def _violins(tables: Tables, site: str) -> Rows:
    rows: Rows = []
    for basis in BASES:
        scores = [
            row.top_and_random
            for row in tables.rows(tables.group(site, basis))
            if row.top_and_random is not None
        ]
        _, low, high = over_features(scores, f"{site}/{basis}")
        rows += [
            {"basis": basis, "score": score, "low": low, "high": high} for score in scores
        ]
    return rows


def _layer_rows(tables: Tables, subject: str, series: str) -> Rows:
    rows: Rows = []
    for basis in LINES:
        for site in tables.settings.residual:
            scores = [
                row.top_and_random
                for row in tables.rows(tables.group(site, basis))
                if row.subject == subject and row.top_and_random is not None
            ]
            if scores:
                mean, low, high = over_features(scores, f"{subject}/{site}/{basis}")
                layer = int(site.removeprefix(RESIDUAL))
                place = {"layer": layer, "score": mean, "low": low, "high": high}
                rows.append({series: basis, **place})
    return rows


def _score_row(tables: Tables, group: Group) -> dict[str, Any]:
    """Return the means of one basis at one site, over units, and what it is like."""
    own = tables.rows(group)
    scores = [row.top_and_random for row in own if row.top_and_random is not None]
    _, low, high = over_features(scores, f"{group.site}/{group.basis}")
    found = figure(tables.settings, METRIC_OF[MAIN], tables.means(group), group.of)
    ends = found.interval if isinstance(found, Result) else None
    like = [
        row
        for row in tables.bases
        if (row.site, row.basis, row.arm) == (group.site, group.basis, group.arm)
        and not row.is_swept
    ]
    return {
        "site": group.site,
        "basis": group.basis,
        "n": len(scores),
        **{
            column: _mean([vars(row)[column] for row in own]) for column in FIGURES.values()
        },
        "features": None if low is None else f"{low:.2f} to {high:.2f}",
        "units": None if ends is None else f"{ends[0]:.2f} to {ends[1]:.2f}",
        "l0": _mean([row.l0 for row in like]),
        "fvu": _mean([row.fvu for row in like]),
        "atoms": _mean([float(row.atoms) for row in like]),
        "enough": _mean([row.enough / row.atoms for row in like]),
        "detected": sum(row.detection is not None for row in own),
        "silent": sum(row.says_nothing for row in own),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _means_table() -> Table:
    return Table(
        table="artifacts/scores.parquet",
        columns=(
            ("site", "site"),
            ("basis", "basis"),
            ("n", "features"),
            ("top_and_random", "top and random"),
            ("features", "interval over features"),
            ("units", "over subjects and seeds"),
            ("any_text", "any text"),
            ("top_only", "top only"),
            ("random_only", "random only"),
        ),
        title="Mean scores of every basis at every site",
        caption="Correlations of predicted and true activation, mean over features; the first "
        "interval says how far other features would differ, the second other dictionaries.",
    )


def _other_table() -> Table:
    return Table(
        table="artifacts/scores.parquet",
        columns=(
            ("site", "site"),
            ("basis", "basis"),
            ("atoms", "atoms"),
            ("enough", "active in enough fragments"),
            ("l0", "L0"),
            ("fvu", "FVU"),
            ("detection", "detection"),
            ("detected", "features behind it"),
            ("fuzzing", "fuzzing"),
            ("silent", "nothing said"),
        ),
        title="What else is known of every basis",
        caption="Balanced accuracies of detection and fuzzing, chance .5. Detection needs "
        "fragments where a feature is silent, which dense ones have not.",
    )
