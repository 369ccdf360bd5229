"""What the tables of a run say of each published claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import get_args

from tacit.base.records import Gap, Judgement, Record, Result
from tacit.metrics.replacing import over_baseline
from tacit.studies.interpretable_directions.curves import Curve, Ranking, of_curves
from tacit.studies.interpretable_directions.erasing import Erasure
from tacit.studies.interpretable_directions.pages import pages_of
from tacit.studies.interpretable_directions.settings import (
    BASES,
    LEARNED,
    DirectionsSettings,
)
from tacit.studies.study import Finding, Findings
from tacit.studies.tables import read_rows
from tacit.studies.units import REPRODUCED_BELOW, Of, over_units, side_of

Unit = tuple[str, int]
NEVER = "half of the prompts or more never come to a tenth"
HALF, CHANCE_PLUS, FORGOTTEN = 0.5, 1.05, 0.75
"""Levels of the rules in ``QUESTION.md``."""
FIGURES: Mapping[str, Callable[[Curve], float | None]] = {
    "features_to_tenth": lambda curve: curve.features,
    "edit_to_tenth": lambda curve: curve.edit,
    "tenth_unreached": lambda curve: curve.unreached,
    "replacement_area": lambda curve: curve.area,
}
ERASED: Mapping[str, Callable[[Erasure], float | None]] = {
    "task_accuracy": lambda each: each.accuracy,
    "other_text_kl": lambda each: each.other_kl,
    "probe_accuracy": lambda each: each.linear,
}


def findings_of(
    settings: DirectionsSettings,
    partial: Path,
    curve_tables: Sequence[Path],
    erasure_tables: Sequence[Path],
) -> Findings:
    """Return figures, claims and pages of a run's tables."""
    curves = [row for path in curve_tables for row in read_rows(path, Curve)]
    erasures = [row for path in erasure_tables for row in read_rows(path, Erasure)]
    best = {unit: _best(curves, unit) for unit in settings.units}
    findings = [*_patching(settings, curves, best), *_erasing(settings, erasures)]
    return Findings(
        records=[*curve_records(settings, curves), *erasure_records(settings, erasures)],
        findings=findings,
        pages=pages_of(settings, partial, curves, erasures, best),
        chance=0.025 * len(findings),
    )


def figure(
    settings: DirectionsSettings,
    name: str,
    values: Mapping[Unit, float | None],
    of: Of,
    missing: str = NEVER,
) -> Result | Gap:
    """Return the mean over subjects and seeds with its interval."""
    named = {f"{subject}-{seed}": value for (subject, seed), value in values.items()}
    seed = min(settings.seeds)
    units = "subjects and seeds"
    return over_units("directions", name, named, of, missing, units=units, seed=seed)


def curve_records(settings: DirectionsSettings, curves: Sequence[Curve]) -> list[Record]:
    """Return every figure of every basis under both rankings."""
    records: list[Record] = []
    for basis in BASES:
        for ranking in get_args(Ranking):
            own = of_curves(curves, basis, ranking)
            of: Of = {"basis": basis, "ranking": ranking, "task": settings.task}
            records += [
                figure(settings, name, {u: read(c) for u, c in own.items()}, of)
                for name, read in FIGURES.items()
            ]
        rank = {unit: each.correlation for unit, each in own.items()}
        records.append(
            figure(
                settings, "rank_correlation", rank, {"basis": basis, "of": "attribution"}
            )
        )
    return records


def erasure_records(
    settings: DirectionsSettings, erasures: Sequence[Erasure]
) -> list[Record]:
    """Return every figure of every method of erasing, for each concept."""
    records: list[Record] = []
    for concept, eraser in dict.fromkeys((e.concept, e.eraser) for e in erasures):
        own = erased(erasures, concept, eraser)
        for name, read in ERASED.items():
            values = {unit: read(each) for unit, each in own.items()}
            if any(value is not None for value in values.values()):
                of: Of = {"concept": concept, "eraser": eraser}
                records.append(figure(settings, name, values, of))
    return records


def erased(erasures: Sequence[Erasure], concept: str, eraser: str) -> dict[Unit, Erasure]:
    """Return one method's erasures of one concept, by subject and seed."""
    return {
        (each.subject, each.seed): each
        for each in erasures
        if (each.concept, each.eraser) == (concept, eraser)
    }


def _best(curves: Sequence[Curve], unit: Unit) -> str:
    own = {basis: of_curves(curves, basis, "each prompt")[unit] for basis in LEARNED}
    return min(own, key=lambda basis: own[basis].chosen_area)


def _patching(
    settings: DirectionsSettings, curves: Sequence[Curve], best: Mapping[Unit, str]
) -> list[Finding]:
    """Return the findings of the best dictionary beside PCA."""

    def beside(name: str, ranking: Ranking) -> Result | Gap:
        read, values = FIGURES[name], {}
        for unit, basis in best.items():
            ours = read(of_curves(curves, basis, ranking)[unit])
            theirs = read(of_curves(curves, "pca", ranking)[unit])
            is_known = ours is not None and theirs is not None
            values[unit] = over_baseline(ours, theirs) if is_known else None
        of: Of = {"figure": name, "baseline": "pca", "ranking": ranking}
        return figure(settings, "over_baseline", values, of)

    patches, edit = (
        beside(name, "each prompt") for name in ("features_to_tenth", "edit_to_tenth")
    )
    area = beside("replacement_area", "all prompts")
    return [
        Finding("fewer-patches-than-pca", patches, REPRODUCED_BELOW[side_of(patches, 1)]),
        Finding("half-the-patches", patches, REPRODUCED_BELOW[side_of(patches, HALF)]),
        Finding("smaller-edit", edit, REPRODUCED_BELOW[side_of(edit, 1)]),
        Finding("one-set-for-all-prompts", area, REPRODUCED_BELOW[side_of(area, 1)]),
    ]


def _erasing(settings: DirectionsSettings, erasures: Sequence[Erasure]) -> list[Finding]:
    """Return the findings on gender; gaps where the text does not label it."""
    leace = erased(erasures, "gender", "leace")
    single = erased(erasures, "gender", "best feature")
    if not leace:
        gap = Gap(name="probe_accuracy", reason="the text does not label gender", of={})
        return [
            Finding(name, gap, "not testable at this scale")
            for name in ("leace-leaves-chance", "one-feature-erases")
        ]
    probes = {u: over_baseline(each.linear, each.chance) for u, each in leace.items()}
    left = figure(
        settings,
        "over_baseline",
        probes,
        {"figure": "probe_accuracy", "baseline": "chance"},
    )
    prices = {
        u: over_baseline(each.other_kl, leace[u].other_kl) for u, each in single.items()
    }
    price = figure(
        settings, "over_baseline", prices, {"figure": "other_text_kl", "baseline": "leace"}
    )
    accuracies = {unit: each.accuracy for unit, each in single.items()}
    accuracy = figure(
        settings,
        "task_accuracy",
        accuracies,
        {"eraser": "best feature", "concept": "gender"},
    )
    sides = {side_of(price, 1), side_of(accuracy, FORGOTTEN)}
    both: Judgement = "not reproduced" if "above" in sides else "inconclusive"
    if sides == {"below"}:
        both = "reproduced"
    return [
        Finding("leace-leaves-chance", left, REPRODUCED_BELOW[side_of(left, CHANCE_PLUS)]),
        Finding("one-feature-erases", price, both),
    ]
