"""What would the statistic have been on other units like these?

Axes: n units (documents, seeds), c sums, r resamples. Every function draws whole units with
replacement (Efron 1979). With fewer than about ten units the intervals are too narrow: n is
in each of them, so say it.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float, Real

from tacit.base.errors import UserError
from tacit.metrics.intervals import (
    DEFAULT_RESAMPLING,
    Interval,
    Resampling,
    read_ends,
    root_seed,
    without_ends,
)

OfSums = Callable[[Float[np.ndarray, "r c"]], Float[np.ndarray, " r"]]
"""A statistic of c sums over units, computed for r samples at once."""
OfRows = Callable[[Float[np.ndarray, "r n c"]], Float[np.ndarray, " r"]]
"""A statistic of n rows of c numbers, computed for r samples at once."""

_DRAWS_AT_ONCE = 100_000
"""Unit numbers held in memory at once; few, for the cache (larger blocks took twice as long)."""


def bootstrap_mean(
    values: Real[np.ndarray, " n"],
    rng: np.random.Generator,
    resampling: Resampling = DEFAULT_RESAMPLING,
) -> Interval:
    """Return the mean over units with its interval."""
    columns = np.stack([values.astype(np.float64), np.ones(len(values))], axis=1)
    return bootstrap_sums(columns, _first_over_second, rng, resampling)


def bootstrap_ratio(
    numerators: Real[np.ndarray, " n"],
    denominators: Real[np.ndarray, " n"],
    rng: np.random.Generator,
    resampling: Resampling = DEFAULT_RESAMPLING,
) -> Interval:
    """Return ``sum(numerators) / sum(denominators)`` with its interval, units drawn in pairs.

    This is the interval of FVU, of loss recovered and of any share counted within documents.
    There is none when a resample turns the sign of the denominator: the ratio is then unbounded.
    """
    if numerators.shape != denominators.shape:
        raise UserError(
            f"{len(numerators)} numerators were given with {len(denominators)} denominators: "
            "give one of each for every unit."
        )
    columns = np.stack([numerators, denominators], axis=1).astype(np.float64)
    sign = np.sign(columns[:, 1].sum())

    def ratio(sums: Float[np.ndarray, "r c"]) -> Float[np.ndarray, " r"]:
        same = np.sign(sums[:, 1]) == sign
        return np.where(same, _first_over_second(sums), np.nan)

    return bootstrap_sums(columns, ratio, rng, resampling)


def bootstrap_sums(
    columns: Real[np.ndarray, "n c"],
    statistic: OfSums,
    rng: np.random.Generator,
    resampling: Resampling = DEFAULT_RESAMPLING,
) -> Interval:
    """Return a statistic of c sums over units with its interval.

    The quick way for whatever depends on the units through sums alone, such as the difference
    of two ratios: ``lambda s: s[:, 0] / s[:, 1] - s[:, 2] / s[:, 3]``. A resample for which
    the statistic is not finite has no value, and then there is no interval.
    """
    columns = _checked(columns)
    totals = columns.sum(axis=0)

    def draws() -> Float[np.ndarray, " r"]:
        n = len(columns)
        sums: list[np.ndarray] = []
        for picks in _picks(rng, resampling.repeats, n):
            cells = picks + n * np.arange(len(picks))[:, None]
            counts = np.bincount(cells.ravel(), minlength=picks.size).reshape(picks.shape)
            sums.append(counts.astype(np.float64) @ columns)
        return statistic(np.concatenate(sums))

    return _interval(
        whole=lambda: statistic(totals[None]),
        n=len(columns),
        draws=draws,
        left_out=lambda: statistic(totals - columns),
        rng=rng,
        resampling=resampling,
    )


def bootstrap_rows(
    rows: Real[np.ndarray, "n c"],
    statistic: OfRows,
    rng: np.random.Generator,
    resampling: Resampling = DEFAULT_RESAMPLING,
) -> Interval:
    """Return any statistic of rows of c numbers with its interval, e.g. a median.

    ``statistic`` maps r samples of n rows to r values. ``bootstrap_sums`` is much quicker
    where it applies; ``bca`` costs n more evaluations here.
    """
    rows = _checked(rows)
    n = len(rows)

    def draws() -> Float[np.ndarray, " r"]:
        return np.concatenate(
            [statistic(rows[picks]) for picks in _picks(rng, resampling.repeats, n)]
        )

    def left_out() -> Float[np.ndarray, " n"]:
        others = [np.delete(rows, i, axis=0) for i in range(n)]
        return np.concatenate([statistic(sample[None]) for sample in others])

    return _interval(
        whole=lambda: statistic(rows[None]),
        n=n,
        draws=draws,
        left_out=left_out,
        rng=rng,
        resampling=resampling,
    )


def _interval(
    *,
    whole: Callable[[], Float[np.ndarray, " 1"]],
    n: int,
    draws: Callable[[], Float[np.ndarray, " r"]],
    left_out: Callable[[], Float[np.ndarray, " n"]],
    rng: np.random.Generator,
    resampling: Resampling,
) -> Interval:
    # What has no value comes out as not finite and is counted, so numpy need not warn too.
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(whole()[0])
        jackknife = left_out() if resampling.method == "bca" and n > 1 else None
        resampled = draws() if n > 1 else np.empty(0)
    if not np.isfinite(value):
        raise UserError(
            f"an interval was asked for a statistic that is {value} on its {n} units: it is not "
            "defined there (a denominator that sums to 0?); record a Gap instead."
        )
    seed, level = root_seed(rng), resampling.level
    method = f"{resampling.method} {resampling.repeats}"
    if n == 1:
        return without_ends(
            value, n, method, "one unit says nothing of the spread", level, seed
        )
    ends = read_ends(value, resampled, jackknife, resampling)
    if isinstance(ends, str):
        return without_ends(value, n, method, ends, level, seed)
    low, high = ends
    return Interval(
        value=value, low=low, high=high, n=n, method=method, level=level, seed=seed
    )


def _picks(rng: np.random.Generator, repeats: int, n: int) -> Iterator[np.ndarray]:
    """Yield the unit numbers of all resamples, a block of resamples at a time."""
    at_once = max(1, _DRAWS_AT_ONCE // n)
    for start in range(0, repeats, at_once):
        yield rng.integers(0, n, (min(at_once, repeats - start), n))


def _first_over_second(sums: Float[np.ndarray, "r c"]) -> Float[np.ndarray, " r"]:
    return sums[:, 0] / sums[:, 1]


def _checked(columns: Real[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
    if len(columns) == 0:
        raise UserError("an interval was asked over no units: give at least one.")
    bad = int((~np.isfinite(columns)).any(axis=1).sum())
    if bad:
        raise UserError(
            f"{bad} of the {len(columns)} units given to a bootstrap are not finite: leave them "
            "out and record how many."
        )
    return columns.astype(np.float64)
