"""How much do readings say of the class that the concepts do not: I(y; readings | c)?

A classifier that knows c is fitted with the readings, and with readings permuted among images of
equal c, which cost it as much to fit and tell it nothing: what it gains is the information. The
concepts conditioned on are the truth, so that what an encoder gets wrong of them counts too.

Axes: n images, k concepts, r readings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast, final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError, look_up
from tacit.base.records import Gap, Record
from tacit.base.seeds import stream
from tacit.bottlenecks.boosted import fit_boosted
from tacit.bottlenecks.group_softmax import fit_group_softmax
from tacit.bottlenecks.groups import ConceptGroups, group_by_concepts
from tacit.bottlenecks.logits import as_logits
from tacit.metrics.intervals import Interval, check_level
from tacit.metrics.results import as_result
from tacit.metrics.student import student_mean

Estimator = Literal["logistic", "boosted"]
LEAST_ENTROPY = 0.05
"""Nats of the class that concepts must leave open: below them nothing can be told to leak."""
PERMUTATIONS = 5
_FLAT = 1e-12
Fit = Callable[
    [ConceptGroups, Float[np.ndarray, "n r"], Int[np.ndarray, " t"]],
    Float[np.ndarray, " n"],
]
"""The losses of all images, of a classifier fitted on some of them."""


def _softmax(
    groups: ConceptGroups, readings: Float[np.ndarray, "n r"], images: Int[np.ndarray, " t"]
) -> Float[np.ndarray, " n"]:
    return fit_group_softmax(groups, readings, images).losses(readings)


_ESTIMATORS: Mapping[str, tuple[Fit, float]] = {
    "logistic": (_softmax, 0.5),
    "boosted": (fit_boosted, 0.0),
}
"""Each with the share of what training images cost less that is taken off what held-out ones do."""


@final
@dataclass(frozen=True, kw_only=True)
class Leak:
    """What readings carry of the class beyond the concepts."""

    information: Interval | Gap
    """In nats; below 0 by chance alone. n counts images."""
    entropy: Interval
    """Nats of the class that the concepts leave open: what could leak at most."""
    held_out: float | None
    """The information without the correction for what is lost in fitting: too low."""
    num_groups: int
    """Groups of images with equal concepts."""
    num_alone: int
    """Images whose concepts no other has: they can show no leak, and count as showing none."""
    num_left_out: int
    """Images that the estimator cannot take, which count as showing none."""
    num_constant: int
    """Readings that are the same on all images: left out."""
    told: str
    """What the readings were, and what was done to them."""

    def records(self, of: Mapping[str, str | int | float]) -> list[Record]:
        """Return both figures as results, or the reason why there is none."""
        entropy = as_result("entropy_given_concepts", self.entropy, of)
        if isinstance(self.information, Gap):
            return [
                Gap(name=self.information.name, reason=self.information.reason, of=of),
                entropy,
            ]
        return [as_result("conditional_information", self.information, of), entropy]


def conditional_information(
    labels: Int[np.ndarray, " n"],
    concepts: Bool[np.ndarray, "n k"],
    readings: Float[np.ndarray, "n r"],
    *,
    estimator: Estimator = "logistic",
    folds: int = 5,
    seed: int = 0,
    level: float = 0.95,
) -> Leak:
    """Return the information of readings on the class, given the concepts, with its interval.

    Held-out images cost a fitted classifier more than the best one of its kind would, training
    images less, and to first order by as much (Akaike 1974, IEEE Trans. Autom. Control 19): the
    mean of both is what the best one costs. That is taken for ``logistic``; ``boosted``, which
    has no such symmetry, is of held-out images alone and too low. The squared half-width of the
    interval is the sum of Student's over images and that over permutations; its upper end leaves
    room for a second correction of the same size, as what falls below the noise is not found.
    The figure is that of the linear or boosted classifier, so at most the information there is.

    Raises:
        UserError: for arrays of unlike length, readings that are not finite, or too few images.
    """
    check_level(level)
    fit, share = look_up(_ESTIMATORS, estimator, "estimator")
    if len(readings) != len(labels) or not 2 <= folds <= len(labels):
        raise UserError(
            f"{len(readings)} readings, {len(labels)} labels and {folds} folds were given; give a "
            "label for each image, and 2 folds or more, no more than images."
        )
    logits, groups = as_logits(readings), group_by_concepts(labels, concepts)
    rng = stream(seed, "bottlenecks/conditional information")
    fold = groups.folds(folds, rng)
    entropy = _entropy(groups, fold, level)
    values = logits.values
    varies = np.ptp(values, axis=0) > _FLAT * (1 + np.abs(values).max(axis=0, initial=0))
    gap = _nothing_to_find(entropy, int(varies.sum()))
    found = None
    if gap is None:
        tries = (
            np.arange(len(labels)),
            *(groups.permuted(rng) for _ in range(PERMUTATIONS)),
        )
        costs = [_costs(groups, values[:, varies][each], fold, fit) for each in tries]
        found = _gained(np.stack(costs), share, level, estimator)
    return Leak(
        information=gap or cast(tuple[Interval, float], found)[0],
        entropy=entropy,
        held_out=found[1] if found else None,
        num_groups=groups.num_groups,
        num_alone=groups.num_alone,
        num_left_out=int((~groups.is_pair).sum()) if estimator == "boosted" else 0,
        num_constant=int((~varies).sum()),
        told=logits.told
        + (f"; {logits.num_held} held off 0 and 1" if logits.num_held else ""),
    )


def _entropy(groups: ConceptGroups, fold: Int[np.ndarray, " n"], level: float) -> Interval:
    def shares(
        groups: ConceptGroups, _: Float[np.ndarray, "n r"], images: Int[np.ndarray, " t"]
    ) -> Float[np.ndarray, " n"]:
        return -groups.log_shares(images)[groups.of_image, groups.place]

    held_out, training = _costs(groups, np.empty((len(fold), 0)), fold, shares)
    return student_mean((held_out + training) / 2, level=level)


def _nothing_to_find(entropy: Interval, num_readings: int) -> Gap | None:
    name = "conditional_information"
    if entropy.value < LEAST_ENTROPY:
        return Gap(
            name=name,
            reason=f"the concepts leave {entropy.value:.3f} nats of the class open: less than "
            f"{LEAST_ENTROPY:g}, so there is nothing to leak",
        )
    if not num_readings:
        return Gap(name=name, reason="every reading is the same on all images")
    return None


def _costs(
    groups: ConceptGroups,
    readings: Float[np.ndarray, "n r"],
    fold: Int[np.ndarray, " n"],
    fit: Fit,
) -> Float[np.ndarray, "2 n"]:
    """Return what each image costs where it is held out, and on average where it is not."""
    held_out, training = np.zeros(len(fold)), np.zeros(len(fold))
    numbers = np.unique(fold)
    for number in numbers:
        apart = fold == number
        losses = fit(groups, readings, np.flatnonzero(~apart))
        held_out[apart] = losses[apart]
        training[~apart] += losses[~apart] / (len(numbers) - 1)
    return np.stack([held_out, training])


def _gained(
    costs: Float[np.ndarray, "p 2 n"], share: float, level: float, estimator: str
) -> tuple[Interval, float]:
    """Return the information with its interval, and without the correction.

    ``costs``: of the readings, then of each permutation.
    """
    # scipy has no types.
    from scipy.special import stdtrit  # pyright: ignore

    held_out = costs[1:, 0].mean(axis=0) - costs[0, 0]
    mixed = (1 - share) * costs[:, 0] + share * costs[:, 1]
    gained = mixed[1:].mean(axis=0) - mixed[0]
    n, value = len(gained), float(gained.mean())
    over_images = math.sqrt(gained.var(ddof=1) / n) * float(stdtrit(n - 1, (1 + level) / 2))
    chance = mixed[1:].mean(axis=1)
    over_permutations = math.sqrt(chance.var(ddof=1) * (1 + 1 / len(chance))) * float(
        stdtrit(len(chance) - 1, (1 + level) / 2)
    )
    half = math.hypot(over_images, over_permutations)
    interval = Interval(
        value=value,
        low=value - half,
        high=value + math.hypot(half, value - float(held_out.mean())),
        n=n,
        method=f"{estimator}, {len(chance)} permutations",
        level=level,
    )
    return interval, float(held_out.mean())
