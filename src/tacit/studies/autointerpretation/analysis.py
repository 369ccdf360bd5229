"""What the tables of a run say of each claim, and the pages that show them."""

from __future__ import annotations

from pathlib import Path

from tacit.base.records import Record
from tacit.studies.autointerpretation.bases import BASELINES, BASES, LARGEST, SPARSE
from tacit.studies.autointerpretation.claims import moment_correlations, published_of
from tacit.studies.autointerpretation.controls import controlled_of
from tacit.studies.autointerpretation.figures import Tables, figure, records_of
from tacit.studies.autointerpretation.judging import ADVANTAGE
from tacit.studies.autointerpretation.matched import matched_of
from tacit.studies.autointerpretation.pages import pages_of
from tacit.studies.study import Findings

MOMENTS = ("density", "skew", "kurtosis")
FORMS = tuple(name + form for name in BASELINES for form in ("", LARGEST))
"""Every baseline, as published and with the k largest."""


def findings_of(tables: Tables, partial: Path) -> Findings:
    """Return figures, claims and pages of a run's tables."""
    findings = [*published_of(tables), *controlled_of(tables)]
    return Findings(
        records=[*records_of(tables), *_by_density(tables), *_by_moment(tables)],
        findings=findings,
        pages=pages_of(tables, partial),
        chance=0.025 * len(findings),
    )


def _by_density(tables: Tables) -> list[Record]:
    """Return sparse coding's advantage over pairs of features of like density."""
    sites = tables.settings.residual
    return [
        figure(
            tables.settings,
            ADVANTAGE,
            matched_of(tables, sites, SPARSE, other).values,
            {"basis": SPARSE, "over": other, "pairs": "of like density"},
            "no feature of one has a like one in the other",
        )
        for other in FORMS
        if sites
    ]


def _by_moment(tables: Tables) -> list[Record]:
    """Return how the score goes with density and moments in every basis."""
    return [
        figure(
            tables.settings,
            "moment_score_correlation",
            moment_correlations(tables, basis, moment),
            {"basis": basis, "moment": moment},
            "all features score alike, or have one moment",
        )
        for basis in BASES
        for moment in MOMENTS
        if tables.settings.residual
    ]
