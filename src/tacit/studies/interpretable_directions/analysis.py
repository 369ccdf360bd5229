"""What the tables of a run say of each published claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tacit.base.records import Gap, Judgement, Result
from tacit.metrics.replacing import over_baseline
from tacit.studies.interpretable_directions.claims import published_of
from tacit.studies.interpretable_directions.curves import Curve, Ranking, of_curves
from tacit.studies.interpretable_directions.erasing import Erasure
from tacit.studies.interpretable_directions.figures import (
    FIGURES,
    Tables,
    Unit,
    by_unit,
    figure,
    records_of,
)
from tacit.studies.interpretable_directions.pages import pages_of
from tacit.studies.interpretable_directions.pieces import best_of
from tacit.studies.interpretable_directions.settings import DirectionsSettings
from tacit.studies.study import Finding, Findings
from tacit.studies.units import REPRODUCED_BELOW, side_of

HALF, CHANCE_PLUS, FORGOTTEN = 0.5, 1.05, 0.75
"""Levels of the rules in ``QUESTION.md``."""


def findings_of(settings: DirectionsSettings, partial: Path, tables: Tables) -> Findings:
    """Return figures, claims and pages of a run's tables."""
    best = {unit: best_of(tables.curves, unit) for unit in settings.units}
    findings = [
        *_patching(settings, tables.curves, best),
        *published_of(settings, tables),
        *_erasing(settings, tables.erasures),
    ]
    return Findings(
        records=records_of(settings, tables),
        findings=findings,
        pages=pages_of(settings, partial, tables, best),
        chance=0.025 * len(findings),
    )


def _patching(
    settings: DirectionsSettings, curves: Sequence[Curve], best: Mapping[Unit, str]
) -> list[Finding]:
    """Return the findings of the best dictionary beside PCA."""

    def beside(name: str, ranking: Ranking) -> Result | Gap:
        read, values = FIGURES[name], {}
        for unit, theirs in of_curves(curves, "pca", ranking).items():
            ours = read(of_curves(curves, best[unit], ranking)[unit])
            pca = read(theirs)
            values[unit] = None if ours is None or pca is None else over_baseline(ours, pca)
        of = {"figure": name, "baseline": "pca", "ranking": ranking}
        return figure(settings, "over_baseline", values, of)

    patches, edit = (
        beside(name, "each prompt") for name in ("features_to_tenth", "edit_to_tenth")
    )
    common, greedy = (
        beside("replacement_area", ranking) for ranking in ("all prompts", "greedy")
    )
    asked = (
        ("fewer-patches-than-pca", patches, 1),
        ("half-the-patches", patches, HALF),
        ("smaller-edit", edit, 1),
        ("one-set-for-all-prompts", common, 1),
        ("one-set-by-elimination", greedy, 1),
    )
    return [
        Finding(name, found, REPRODUCED_BELOW[side_of(found, level)])
        for name, found, level in asked
    ]


def _erasing(settings: DirectionsSettings, erasures: Sequence[Erasure]) -> list[Finding]:
    """Return the findings on gender; gaps where the text does not label it."""
    leace = by_unit(erasures, concept="gender", eraser="leace")
    single = by_unit(erasures, concept="gender", eraser="best feature")
    if not leace:
        gap = Gap(name="probe_accuracy", reason="the text does not label gender", of={})
        return [
            Finding(name, gap, "not testable at this scale")
            for name in ("leace-leaves-chance", "one-feature-erases")
        ]
    probes = {u: over_baseline(each.linear, each.chance) for u, each in leace.items()}
    prices = {u: over_baseline(e.other_kl, leace[u].other_kl) for u, e in single.items()}
    left, price = (
        figure(settings, "over_baseline", values, {"figure": name, "baseline": baseline})
        for values, name, baseline in (
            (probes, "probe_accuracy", "chance"),
            (prices, "other_text_kl", "leace"),
        )
    )
    of = {"eraser": "best feature", "concept": "gender"}
    accuracies = {unit: each.accuracy for unit, each in single.items()}
    accuracy = figure(settings, "task_accuracy", accuracies, of)
    sides = {side_of(price, 1), side_of(accuracy, FORGOTTEN)}
    both: Judgement = "not reproduced" if "above" in sides else "inconclusive"
    if sides == {"below"}:
        both = "reproduced"
    return [
        Finding("leace-leaves-chance", left, REPRODUCED_BELOW[side_of(left, CHANCE_PLUS)]),
        Finding("one-feature-erases", price, both),
    ]
