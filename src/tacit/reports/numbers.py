"""How a number is written for a reader: enough digits to tell its interval's ends apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tacit.base.records import Result

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_DIGITS = 3
_MOST_DECIMALS = 8
_LARGE = 1e7
_SMALL = 1e-3


def power_of_ten(value: float, digits: int) -> str:
    """Return ``value`` as a mantissa of ``digits`` digits times a power of ten."""
    mantissa, exponent = f"{value:.{max(digits - 1, 0)}e}".split("e")
    return f"{mantissa}×10{str(int(exponent)).translate(_SUPERSCRIPT)}".replace("-", "−")


def fixed(value: float, decimals: int) -> str:
    """Return ``value`` with so many decimals, thousands apart, and a true minus sign."""
    text = f"{value:,.{decimals}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.lstrip("-")


def number(value: float | int) -> str:
    """Return a whole number whole and any other to three significant digits."""
    if isinstance(value, int):
        return fixed(value, 0)
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value and not _SMALL <= abs(value) < _LARGE:
        return power_of_ten(value, _DIGITS)
    return fixed(value, _decimals(value))


def _decimals(value: float) -> int:
    if not value:
        return 0
    return max(0, _DIGITS - 1 - math.floor(math.log10(abs(value))))


def tick(value: float, _position: int | None = None) -> str:
    """Return the shortest form of a value on an axis."""
    if value and not _SMALL / 10 <= abs(value) < _LARGE:
        mantissa, _, power = power_of_ten(value, 2).partition("×")
        mantissa = mantissa.removesuffix(".0")
        return power if mantissa == "1" else f"{mantissa}×{power}"
    text = f"{value:,.4f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


def column(values: Sequence[float | int | None]) -> list[str]:
    """Return one column of a table, its numbers with one count of decimals when that serves all.

    The smallest keeps two digits that matter. A column that spans too much is written number
    by number; what is None becomes the empty text.
    """
    present = [float(value) for value in values if value is not None]
    sizes = [abs(value) for value in present if value and math.isfinite(value)]
    if all(value.is_integer() for value in present) and max(sizes, default=0.0) < _LARGE:
        decimals = 0
    else:
        smallest, largest = min(sizes, default=1.0), max(sizes, default=1.0)
        decimals = max(_decimals(largest), min(_decimals(smallest) - 1, _DIGITS + 1))
        if smallest < _SMALL or largest >= _LARGE or len(sizes) < sum(map(bool, present)):
            return ["" if value is None else number(value) for value in values]
    return ["" if value is None else fixed(float(value), decimals) for value in values]


def share(fraction: float) -> str:
    """Return how often something happens: in per cent, or as one in so many when rare."""
    if fraction <= 0:
        return "never"
    percent = 100 * fraction
    if percent < 0.01:
        return f"1 in {fixed(round(1 / fraction, -int(math.log10(1 / fraction)) + 1), 0)}"
    return f"{number(float(percent))} %" if percent < 100 else "100 %"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A result in words: its value, its interval, and what stands behind it."""

    value: str
    exact: str
    """The value with every digit, for whoever points at it."""
    unit: str
    """Empty for a ratio or a count."""
    interval: str
    n: str
    of: str
    """The coordinates, such as ``method top-k, k 16``."""
    better: str


def measured(result: Result) -> Measured:
    """Return a result in words; value and interval share their number of decimals."""
    value, interval = _together(result.value, result.interval)
    words = {"neither": "", "lower": "lower is better", "higher": "higher is better"}
    return Measured(
        value=value,
        exact=repr(result.value),
        unit="" if result.unit == "1" else result.unit,
        interval=interval,
        n=f"n = {result.n:,}",
        of=coordinates(result.of),
        better=words[result.better],
    )


def _together(value: float, interval: tuple[float, float] | None) -> tuple[str, str]:
    if interval is None:
        return number(value), "no interval"
    low, high = interval
    largest = max(abs(value), abs(low), abs(high))
    if largest and not _SMALL <= largest < _LARGE:
        ends = f"{power_of_ten(low, _DIGITS)} to {power_of_ten(high, _DIGITS)}"
        return power_of_ten(value, _DIGITS), f"95 % interval {ends}"
    needed = -math.floor(math.log10(high - low)) + 1 if high > low else 0
    decimals = min(max(needed, 0), _MOST_DECIMALS) if needed else _decimals(value)
    decimals = max(decimals, min(_decimals(value), _DIGITS))
    ends = f"{fixed(low, decimals)} to {fixed(high, decimals)}"
    return fixed(value, decimals), f"95 % interval {ends}"


def coordinates(of: Mapping[str, str | int | float]) -> str:
    """Return coordinates such as ``{"method": "top-k", "k": 16}`` as words."""
    return ", ".join(f"{name} {value}" for name, value in of.items())
