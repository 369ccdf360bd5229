"""What is lost by choosing with a stand-in for the truth, and do the two agree in order?

Axes: n candidates.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from jaxtyping import Float

from tacit.base.errors import UserError

FEWEST_RANKED = 3


def lost_by_choosing(
    scores: Float[np.ndarray, " n"],
    truth: Float[np.ndarray, " n"],
    ties: Float[np.ndarray, " n"] | None = None,
) -> float:
    """Return the best truth less that of the candidate with the lowest score; 0 or more.

    A NaN score cannot be chosen, but its truth counts for the best. Equal scores go to the lower
    of ``ties``, then to the first.

    Raises:
        UserError: where no candidate has a score.
    """
    if np.isnan(scores).all():
        raise UserError(f"none of {len(scores)} candidates has a score to choose by.")
    second = np.zeros(len(scores)) if ties is None else ties
    order = np.lexsort((second, np.where(np.isnan(scores), np.inf, scores)))
    return float(truth.max() - truth[order[0]])


def rank_correlation(
    scores: Float[np.ndarray, " n"], truth: Float[np.ndarray, " n"]
) -> float | None:
    """Return Spearman's correlation of low scores with high truth, -1 to 1.

    1 means that the lowest score has the highest truth, and so on down. Candidates with NaN are
    left out; None with fewer than three left, or where one side is constant.
    Source: Spearman 1904, as scipy's ``spearmanr`` does it, ties at their mean rank.
    """
    # scipy has no types.
    from scipy.stats import spearmanr  # pyright: ignore

    known = ~np.isnan(scores)
    low, high = -scores[known], truth[known]
    if len(low) < FEWEST_RANKED or np.ptp(low) == 0 or np.ptp(high) == 0:
        return None
    return float(cast(Any, spearmanr)(low, high).statistic)


def log_log_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the least-squares slope of log y on log x: the power with which y grows.

    Raises:
        UserError: with fewer than two different x, or with a value of 0 or less.
    """
    if len(set(x)) < 2 or min(*x, *y) <= 0:
        raise UserError(
            f"a slope over x {list(x)} and y {list(y)} was asked: give two or more different x, "
            "and only positive values."
        )
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def steps_ratio(
    one: Sequence[tuple[int, float]], other: Sequence[tuple[int, float]], level: float
) -> float | None:
    """Return how many times as many steps ``one`` takes to ``level`` as ``other``.

    Both are readings (step, value) in order. None where a level is never reached, or where
    ``other`` begins there.
    """
    first, second = (
        next((step for step, value in readings if value >= level), None)
        for readings in (one, other)
    )
    return None if first is None or not second else first / second


def plateau_excess(values: Sequence[float]) -> float:
    """Return the rise over the first half of the steps less twice the change over the second.

    Above 0: a rise, then at most half as much change. The middle of an even number of values is
    the later one.

    Raises:
        UserError: with fewer than three values.
    """
    if len(values) < FEWEST_RANKED:
        raise UserError(f"a plateau was asked of {len(values)} values; it takes three.")
    middle = values[len(values) // 2]
    return (middle - values[0]) - 2 * abs(values[-1] - middle)


def excess_over_best(value: float, others: Sequence[float]) -> float:
    """Return a value less the largest of others: above 0, more than every control.

    Raises:
        UserError: without any other.
    """
    if not others:
        raise UserError("an excess over no controls was asked for; give one or more.")
    return value - max(others)
