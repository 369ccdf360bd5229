"""How well does what was predicted from an explanation fit what the feature does?

Axes: n fragments, questions or pairs, t tokens, c sums over the tokens of a fragment, r resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float

from tacit.base.errors import UserError
from tacit.metrics.bootstrap import bootstrap_sums
from tacit.metrics.intervals import Interval, Resampling, clopper_pearson

EXPLAINED_RESAMPLING = Resampling(repeats=1000)
_FLAT = 1e-10
"""A variance below this share of the mean square is what rounding leaves of none."""


def pearson(
    predicted: Float[np.ndarray, " t"], true: Float[np.ndarray, " t"]
) -> float | None:
    """Return the correlation of predicted with true activations; None where one is constant.

    Range: -1 to 1, higher is better; 0 is what a prediction that knows nothing scores. It is
    blind to the unit of the prediction and to a constant added.
    Source: the score of Bills et al. 2023, Language models can explain neurons in language models.
    """
    found = float(_of_sums(_sums([predicted], [true]))[0])
    return None if np.isnan(found) else found


def pooled_pearson(
    predicted: Sequence[Float[np.ndarray, " _"]],
    true: Sequence[Float[np.ndarray, " _"]],
    rng: np.random.Generator,
    resampling: Resampling = EXPLAINED_RESAMPLING,
) -> Interval | None:
    """Return ``pearson`` over the tokens of all fragments, its interval over fragments.

    Whole fragments are drawn. The percentiles read are those of Student's t for n fragments
    ("expanded percentile"): with it intervals of five fragments hold the truth in 92 % of cases,
    without in 82 %.
    None where one side is constant.
    Source: Hesterberg 2015, The American Statistician 69.
    """
    sums = _sums(predicted, true)
    if np.isnan(_of_sums(sums.sum(axis=0, keepdims=True))[0]):
        return None
    level = _expanded(resampling.level, len(sums))
    found = bootstrap_sums(sums, _of_sums, rng, replace(resampling, level=level))
    return replace(found, level=resampling.level, method=f"expanded {found.method}")


def balanced_accuracy(said: Bool[np.ndarray, " n"], true: Bool[np.ndarray, " n"]) -> float:
    """Return the mean of the shares told right among what is so and among what is not.

    Range: 0 to 1, higher is better; 0.5 is what saying the same of everything scores, or anything
    that does not depend on the truth.

    Raises:
        UserError: unless both are there.
    """
    if true.all() or not true.any():
        raise UserError(
            f"a balanced accuracy was asked of {len(true)} answers to questions of one kind; give "
            "some where the answer is yes and some where it is no."
        )
    return float((said[true].mean() + 1 - said[~true].mean()) / 2)


def told_apart(
    wanted: Float[np.ndarray, " n"], other: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Return for each pair 1 where the wanted one is given more, one half where both are alike.

    The mean is the accuracy of who must choose one of two, a tie being a coin thrown.
    Range: 0 to 1, higher is better; 0.5 is chance.
    """
    return (wanted > other) + (wanted == other) / 2


def mean_credit(credits: Float[np.ndarray, " n"], *, level: float = 0.95) -> Interval:
    """Return the mean of credits from 0 to 1 with an interval that is wider than need be.

    A credit in between is taken for the mean of throws that give all or nothing, which scatter
    more; the ends are Clopper and Pearson's of the whole numbers around the sum.
    """
    if not len(credits) or not ((credits >= 0) & (credits <= 1)).all():
        raise UserError(
            f"the mean of {len(credits)} credits was asked; give one or more, each from 0 to 1."
        )
    total, n = float(credits.sum()), len(credits)
    low = clopper_pearson(int(np.floor(total)), n, level=level).low
    high = clopper_pearson(int(np.ceil(total)), n, level=level).high
    return Interval(
        value=total / n, low=low, high=high, n=n, method="clopper-pearson", level=level
    )


def _sums(
    predicted: Sequence[Float[np.ndarray, " _"]], true: Sequence[Float[np.ndarray, " _"]]
) -> Float[np.ndarray, "n c"]:
    """Return by fragment: tokens, sums of both sides, of their squares and of their product."""
    sides = [np.concatenate(side).astype(np.float64) for side in (predicted, true)]
    if sides[0].shape != sides[1].shape or not sides[0].size:
        raise UserError(
            f"{sides[0].size} predicted and {sides[1].size} true activations were given; give as "
            "many of each, one or more."
        )
    # About the mean, so that little is lost where squares are subtracted.
    p, a = (side - side.mean() for side in sides)
    columns = np.stack([np.ones_like(p), p, a, p * p, a * a, p * a], axis=1)
    ends = np.cumsum([len(each) for each in true])
    totals = np.concatenate([np.zeros((1, columns.shape[1])), columns.cumsum(axis=0)])
    return np.diff(totals[[0, *ends]], axis=0)


def _of_sums(sums: Float[np.ndarray, "r c"]) -> Float[np.ndarray, " r"]:
    """Return the correlation of each sample; NaN where a side is constant."""
    n, p, a, pp, aa, pa = sums.T
    spread, other = n * pp - p * p, n * aa - a * a
    flat = (spread <= _FLAT * n * pp) | (other <= _FLAT * n * aa)
    scale = np.sqrt(np.where(flat, np.nan, spread * other))
    return np.clip((n * pa - p * a) / scale, -1, 1)


def _expanded(level: float, n: int) -> float:
    """Return the level at which percentiles of n units are as wide as Student's t asks."""
    # scipy has no types.
    from scipy.special import stdtrit  # pyright: ignore

    if n == 1:
        return level
    student = float(stdtrit(n - 1, (1 + level) / 2))
    return 2 * NormalDist().cdf(student * np.sqrt(n / (n - 1))) - 1
