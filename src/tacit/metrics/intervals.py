"""How far a number may be from what other units of the same kind would give.

An ``Interval`` says it in numbers, or says why it cannot: one unit has no spread to learn from.
n is always the number of independent units (documents, seeds, models), never of tokens in them.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, final

import numpy as np
from jaxtyping import Float

from tacit.base.errors import UserError


def check_level(level: float) -> None:
    """Raise ``UserError`` unless the level is a share between 0 and 1."""
    if not 0 < level < 1:
        raise UserError(
            f"an interval at level {level} was asked: give a share between 0 and 1, e.g. 0.95."
        )


@final
@dataclass(frozen=True, kw_only=True)
class Interval:
    """A value with the ends of its interval, or with the reason why there are none."""

    value: float
    """The statistic on the sample itself. Finite."""
    low: float | None
    high: float | None
    """Ends of the interval; both None when there is none."""
    n: int
    """Independent units behind the value."""
    method: str
    """How the ends came about, with the number of repeats: "wilson", "percentile 2000"."""
    level: float = 0.95
    """Share of samples whose interval should hold the true value."""
    seed: int | None = None
    """Root seed of the generator that resampled; None where nothing was drawn."""
    reason: str | None = None
    """Why there are no ends, in words that a reader of the report can use."""

    def __post_init__(self) -> None:
        assert math.isfinite(self.value), (
            f"{self.method}: the value of an Interval is finite"
        )
        assert (self.low is None) == (self.high is None), (
            "an Interval has both ends or none"
        )
        assert (self.low is None) == (self.reason is not None), "no ends need a reason"
        assert self.low is None or self.high is None or self.low <= self.high, (
            f"{self.method}: ends {self.low} and {self.high} are out of order"
        )

    @property
    def ends(self) -> tuple[float, float] | None:
        """The two ends as ``Result.interval`` wants them; None when there are none."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@final
@dataclass(frozen=True, kw_only=True)
class Resampling:
    """How a bootstrap draws and reads its interval."""

    repeats: int = 2000
    """Samples drawn; 2000 read the 2.5 % end at a rank of 2.5 %, give or take 0.35 %."""
    level: float = 0.95
    """Share of samples whose interval should hold the true value."""
    method: Literal["percentile", "bca"] = "percentile"
    """``bca`` corrects for bias and skewness (Efron 1987) at the cost of a jackknife."""

    def __post_init__(self) -> None:
        if self.repeats < 100:
            raise UserError(
                f"{self.repeats} repeats were asked of a bootstrap: give at least 100, or the "
                "ends of its interval are those of a handful of draws."
            )
        check_level(self.level)
        if self.method not in ("percentile", "bca"):
            raise UserError(
                f"no interval is called {self.method!r}. Known: bca, percentile."
            )


DEFAULT_RESAMPLING = Resampling()


def wilson(successes: int, trials: int, *, level: float = 0.95) -> Interval:
    """Return a share with Wilson's score interval, which stays within 0 and 1.

    Caution: the trials must be independent. Tokens of one document are not; give
    ``bootstrap_ratio`` the counts by document instead.
    Source: Wilson 1927, J. Am. Stat. Assoc. 22.
    """
    check_level(level)
    _check_counts(successes, trials)
    share = successes / trials
    if trials == 1:
        return without_ends(
            share, 1, "wilson", "one trial says nothing of the spread", level
        )
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = (successes + z * z / 2) / (trials + z * z)
    half = z / (trials + z * z) * math.sqrt(trials * share * (1 - share) + z * z / 4)
    # At 0 and at all successes the end is the share itself, which rounding would miss.
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == trials else middle + half
    return Interval(value=share, low=low, high=high, n=trials, method="wilson", level=level)


def clopper_pearson(successes: int, trials: int, *, level: float = 0.95) -> Interval:
    """Return a share with the exact interval, which never covers less than its level.

    It inverts the two binomial tests, so that few trials make it wide; Wilson's is narrower and
    right on average alone. It also serves a sum of independent trials whose chances differ.
    Caution: the trials must be independent.
    Source: Clopper and Pearson 1934, Biometrika 26.
    """
    # scipy has no types.
    from scipy.special import betaincinv  # pyright: ignore

    check_level(level)
    _check_counts(successes, trials)
    tail, failures = (1 - level) / 2, trials - successes
    low = float(betaincinv(successes, failures + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, failures, 1 - tail)) if failures else 1.0
    return Interval(
        value=successes / trials,
        low=low,
        high=high,
        n=trials,
        method="clopper-pearson",
        level=level,
    )


def _check_counts(successes: int, trials: int) -> None:
    if trials < 1 or not 0 <= successes <= trials:
        raise UserError(
            f"the share {successes} of {trials} was asked: give at least one trial, and no more "
            "successes than trials."
        )


def without_ends(
    value: float,
    n: int,
    method: str,
    reason: str,
    level: float = 0.95,
    seed: int | None = None,
) -> Interval:
    """Return a value that has no interval, with the reason."""
    return Interval(
        value=value,
        low=None,
        high=None,
        n=n,
        method=method,
        level=level,
        seed=seed,
        reason=reason,
    )


def read_ends(
    value: float,
    draws: Float[np.ndarray, " r"],
    left_out: Float[np.ndarray, " n"] | None,
    resampling: Resampling,
) -> tuple[float, float] | str:
    """Return the ends of the interval from r resampled values, or why there are none.

    ``left_out`` holds the statistic without each unit in turn; only ``bca`` reads it.
    """
    missing = int((~np.isfinite(draws)).sum())
    if missing:
        return f"{missing} of {len(draws)} resamples have no value"
    tails = ((1 - resampling.level) / 2, (1 + resampling.level) / 2)
    if resampling.method == "bca":
        assert left_out is not None, "bca needs the jackknife"
        if not np.isfinite(left_out).all():
            return "the value does not exist without one of the units"
        corrected = _corrected_tails(value, draws, left_out, tails)
        if corrected is None:
            return "all resamples lie on one side of the value, so its bias cannot be corrected"
        tails = corrected
    low, high = np.quantile(draws, tails).tolist()
    return float(low), float(high)


def _corrected_tails(
    value: float,
    draws: Float[np.ndarray, " r"],
    left_out: Float[np.ndarray, " n"],
    tails: tuple[float, float],
) -> tuple[float, float] | None:
    """Return the shares of draws at which BCa reads its ends; None when undefined."""
    normal = NormalDist()
    below = float((draws < value).mean() + 0.5 * (draws == value).mean())
    if not 0 < below < 1:
        return None
    bias = normal.inv_cdf(below)
    pull = left_out.mean() - left_out
    spread = float((pull**2).sum())
    acceleration = float((pull**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    shifted = [bias + normal.inv_cdf(tail) for tail in tails]
    low, high = (normal.cdf(bias + z / (1 - acceleration * z)) for z in shifted)
    return (low, high) if low < high else None


def root_seed(rng: np.random.Generator) -> int | None:
    """Return the seed a generator was made from (the root of ``stream``), if it tells."""
    sequence = rng.bit_generator.seed_seq
    entropy = sequence.entropy if isinstance(sequence, np.random.SeedSequence) else None
    if entropy is None:
        return None
    return entropy if isinstance(entropy, int) else int(entropy[0])
