"""Which share of the uncertainty of a nuisance do readings take away?

Axes: n images, r readings.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.bottlenecks.group_softmax import fit_group_softmax
from tacit.bottlenecks.groups import group_by_concepts
from tacit.bottlenecks.logits import as_logits
from tacit.metrics.intervals import Interval
from tacit.metrics.student import student_ratio


def uncertainty_reduction_ratio(
    readings: Float[np.ndarray, "n r"],
    nuisance: Int[np.ndarray, " n"],
    *,
    folds: int = 5,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return 1 - H(nuisance | readings) / H(nuisance), both held-out cross-entropies.

    A probe that is too sure pays for it here; by the mean entropy of what it says, it would seem to
    know. Range: 1 at most, and below 0 where the probe knows less than the shares.
    Source: URR of MCBM, arXiv:2506.04877, with the cross-entropy.

    Raises:
        UserError: for arrays of unlike length, one value alone, or too few images.
    """
    if len(readings) != len(nuisance) or not 2 <= folds <= len(nuisance):
        raise UserError(
            f"{len(readings)} readings, {len(nuisance)} values of a nuisance and {folds} folds "
            "were given; give a value for each image, and 2 folds or more, no more than images."
        )
    if len(np.unique(nuisance)) < 2:
        raise UserError("a nuisance with one value alone has no uncertainty; give two.")
    values = as_logits(readings).values
    groups = group_by_concepts(nuisance, np.zeros((len(nuisance), 1), dtype=bool))
    fold = groups.folds(folds, stream(seed, "bottlenecks/uncertainty reduction"))
    costs = np.zeros((2, len(nuisance)))
    for number in range(folds):
        images, apart = np.flatnonzero(fold != number), fold == number
        costs[0, apart] = fit_group_softmax(groups, values, images).losses(values)[apart]
        costs[1, apart] = -groups.log_shares(images)[0, groups.place[apart]]
    left = student_ratio(costs[0], costs[1], level=level)
    if left.low is None or left.high is None:
        return replace(left, value=1 - left.value)
    return replace(left, value=1 - left.value, low=1 - left.high, high=1 - left.low)
