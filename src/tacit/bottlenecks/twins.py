"""How far beyond what the concepts can give are twins told apart?

Axes: n images of twin classes, p pairs of twins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Int

from tacit.base.errors import UserError
from tacit.metrics.intervals import Interval, wilson
from tacit.metrics.student import student_ratio

_CEILING = 0.5
"""Of two classes equal in all concepts, what the concepts can give."""


@final
@dataclass(frozen=True, kw_only=True)
class TwinExcess:
    """Accuracy within twin pairs, less the half that concepts can give."""

    by_images: Interval
    """As of these pairs: n counts images."""
    by_pairs: Interval
    """As of other pairs like these: n counts pairs."""
    least_nats: float
    """What must be known of the twin to be right as often, by Fano's inequality; 0 at a half."""


def excess_over_ceiling(
    right: Bool[np.ndarray, " n"], pair: Int[np.ndarray, " n"], *, level: float = 0.95
) -> TwinExcess:
    """Return by how much the share of images given to the right twin exceeds one half.

    Raises:
        UserError: without images, or for arrays of unlike length.
    """
    if not len(right) or len(right) != len(pair):
        raise UserError(
            f"{len(right)} answers and {len(pair)} pairs were given; give the pair of each image."
        )
    images = wilson(int(right.sum()), len(right), level=level)
    number = np.unique(pair, return_inverse=True)[1]
    counts, excess = np.bincount(number), np.bincount(number, right - _CEILING)
    return TwinExcess(
        by_images=Interval(
            value=images.value - _CEILING,
            low=None if images.low is None else images.low - _CEILING,
            high=None if images.high is None else images.high - _CEILING,
            n=images.n,
            method=images.method,
            level=level,
            reason=images.reason,
        ),
        by_pairs=student_ratio(excess, counts, level=level),
        least_nats=_least_nats(images.value),
    )


def _least_nats(accuracy: float) -> float:
    """Return ``ln 2`` less the entropy of being right: a bound where both twins are as likely."""
    if accuracy <= _CEILING:
        return 0.0
    wrong = 1 - accuracy
    lost = wrong * math.log(wrong) if wrong > 0 else 0.0
    return math.log(2) + accuracy * math.log(accuracy) + lost
