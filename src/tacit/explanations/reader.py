"""Who reads an explanation and says what the feature does on text it is shown.

A reader sees tokens, never activations. Axes: t tokens of a piece.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float

from tacit.base.records import Gap
from tacit.explanations.exhibits import Piece
from tacit.explanations.explanation import Explanation, Usage


@final
@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a reader says of one piece, or why it says nothing."""

    value: float | Float[np.ndarray, " t"] | Gap
    """An activation for each token in any unit, or the degree to which something holds of the
    piece: larger is more, 0.5 and above is yes."""
    usage: Usage = Usage()


class Reader(ABC):
    """Predicts from an explanation.

    ``active`` and ``marked`` follow from ``activations`` unless a reader does better when asked.
    """

    name: str

    @abstractmethod
    async def activations(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return a predicted activation for each token of each piece."""

    async def active(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return whether the feature is active anywhere in each piece."""
        return [
            _with(answer, lambda values: float(values.max(initial=0)))
            for answer in await self.activations(explanation, pieces)
        ]

    async def marked(
        self,
        explanation: Explanation,
        pieces: Sequence[Piece],
        marks: Sequence[Bool[np.ndarray, " _"]],
    ) -> list[Answer]:
        """Return whether the marked tokens of each piece are those that activate the feature."""
        answers = await self.activations(explanation, pieces)
        return [
            _with(answer, lambda values, where=where: float(values[where].mean()))
            for answer, where in zip(answers, marks, strict=True)
        ]


def _with(answer: Answer, read: Callable[[np.ndarray], float]) -> Answer:
    if isinstance(answer.value, Gap):
        return answer
    return Answer(value=read(np.asarray(answer.value)), usage=answer.usage)
