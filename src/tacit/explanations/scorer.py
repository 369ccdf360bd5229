"""What a scorer is, and the rows that all of them write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from tacit.explanations.exhibits import Exhibits
from tacit.explanations.explanation import Explanation, Usage
from tacit.explanations.reader import Reader


@final
@dataclass(frozen=True, kw_only=True)
class Score:
    """One figure of one explanation; one without a value says why."""

    feature: int
    explainer: str
    reader: str
    scorer: str
    figure: str
    """What of the scorer: ``top-and-random``, ``balanced accuracy``."""
    value: float | None
    low: float | None
    high: float | None
    """95 % interval over fragments; None where it is not defined."""
    chance: float
    """What an explanation that says nothing scores."""
    n: int
    """Fragments behind it."""
    gaps: int
    """Fragments that the reader gave no answer for, or that it could not be asked about: left
    out, never guessed."""
    reason: str | None = None
    """Why there is no value, with the raw answer where there was one; or no interval."""
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float | None = 0.0


class Scorer(ABC):
    """Compares what a reader says of unseen text with what the feature does there."""

    name: str
    higher_is_better: bool = True

    @abstractmethod
    async def score(
        self,
        explanation: Explanation,
        exhibits: Exhibits,
        reader: Reader,
        rng: np.random.Generator,
    ) -> list[Score]:
        """Return its figures of one explanation; several share what was asked once."""


def usage_of(score: Score) -> Usage:
    """Return what a score cost."""
    return Usage(
        input_tokens=score.input_tokens,
        output_tokens=score.output_tokens,
        dollars=score.dollars,
    )
