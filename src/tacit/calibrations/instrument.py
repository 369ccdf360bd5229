"""What an instrument is to its calibration: something that can be tried where the truth is known.

A trial is one repetition at one size of sample: everything in it is drawn anew from its seed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, final

Kind = Literal["measure", "probe", "explainer", "scorer", "agreement", "audit technique"]
Aspect = Literal[
    "power", "false_alarm_rate", "interval_coverage", "calibration_bias", "ranked_rightly"
]
ASPECTS: tuple[Aspect, ...] = (
    "power",
    "false_alarm_rate",
    "interval_coverage",
    "calibration_bias",
    "ranked_rightly",
)
"""What is told of an instrument, by the names in the catalogue of metrics."""


@final
@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one repetition came to, for one figure of the instrument.

    None where it has no meaning for the instrument (``Instrument.lacks`` says why), or where this
    repetition gave no such number, which is counted.
    """

    figure: str
    """As in the catalogue of metrics."""
    setting: str = ""
    """What tells figures of one name apart, e.g. ``k 5``."""
    detected: bool | None = None
    """Where there is something: whether the instrument said so."""
    false_alarm: bool | None = None
    """Where there is nothing: whether it said that there is something."""
    ranked: bool | None = None
    """Whether the better of three was given more than the good, and that one more than the bad."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    """The figure as it is printed, with its interval."""
    truth: float | None = None
    """What the figure should have been, where a single repetition knows it."""


@dataclass(frozen=True, kw_only=True)
class Instrument(ABC):
    """Something that claims something, and a world in which the truth of it is known."""

    kind: ClassVar[Kind]
    unit: ClassVar[str]
    """What a size counts: ``documents``, ``fragments``."""
    large: ClassVar[int | None] = None
    """Size at which a figure is taken for its true value; None where trials know it."""

    name: str
    about: str
    """What it says, in a phrase."""
    world: str
    """Where the truth is known, in a phrase."""
    sizes: tuple[int, ...]
    """Sizes at which it is calibrated unless others are asked for, in rising order."""
    lacks: Mapping[Aspect, str]
    """What cannot be told of it, and why."""

    @abstractmethod
    def trial(self, size: int, seed: int) -> Sequence[Trial]:
        """Return one repetition, a trial for each figure; one that it cannot give is left out."""

    def truths(self, seed: int) -> Mapping[tuple[str, str], float]:
        """Return the figures of a repetition at the size ``large``, by figure and setting."""
        del seed
        return {}
