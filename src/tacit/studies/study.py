"""What a study is: a question, settings in three sizes, a measurement and its verdicts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from tacit.base.configuration import Configuration
from tacit.base.pages import Page
from tacit.base.progress import Progress
from tacit.base.records import Gap, Judgement, Record, Result

Preset = Literal["quick", "laptop", "paper"]
FIRST_VERDICT_SEED = 100
"""Seeds below are for development: what they show is never a verdict."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a run would take, before it is started."""

    seconds: float
    """From a few timed steps; a run that is resumed needs less."""
    device: str
    """What those steps ran on, in words."""
    memory_bytes: int
    """Largest that parameters, moments and one block hold at once."""
    units: str
    """What the run consists of, in words."""


@dataclass(frozen=True)
class Finding:
    """What was measured for one claim, and the judgement that its rule gives."""

    claim: str
    """Name of the claim in ``QUESTION.md``."""
    measured: Result | Gap
    judgement: Judgement


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that a study's analysis leaves behind."""

    records: Sequence[Record]
    findings: Sequence[Finding]
    pages: Sequence[Page]
    chance: float
    """How many rows of the claims table chance alone would judge reproduced."""


class Study(ABC):
    """One of the works that Tacit repeats; a folder with QUESTION.md, recipe.py, analysis.py."""

    name: ClassVar[str]
    folder: ClassVar[Path]
    settings: ClassVar[type[Configuration]]
    presets: ClassVar[Mapping[Preset, Mapping[str, Any]]]
    """Settings of each size by their dotted names; what is not named keeps its default."""

    @abstractmethod
    def seeds(self, settings: Configuration) -> Sequence[int]:
        """Return the seeds that intervals are taken over."""

    @abstractmethod
    def units(self, settings: Configuration) -> str:
        """Return what intervals are over, a sentence."""

    @abstractmethod
    def check(self, settings: Configuration, memory_bytes: int) -> None:
        """Raise ``UserError`` where the settings cannot run in so much memory."""

    @abstractmethod
    def estimate(self, settings: Configuration) -> Estimate:
        """Return what a run would take; times a few steps."""

    @abstractmethod
    def measure(self, settings: Configuration, partial: Path, progress: Progress) -> None:
        """Fill a run's folder; called again after a kill, it goes on."""

    @abstractmethod
    def analyse(self, settings: Configuration, partial: Path) -> Findings:
        """Return figures, findings and pages from what ``measure`` left in the folder."""
