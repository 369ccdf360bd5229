"""The difference of two shares, each counted over its own independent trials."""

from __future__ import annotations

import math

from tacit.metrics.intervals import Interval, wilson


def difference_of_shares(
    successes: int, trials: int, others: int, other_trials: int, *, level: float = 0.95
) -> Interval:
    """Return the first share less the second, with Newcombe's hybrid score interval.

    Each end moves by the distances of both Wilson intervals, in quadrature, so it stays within -1
    and 1. n is the smaller number of trials. Caution: pairs are taken for independent, which is too
    wide where they agree.
    Source: Newcombe 1998, Statistics in Medicine 17, method 10.
    """
    one = wilson(successes, trials, level=level)
    two = wilson(others, other_trials, level=level)
    value, n = one.value - two.value, min(trials, other_trials)
    if one.low is None or one.high is None or two.low is None or two.high is None:
        return Interval(
            value=value,
            low=None,
            high=None,
            n=n,
            method="newcombe",
            level=level,
            reason=one.reason or two.reason,
        )
    below = math.hypot(one.value - one.low, two.high - two.value)
    above = math.hypot(one.high - one.value, two.value - two.low)
    return Interval(
        value=value,
        low=value - below,
        high=value + above,
        n=n,
        method="newcombe",
        level=level,
    )
