"""By how much does one thing exceed another, where units of two kinds were both drawn?

Axes: s seeds, u units (concepts, documents), each seed measured on every unit; m units of others.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast, final

import numpy as np
from jaxtyping import Real

from tacit.base.errors import UserError
from tacit.metrics.intervals import Interval, without_ends

_ROUNDING = 1e-12
_LEAST_CHANCE = 1e-30
"""No smaller p-value is told apart from it."""


@final
@dataclass(frozen=True, kw_only=True)
class TestedMean:
    """A mean with its interval, and how likely chance alone would take it as far from 0."""

    interval: Interval
    p_value: float | None
    """Two-sided; None where the interval has no ends."""


def crossed_mean(values: Real[np.ndarray, "s u"], *, level: float = 0.95) -> TestedMean:
    """Return the mean over seeds and units, as an estimate for other seeds and other units.

    The squared half-width is the sum of two, Student's over the means of seeds and over those of
    units, the latter less what both hold of what remains; with one seed, or one unit, this is
    Student's. n counts seeds where there are several, else units. Caution: of two or three seeds it
    is wide, and up to 99 % of intervals at 95 % hold the truth where seeds do not matter; with
    degrees of freedom after Satterthwaite fewer than 90 % do where both matter.
    Source: Banerjee 1960, Annals of Mathematical Statistics 31, on the variances of the two-way
    random model, Searle, Casella and McCulloch 1992, "Variance Components".
    """
    table = values.astype(np.float64)
    if not table.size:
        raise UserError(f"the mean of a table of {table.shape} was asked; give one value.")
    seeds, units = table.shape
    value, n = float(table.mean()), seeds if seeds > 1 else units
    of_seeds, of_units = _variance(table.mean(axis=1)), _variance(table.mean(axis=0))
    shared = min(of_seeds, of_units, _remaining(table))
    parts = ((of_seeds, seeds - 1.0), (of_units - shared, units - 1.0))
    return _tested(value, parts, n=n, level=level)


def apart_mean(
    first: Real[np.ndarray, " n"], second: Real[np.ndarray, " m"], *, level: float = 0.95
) -> TestedMean:
    """Return the mean of the first minus that of the second, whose units are others.

    n counts the units of the smaller sample.
    Source: Welch 1947, Biometrika 34.
    """
    if not len(first) or not len(second):
        raise UserError(
            "the difference to an empty sample was asked; give a unit at least."
        )
    parts = [(_variance(side.astype(np.float64)), len(side)) for side in (first, second)]
    variance = sum(part for part, _ in parts)
    below = sum(part**2 / (count - 1) for part, count in parts if count > 1)
    n, value = min(len(first), len(second)), float(first.mean() - second.mean())
    together = (variance, variance**2 / below) if n > 1 and below else (0.0, 1.0)
    return _tested(value, (together,), n=n, level=level)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number: the chance of any false alarm stays below each.

    Source: Holm 1979, Scandinavian Journal of Statistics 6.
    """
    order = np.argsort(p_values, kind="stable")
    corrected, largest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[int(place)]))
        corrected[int(place)] = largest
    return corrected


def _variance(values: np.ndarray) -> float:
    """Return the variance of the mean of independent values; 0 of a single one."""
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0


def _remaining(table: np.ndarray) -> float:
    """Return what the variance of the mean owes to what neither seeds nor units explain."""
    seeds, units = table.shape
    if min(seeds, units) < 2:
        return 0.0
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    return float((rest**2).sum()) / ((seeds - 1) * (units - 1)) / (seeds * units)


def _tested(
    value: float, parts: Sequence[tuple[float, float]], *, n: int, level: float
) -> TestedMean:
    """Return a mean whose error is made of parts: their variances and degrees of freedom."""
    from scipy.optimize import brentq  # pyright: ignore

    known = [(variance, freedom) for variance, freedom in parts if variance > 0]
    if math.sqrt(sum(variance for variance, _ in known)) <= _ROUNDING * max(1, abs(value)):
        reason = "one unit has no spread" if n == 1 else "all units are alike"
        none = without_ends(value, n, "student", reason, level)
        return TestedMean(interval=none, p_value=None)

    def beyond(log_chance: float) -> float:
        return _half_width(known, math.exp(log_chance)) - abs(value)

    half, least = _half_width(known, 1 - level), math.log(_LEAST_CHANCE)
    # The chance at which an end of the interval would be 0.
    log_chance = least if beyond(least) <= 0 else cast(Any, brentq)(beyond, least, 0.0)
    interval = Interval(
        value=value, low=value - half, high=value + half, n=n, method="student", level=level
    )
    return TestedMean(interval=interval, p_value=math.exp(log_chance))


def _half_width(parts: Sequence[tuple[float, float]], chance: float) -> float:
    from scipy.special import stdtrit  # pyright: ignore

    quantile = cast(Any, stdtrit)
    return math.sqrt(sum(v * float(quantile(df, chance / 2)) ** 2 for v, df in parts))
