"""The mean of figures that may be missing."""

from __future__ import annotations

from collections.abc import Sequence


def mean_of(values: Sequence[float | None]) -> float | None:
    """Return the mean; None where any value is missing."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
