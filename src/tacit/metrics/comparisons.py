"""Is one thing better than another, or could chance have made the difference?

Axes: n units measured under both, m units measured under the second alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Float, Real

from tacit.base.errors import UserError
from tacit.metrics.bootstrap import bootstrap_mean
from tacit.metrics.intervals import DEFAULT_RESAMPLING, Interval, Resampling, root_seed

Alternative = Literal["two-sided", "greater", "less"]

_DRAWS_AT_ONCE = 100_000  # few, for the cache
# Sums of the same numbers in another order differ by rounding and must count as ties.
_TIE = 1e-12


@final
@dataclass(frozen=True, kw_only=True)
class PermutationTest:
    """What a permutation test found."""

    difference: float
    """Mean of the first minus mean of the second."""
    p_value: float
    """(permutations at least as extreme + 1) / (permutations + 1): above 0, at most 1."""
    n: int
    """Units: pairs, or both samples together."""
    repeats: int
    """Permutations drawn; 1 / (repeats + 1) is the smallest p-value there is."""
    alternative: Alternative
    """What would count against chance."""
    seed: int | None
    """Root seed of the generator that permuted, if it tells."""


def paired_difference(
    first: Real[np.ndarray, " n"],
    second: Real[np.ndarray, " n"],
    rng: np.random.Generator,
    resampling: Resampling = DEFAULT_RESAMPLING,
) -> Interval:
    """Return the mean of ``first - second`` over units with its interval, drawn in pairs."""
    return bootstrap_mean(_differences(first, second), rng, resampling)


def sign_flip_test(
    first: Real[np.ndarray, " n"],
    second: Real[np.ndarray, " n"],
    rng: np.random.Generator,
    *,
    alternative: Alternative = "two-sided",
    repeats: int = 9999,
) -> PermutationTest:
    """Test whether paired values differ in mean, by swapping the two of a pair at random.

    Caution: with n pairs no p-value can be below 2 / 2^n (two-sided), so five pairs never
    reach 0.05.
    Source: Fisher 1935; the p-value as in Phipson and Smyth 2010, arXiv:1603.05766.
    """
    differences = _differences(first, second)
    _check_test(alternative, repeats)
    n = len(differences)

    def permuted() -> Iterator[np.ndarray]:
        for rows in _blocks(repeats, n):
            signs = rng.integers(0, 2, (rows, n), dtype=np.int8).astype(np.float64) * 2 - 1
            yield signs @ differences / n

    return _tested(
        float(differences.mean()),
        permuted(),
        float(np.abs(differences).mean()),
        alternative=alternative,
        n=n,
        repeats=repeats,
        rng=rng,
    )


def two_sample_test(
    first: Real[np.ndarray, " n"],
    second: Real[np.ndarray, " m"],
    rng: np.random.Generator,
    *,
    alternative: Alternative = "two-sided",
    repeats: int = 9999,
) -> PermutationTest:
    """Test whether two samples differ in mean, by dealing their units out anew.

    Caution: it tests that the two come from one distribution; with very unequal sizes and
    spreads it can reject although the means agree.
    Source: Pitman 1937; the p-value as in Phipson and Smyth 2010, arXiv:1603.05766.
    """
    _check_test(alternative, repeats)
    _check_finite(first, second)
    pooled = np.concatenate([first, second]).astype(np.float64)
    n, total = len(first), float(pooled.sum())

    def permuted() -> Iterator[np.ndarray]:
        for rows in _blocks(repeats, len(pooled)):
            dealt = rng.permuted(np.broadcast_to(pooled, (rows, len(pooled))), axis=1)
            sums = dealt[:, :n].sum(axis=1)
            yield sums / n - (total - sums) / (len(pooled) - n)

    return _tested(
        float(first.astype(np.float64).mean() - second.astype(np.float64).mean()),
        permuted(),
        float(np.abs(pooled).mean()),
        alternative=alternative,
        n=len(pooled),
        repeats=repeats,
        rng=rng,
    )


def _tested(
    difference: float,
    permuted: Iterator[np.ndarray],
    scale: float,
    *,
    alternative: Alternative,
    n: int,
    repeats: int,
    rng: np.random.Generator,
) -> PermutationTest:
    slack = _TIE * scale
    extreme = 0
    for block in permuted:
        if alternative == "greater":
            extreme += int((block >= difference - slack).sum())
        elif alternative == "less":
            extreme += int((block <= difference + slack).sum())
        else:
            extreme += int((np.abs(block) >= abs(difference) - slack).sum())
    return PermutationTest(
        difference=difference,
        p_value=(extreme + 1) / (repeats + 1),
        n=n,
        repeats=repeats,
        alternative=alternative,
        seed=root_seed(rng),
    )


def _blocks(repeats: int, n: int) -> Iterator[int]:
    at_once = max(1, _DRAWS_AT_ONCE // n)
    for start in range(0, repeats, at_once):
        yield min(at_once, repeats - start)


def _differences(
    first: Real[np.ndarray, " n"], second: Real[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    if first.shape != second.shape:
        raise UserError(
            f"{len(first)} values were paired with {len(second)}: give both for the same units, "
            "in the same order."
        )
    _check_finite(first, second)
    return first.astype(np.float64) - second.astype(np.float64)


def _check_finite(*samples: np.ndarray) -> None:
    for sample in samples:
        if len(sample) == 0:
            raise UserError(
                "a comparison with an empty sample was asked: give a unit at least."
            )
        bad = int((~np.isfinite(sample)).sum())
        if bad:
            raise UserError(
                f"{bad} of {len(sample)} values to compare are not finite: leave those units out "
                "of both samples and record how many."
            )


def _check_test(alternative: str, repeats: int) -> None:
    if alternative not in ("two-sided", "greater", "less"):
        raise UserError(
            f"no alternative is called {alternative!r}. Known: greater, less, two-sided."
        )
    if repeats < 19:
        raise UserError(
            f"a test with {repeats} permutations was asked: below 19 no p-value reaches 0.05."
        )
