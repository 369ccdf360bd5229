"""What readings carry beyond concepts, tried on readings that leak so many nats and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, final

from tacit.base.records import Gap
from tacit.bottlenecks.conditional import conditional_information
from tacit.bottlenecks.known_leaks import known_leak
from tacit.calibrations.instrument import Aspect, Instrument, Kind, Trial
from tacit.metrics.intervals import Interval

FIGURE = "conditional_information"
LEAKS = (0.7, 0.35, 0.1)
"""In nats, of 1.02 that the concepts leave open."""
_NULL, _APART = 0.0, 1_000_003


@final
@dataclass(frozen=True, kw_only=True)
class LeakInstrument(Instrument):
    """Information on the class given the concepts: it detects a leak when its interval is above 0.

    It alarms where the readings say of the class what the concepts say of it, and no more.
    """

    kind: ClassVar[Kind] = "measure"
    unit: ClassVar[str] = "images"

    world: str = "eight groups of classes with equal concepts, a leak along a line in each"
    sizes: tuple[int, ...] = (600, 1200, 2400)
    lacks: Mapping[Aspect, str] = field(default_factory=dict[Aspect, str])

    def trial(self, size: int, seed: int) -> Sequence[Trial]:
        """Return what is found of three leaks, each beside readings without one."""
        null = _found(_NULL, size, seed + _APART)
        told = [(leak, _found(leak, size, seed)) for leak in LEAKS]
        values = [each.value for _, each in told if each is not None]
        ranked = len(values) == len(LEAKS) and values == sorted(values, reverse=True)
        return [
            Trial(
                figure=FIGURE,
                setting=f"{leak:g} nats",
                detected=each.low is not None and each.low > 0,
                false_alarm=null is not None and null.low is not None and null.low > 0,
                ranked=ranked,
                value=each.value,
                low=each.low,
                high=each.high,
                truth=leak,
            )
            for leak, each in told
            if each is not None
        ]


def _found(leak: float, size: int, seed: int) -> Interval | None:
    drawn = known_leak(leak, num_images=size, seed=seed)
    found = conditional_information(drawn.labels, drawn.concepts, drawn.readings, seed=seed)
    return None if isinstance(found.information, Gap) else found.information
