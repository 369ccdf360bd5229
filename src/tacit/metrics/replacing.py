"""How few features do it? Numbers read off curves of what is left against features patched.

Axes: n prompts, c points of a curve.
"""

from typing import cast

import numpy as np
from jaxtyping import Float

from tacit.base.errors import UserError


def reached_at(
    shares: Float[np.ndarray, "n c"], values: Float[np.ndarray, "n c"], left: float
) -> Float[np.ndarray, " n"]:
    """Return each prompt's value at the first point where at most ``left`` is left; inf if none."""
    reached = shares <= left
    found = values[np.arange(len(values)), reached.argmax(axis=1)].astype(float)
    return np.where(reached.any(axis=1), found, np.inf)


def median_reached(
    shares: Float[np.ndarray, "n c"], values: Float[np.ndarray, "n c"], left: float
) -> float:
    """Return the median of ``reached_at`` over prompts.

    Range: 0 upwards, infinite where half of the prompts never come so far; lower is better.
    """
    # Of an even number the upper middle one: a mean of a number and infinity says nothing.
    found = np.sort(reached_at(shares, values, left))
    return float(found[len(found) // 2])


def share_unreached(shares: Float[np.ndarray, "n c"], left: float) -> float:
    """Return the share of prompts of which more than ``left`` is left at every point."""
    return float((shares.min(axis=1) > left).mean())


def replacement_area(
    numbers: Float[np.ndarray, "n c"], shares: Float[np.ndarray, "n c"], most: int
) -> float:
    """Return the mean share left over log(1 + features patched), up to ``most``; over prompts.

    Range: 0 upwards; lower is better. A curve that ends before ``most`` keeps its last value, so
    that all bases are measured on one axis.
    """
    axis = np.log1p(np.arange(most + 1))
    curves = [
        cast(np.ndarray, np.interp(axis, np.log1p(own), left))
        for own, left in zip(list(numbers), list(shares), strict=True)
    ]
    return float(np.trapezoid(np.mean(curves, axis=0), axis) / axis[-1])


def over_baseline(value: float, baseline: float) -> float:
    """Return value / baseline.

    Raises:
        UserError: where the baseline is not above 0.
    """
    if baseline <= 0:
        raise UserError(
            f"{value} was to be divided by a baseline of {baseline}; give one > 0."
        )
    return value / baseline
