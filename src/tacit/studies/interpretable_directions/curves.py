"""Feature replacement curves of every basis: chosen on some prompts, scored on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from tacit.data.stories.tasks import pairs_of
from tacit.dictionaries import Dictionary
from tacit.interventions.differences import CodeDifference, code_difference
from tacit.interventions.patching import (
    Patching,
    attributed_effects,
    check_matters,
    exact_effects,
    patching,
)
from tacit.interventions.replacement import (
    Replacement,
    ranked_by_prompt,
    ranked_in_common,
    replacement_curve,
)
from tacit.metrics.choosing import rank_correlation
from tacit.metrics.replacing import median_reached, share_unreached
from tacit.models.prompt_pairs import read_pairs
from tacit.models.subject import Subject
from tacit.studies.interpretable_directions.settings import LEARNED, DirectionsSettings

Ranking = Literal["each prompt", "all prompts", "greedy"]
"""What orders the features: attribution in each prompt or over those for choosing, or sets
that greedy elimination chose there."""
ATTRIBUTED: tuple[Ranking, ...] = ("each prompt", "all prompts")
LEFT = 0.1
"""Share of the KL at which features are counted."""
MOST = 64
"""Features up to which areas are taken."""
CHECKED = 5
"""Prompts of which every feature is patched exactly, beside attribution."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The curve of one basis of one subject and seed, under one ranking."""

    subject: str
    seed: int
    basis: str
    ranking: Ranking
    features: float | None
    """``features_to_tenth``; None where half of the prompts never come so far."""
    edit: float | None
    unreached: float
    area: float
    chosen_area: float | None
    """Area on the prompts for choosing, each ranked by itself; of ``LEARNED`` alone."""
    correlation: float | None
    """Spearman's, of exact effects and those attributed at the clean value, over candidates of
    ``CHECKED`` prompts."""
    correlation_halfway: float | None
    """The same with the gradient taken where features are ranked by it."""
    candidates: float
    """Features whose activation differs, mean over prompts."""
    start: float
    """KL of the clean run, mean over prompts, in nats."""
    prompts: int
    skipped: int
    numbers: list[float]
    shares: list[float]
    lengths: list[float]
    """Mean over prompts at each count: patched, KL left over KL of the clean run, edit."""


def runs_of(
    settings: DirectionsSettings, subject: Subject, seed: int
) -> tuple[Patching, Patching]:
    """Return the prompts that features are chosen by, and those that they are scored on."""
    pairs = pairs_of(settings.task, 2 * settings.prompts, seed)
    halves = (pairs[: settings.prompts], pairs[settings.prompts :])
    choosing, scoring = (patching(subject, read_pairs(subject, half)) for half in halves)
    return choosing, scoring


def curves_of(
    settings: DirectionsSettings,
    subject: Subject,
    unit: tuple[str, int],
    bases: Mapping[str, Dictionary],
) -> list[Curve]:
    """Return the curves of every basis, ranked by attribution."""
    runs = runs_of(settings, subject, unit[1])
    return [
        curve
        for basis, dictionary in bases.items()
        for curve in _curves_of_basis(settings, runs, unit, basis, dictionary)
    ]


def _curves_of_basis(
    settings: DirectionsSettings,
    runs: tuple[Patching, Patching],
    unit: tuple[str, int],
    basis: str,
    dictionary: Dictionary,
) -> list[Curve]:
    choosing, scoring = runs
    here, there = (
        code_difference(each.subject, each.prompts, settings.site, dictionary)
        for each in runs
    )
    check_matters(scoring, there)
    earlier, effects = (
        attributed_effects(each, difference, at=settings.halfway)
        for each, difference in ((choosing, here), (scoring, there))
    )
    agreements = _agreements(scoring, there, (0.0, settings.halfway))
    return [
        curve_row(
            unit,
            basis,
            ranking,
            scoring,
            _ordered(scoring, there, ranking, effects, earlier),
            # Only learned dictionaries are chosen among.
            chosen_area=_ordered(choosing, here, ranking, earlier, earlier).area(MOST)
            if basis in LEARNED and ranking == "each prompt"
            else None,
            agreements=agreements,
        )
        for ranking in ATTRIBUTED
    ]


def curve_row(
    unit: tuple[str, int],
    basis: str,
    ranking: Ranking,
    runs: Patching,
    curve: Replacement,
    *,
    chosen_area: float | None = None,
    agreements: Sequence[float | None] = (None, None),
) -> Curve:
    """Return what is kept of a curve over the prompts of ``runs``."""
    return Curve(
        subject=unit[0],
        seed=unit[1],
        basis=basis,
        ranking=ranking,
        features=_finite(curve, curve.num_patched),
        edit=_finite(curve, curve.magnitudes),
        unreached=share_unreached(curve.shares, LEFT),
        area=curve.area(MOST),
        chosen_area=chosen_area,
        correlation=agreements[0],
        correlation_halfway=agreements[1],
        candidates=float(curve.num_patched[:, -1].mean()),
        start=float(curve.distances[:, 0].mean()),
        prompts=len(runs.prompts),
        skipped=sum(runs.prompts.skipped.values()),
        numbers=_means(curve.num_patched),
        shares=_means(curve.shares),
        lengths=_means(curve.magnitudes),
    )


def _ordered(
    runs: Patching,
    difference: CodeDifference,
    ranking: Ranking,
    effects: torch.Tensor,
    earlier: torch.Tensor,
) -> Replacement:
    """Return the curve; a common order comes from the choosing prompts alone."""
    if ranking == "each prompt":
        order = ranked_by_prompt(effects)
    else:
        order = ranked_in_common(earlier, len(runs.prompts))
    return replacement_curve(runs, difference, order)


def _agreements(
    runs: Patching, difference: CodeDifference, points: Sequence[float]
) -> list[float | None]:
    """Return the rank correlation of exact effects with those attributed at each point."""
    some = patching(runs.subject, runs.prompts.some(slice(0, CHECKED)))
    length = some.prompts.clean.shape[1]
    kept = difference.prompt < CHECKED
    part = CodeDifference(
        site=difference.site,
        clean=difference.clean[:CHECKED, :length],
        directions=difference.directions,
        prompt=difference.prompt[kept],
        position=difference.position[kept],
        feature=difference.feature[kept],
        delta=difference.delta[kept],
        error=difference.error[:CHECKED, :length],
    )
    stands = part.candidates()
    exact = exact_effects(some, part)[stands].cpu().numpy()
    return [
        rank_correlation(
            -attributed_effects(some, part, at=at)[stands].cpu().numpy(), exact
        )
        for at in points
    ]


def _finite(curve: Replacement, values: np.ndarray) -> float | None:
    found = median_reached(curve.shares, values, LEFT)
    return found if np.isfinite(found) else None


def _means(values: np.ndarray) -> list[float]:
    return values.mean(axis=0).tolist()


def of_curves(
    curves: Sequence[Curve], basis: str, ranking: Ranking
) -> dict[tuple[str, int], Curve]:
    """Return one basis's curves by subject and seed."""
    return {
        (each.subject, each.seed): each
        for each in curves
        if (each.basis, each.ranking) == (basis, ranking)
    }
