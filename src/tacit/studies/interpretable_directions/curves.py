"""Feature replacement curves of every basis: chosen on some prompts, scored on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from scipy.stats import spearmanr

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
from tacit.metrics.replacing import median_reached, share_unreached
from tacit.models.prompt_pairs import read_pairs
from tacit.models.subject import Subject
from tacit.studies.interpretable_directions.settings import DirectionsSettings

Ranking = Literal["each prompt", "all prompts"]
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
    chosen_area: float
    """Area on the prompts that the common order was chosen on."""
    correlation: float
    """Spearman's, of attributed and exact effects over candidates of ``CHECKED`` prompts."""
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


def curves_of(
    settings: DirectionsSettings,
    subject: Subject,
    unit: tuple[str, int],
    bases: Mapping[str, Dictionary],
) -> list[Curve]:
    """Return the curves of every basis and ranking."""
    name, seed = unit
    pairs = pairs_of(settings.task, 2 * settings.prompts, seed)
    choosing, scoring = (
        patching(subject, read_pairs(subject, half))
        for half in (pairs[: settings.prompts], pairs[settings.prompts :])
    )
    found: list[Curve] = []
    for basis, dictionary in bases.items():
        own = [
            code_difference(subject, runs.prompts, settings.site, dictionary)
            for runs in (choosing, scoring)
        ]
        check_matters(scoring, own[1])
        earlier, effects = (
            attributed_effects(runs, difference, at=settings.halfway)
            for runs, difference in zip((choosing, scoring), own, strict=True)
        )
        correlation = _agreement(scoring, own[1], settings.halfway)
        for ranking in get_args(Ranking):
            here = _ordered(choosing, own[0], ranking, earlier, earlier)
            curve = _ordered(scoring, own[1], ranking, effects, earlier)
            found.append(
                Curve(
                    subject=name,
                    seed=seed,
                    basis=basis,
                    ranking=ranking,
                    features=_finite(curve, curve.num_patched),
                    edit=_finite(curve, curve.magnitudes),
                    unreached=share_unreached(curve.shares, LEFT),
                    area=curve.area(MOST),
                    chosen_area=here.area(MOST),
                    correlation=correlation,
                    candidates=float(curve.num_patched[:, -1].mean()),
                    start=float(curve.distances[:, 0].mean()),
                    prompts=len(scoring.prompts),
                    skipped=sum(scoring.prompts.skipped.values()),
                    numbers=_means(curve.num_patched),
                    shares=_means(curve.shares),
                    lengths=_means(curve.magnitudes),
                )
            )
    return found


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


def _agreement(runs: Patching, difference: CodeDifference, at: float) -> float:
    """Return the rank correlation of attributed with exact effects, over candidates."""
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
    fast = attributed_effects(some, part, at=at)[stands].cpu().numpy()
    return float(spearmanr(exact, fast).statistic)


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
