"""What must be said of a metric before its number can be read."""

import math
from dataclasses import dataclass
from typing import final

from tacit.base.records import Better


@final
@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """All that a reader of a number must know of it."""

    name: str
    """As in ``Result.name``."""
    formula: str
    range: tuple[float, float]
    """Smallest and largest value there can be; infinite where there is no bound."""
    direction: Better
    """Which way is better; "neither" for what only describes."""
    unit: str
    """As in ``Result.unit``."""
    computed_by: str
    """Where the definition is: module and name below ``tacit.metrics``."""
    source: str
    caution: str

    def range_in_words(self) -> str:
        """Return the range as the documentation writes it."""
        low, high = self.range
        if math.isinf(low):
            return "any"
        return f"{low:g} upwards" if math.isinf(high) else f"{low:g} to {high:g}"
