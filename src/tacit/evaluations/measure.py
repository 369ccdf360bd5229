"""What all measures are: something that reads evidence and says it in numbers, unit by unit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tacit.base.records import Gap
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.readings import Reading

Readings = Sequence[Reading | Gap]


@dataclass(frozen=True, kw_only=True)
class Measure(ABC):
    """Settings of one way to judge a dictionary. Frozen; all draws come from the seed given."""

    name: ClassVar[str]
    """As on the command line."""
    figures: ClassVar[tuple[str, ...]]
    """Names in the catalogue of metrics that it may give, the main one first."""
    needs_model: ClassVar[bool] = False
    """Whether it runs the model (``Evidence.live``); if not, baselines are measured beside."""
    edits_rows: ClassVar[bool] = False
    """Whether it takes atoms out of the rows that were read: a transcoder's are no part of them."""
    beside: ClassVar[bool] = True
    """Whether it means anything of a baseline."""

    @abstractmethod
    def read(self, evidence: Evidence, *, seed: int) -> Readings:
        """Return what is found, and a ``Gap`` with its reason for what cannot be measured.

        The readings' coordinates leave out whose dictionary it is; whoever calls adds that.
        """
