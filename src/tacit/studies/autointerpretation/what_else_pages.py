"""Scores beside what else tells features apart: how often they fire, how heavy their tails are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tacit.base.pages import Block, Plot, Table
from tacit.base.records import Gap
from tacit.studies.autointerpretation.bases import BASELINES, BASES, LARGEST, SPARSE, TOP_K
from tacit.studies.autointerpretation.claims import moment_correlations
from tacit.studies.autointerpretation.figures import Tables, figure
from tacit.studies.autointerpretation.judging import ADVANTAGE
from tacit.studies.autointerpretation.matched import APART, matched_of

Rows = list[dict[str, Any]]
DRAWN = (SPARSE, TOP_K, "ica", "ica" + LARGEST, "neurons" + LARGEST, "random" + LARGEST)
"""Bases whose features are dots."""


def density_pages(tables: Tables) -> tuple[Mapping[str, Rows], Sequence[Block]]:
    """Return the score against the density, pairs of like density, and moments."""
    sites = tables.settings.residual
    dots: Rows = [
        {"basis": basis, "density": row.density, "score": row.top_and_random}
        for basis in DRAWN
        for site in sites
        for row in tables.rows(tables.group(site, basis))
    ]
    found = {"densities": dots, "matched": _matched(tables), "moments": _moments(tables)}
    plot = Plot(
        table="artifacts/densities.parquet",
        kind="scatter",
        x="density",
        y="score",
        group="basis",
        log_x=True,
        x_label="share of tokens on which a feature is active",
        y_label="top-and-random score",
        title="Score against density",
        caption="A dot a feature, all layers of the residual stream.",
    )
    return found, (plot, _matched_table(), _moment_table())


def _matched(tables: Tables) -> Rows:
    rows: Rows = []
    for name in BASELINES:
        for other in (name, name + LARGEST):
            pairs = matched_of(tables, tables.settings.residual, SPARSE, other)
            found = figure(
                tables.settings,
                ADVANTAGE,
                pairs.values,
                {"over": other},
                "no like features",
            )
            ends = None if isinstance(found, Gap) else found.interval
            rows.append(
                {
                    "other": other,
                    "advantage": None if isinstance(found, Gap) else found.value,
                    "interval": ends and f"{ends[0]:.2f} to {ends[1]:.2f}",
                    "pairs": pairs.pairs,
                    "ratio": pairs.density_ratio,
                    "share": pairs.pairs / pairs.features if pairs.features else None,
                }
            )
    return rows


def _moments(tables: Tables) -> Rows:
    rows: Rows = []
    for basis in BASES:
        row: dict[str, Any] = {"basis": basis}
        for moment in ("density", "skew", "kurtosis"):
            values = moment_correlations(tables, basis, moment).values()
            known = [value for value in values if value is not None]
            row[moment] = sum(known) / len(known) if known else None
        rows.append(row)
    return rows


def _matched_table() -> Table:
    return Table(
        table="artifacts/matched.parquet",
        columns=(
            ("other", "beside"),
            ("advantage", f"advantage of {SPARSE}"),
            ("interval", "interval over subjects and seeds"),
            ("pairs", "pairs"),
            ("share", "features that have a partner"),
            ("ratio", "density over the partner's"),
        ),
        title="Features in pairs of like density",
        caption=f"Each feature of {SPARSE} with one of the baseline at the same site whose density "
        f"is within a factor of {APART:g}; none where a subject and seed has no such pair.",
    )


def _moment_table() -> Table:
    return Table(
        table="artifacts/moments.parquet",
        columns=(
            ("basis", "basis"),
            ("density", "density"),
            ("skew", "skew"),
            ("kurtosis", "kurtosis"),
        ),
        title="What the score goes with",
        caption="Pearson's correlation over the features of all residual layers, mean over "
        "subjects and seeds. Published for one sparse dictionary: .19 with skew, .24 or .15 "
        "with kurtosis.",
    )
