"""How much better than its group each row was.

Axes: b rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

EQUAL = 1e-8
"""Rewards no further apart are equal: the rest is rounding (as in TRL)."""
SMALL = 1e-4
"""Added to a group's deviation (as in TRL), so that nearly equal rewards stay nearly equal."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Advantages:
    """Of each row, and in how many groups nothing could be compared."""

    values: Float[np.ndarray, " b"]
    """0 in excluded rows and in groups of equal rewards."""
    equal_groups: int
    """Groups of which rows are left with one reward (or one row): they teach nothing."""


def advantages(
    rewards: Float[np.ndarray, " b"],
    groups: Int[np.ndarray, " b"],
    is_excluded: Bool[np.ndarray, " b"],
    *,
    scale_by_deviation: bool,
) -> Advantages:
    """Return ``r - mean(r)`` within each group, excluded rows left out of the mean.

    ``scale_by_deviation`` divides by the group's standard deviation (over n - 1) plus ``SMALL``.
    The sum over a group is 0, and adding a constant to a group's rewards changes nothing.
    Source: Shao et al. 2024, arXiv:2402.03300; without the division, Liu et al. 2025,
    arXiv:2503.20783.
    """
    values, equal = np.zeros(len(rewards)), 0
    for group in np.unique(groups[~is_excluded]):
        rows = np.flatnonzero((groups == group) & ~is_excluded)
        own = rewards[rows].astype(np.float64)
        if np.ptp(own) <= EQUAL:
            equal += 1
            continue
        values[rows] = own - own.mean()
        if scale_by_deviation:
            values[rows] /= own.std(ddof=1) + SMALL
    return Advantages(values=values, equal_groups=equal)
