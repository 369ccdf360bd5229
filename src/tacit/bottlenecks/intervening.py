"""How well does a class head do when concepts are set to their truth, group by group?

Axes: n images, k concepts, r readings (the concepts first), m classes, s steps, o orders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError, look_up
from tacit.base.seeds import stream
from tacit.metrics.intervals import Interval
from tacit.metrics.student import student_mean

ClassHead = Callable[[Float[np.ndarray, "n r"]], Float[np.ndarray, "n m"]]
Values = Literal["percentiles", "sigmoid", "flat"]
FLAT = 3.0
"""Logit written for yes, and less it for no: .953 and .047 through a sigmoid."""
_ENDS = (5, 95)


@final
@dataclass(frozen=True, kw_only=True)
class InterventionCurve:
    """Accuracy by the number of groups that were set; the mean over random orders of groups."""

    num_groups: tuple[int, ...]
    """0 first, all groups last."""
    set_to_truth: tuple[Interval, ...]
    set_to_own: tuple[Interval, ...]
    """The control: the model's own yes and no, written at the same values."""


def intervention_curve(
    readings: Float[np.ndarray, "n r"],
    truth: Bool[np.ndarray, "n k"],
    groups: Sequence[Sequence[int]],
    class_head: ClassHead,
    labels: Int[np.ndarray, " n"],
    *,
    orders: int = 5,
    seed: int = 0,
    values: Values = "percentiles",
    level: float = 0.95,
) -> InterventionCurve:
    """Return how accuracy goes when groups of concepts are set in random order.

    ``values``: what is written for no and yes. ``percentiles``: the concept's 5th and 95th among
    these readings; ``sigmoid``: 0 and 1, where readings are probabilities; ``flat``: -3 and 3.
    Where the control falls as far, it is the values that harm the head and not a lost leak. The
    accuracy of an image is its mean over orders; never the best order. n counts images.
    Source: Koh et al. 2020, arXiv:2007.04612, who take the best order.

    Raises:
        UserError: for arrays of unlike length, or groups that name no concept of the truth.
    """
    _check(readings, truth, groups, labels, orders)
    low, high = look_up(_WRITTEN, values, "kind of values")(readings[:, : truth.shape[1]])
    middle = 0.5 if values == "sigmoid" else 0.0
    said = readings[:, : truth.shape[1]] > middle
    rng = stream(seed, "bottlenecks/intervening")
    shuffled = [rng.permutation(len(groups)) for _ in range(orders)]

    def curve(answers: Bool[np.ndarray, "n k"]) -> tuple[Interval, ...]:
        written = np.where(answers, high, low)
        right = np.zeros((len(groups) + 1, len(labels)))
        for order in shuffled:
            given = readings.astype(np.float64)
            right[0] += class_head(given).argmax(axis=1) == labels
            for step, number in enumerate(order):
                columns = np.asarray(groups[number])
                given[:, columns] = written[:, columns]
                right[step + 1] += class_head(given).argmax(axis=1) == labels
        return tuple(student_mean(each / orders, level=level) for each in right)

    return InterventionCurve(
        num_groups=tuple(range(len(groups) + 1)),
        set_to_truth=curve(truth),
        set_to_own=curve(said),
    )


def _percentiles(readings: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "2 k"]:
    return np.percentile(readings, _ENDS, axis=0)


def _fixed(low: float, high: float) -> Callable[[np.ndarray], Float[np.ndarray, "2 k"]]:
    def written(readings: np.ndarray) -> Float[np.ndarray, "2 k"]:
        return np.repeat([[float(low)], [float(high)]], readings.shape[1], axis=1)

    return written


_WRITTEN = {
    "percentiles": _percentiles,
    "sigmoid": _fixed(0, 1),
    "flat": _fixed(-FLAT, FLAT),
}


def _check(
    readings: np.ndarray,
    truth: np.ndarray,
    groups: Sequence[Sequence[int]],
    labels: np.ndarray,
    orders: int,
) -> None:
    if not len(readings) == len(truth) == len(labels) or readings.shape[1] < truth.shape[1]:
        raise UserError(
            f"readings {readings.shape}, concepts {truth.shape} and {len(labels)} labels were "
            "given; give all of the same images, and a reading for every concept."
        )
    named = [concept for group in groups for concept in group]
    if not named or orders < 1 or min(named) < 0 or max(named) >= truth.shape[1]:
        raise UserError(
            f"{len(groups)} groups and {orders} orders were given of {truth.shape[1]} concepts; "
            "give one order or more, and groups that name concepts by their column."
        )
