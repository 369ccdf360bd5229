"""A reader whose predicted activations are kept, so that a page can show where they were wrong.

Axes: t tokens of a piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float

from tacit.base.records import Gap
from tacit.explanations.exhibits import Piece
from tacit.explanations.explanation import Explanation
from tacit.explanations.ledger import Ledger
from tacit.explanations.reader import Answer, Reader

DIGITS = 4
"""Significant digits that are kept of a prediction."""


@final
class Remembering(Reader):
    """Answers as another reader does, and keeps what that predicts."""

    def __init__(self, inner: Reader, ledger: Ledger) -> None:
        """Ask ``inner`` and write its predicted activations to ``ledger``."""
        self.inner = inner
        self.name = inner.name
        self._ledger = ledger
        self._one_writes: asyncio.Lock | None = None

    async def activations(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return the other's predictions, kept for the pieces that it answered."""
        answers = await self.inner.activations(explanation, pieces)
        if self._one_writes is None:
            self._one_writes = asyncio.Lock()
        async with self._one_writes:
            record = {"pieces": dict(_sparse(pieces, answers))}
            await asyncio.to_thread(self._ledger.append, predicted_key(explanation), record)
        return answers

    async def active(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return the other's answers."""
        return await self.inner.active(explanation, pieces)

    async def marked(
        self,
        explanation: Explanation,
        pieces: Sequence[Piece],
        marks: Sequence[Bool[np.ndarray, " _"]],
    ) -> list[Answer]:
        """Return the other's answers."""
        return await self.inner.marked(explanation, pieces, marks)


def predicted_key(explanation: Explanation) -> str:
    """Return the ledger's key of the predictions from an explanation."""
    return f"{explanation.explainer}/{explanation.version}/{explanation.feature}"


def predicted_in(record: Mapping[str, Any], piece: Piece) -> Float[np.ndarray, " t"] | None:
    """Return what was predicted of a piece; None where the reader said nothing of it."""
    kept = record["pieces"].get(str(int(piece.rows[0])))
    if kept is None:
        return None
    found = np.zeros(len(piece.rows))
    for place, value in kept:
        found[place] = value
    return found


def _sparse(
    pieces: Sequence[Piece], answers: Sequence[Answer]
) -> list[tuple[str, list[tuple[int, float]]]]:
    """Return what is not zero of each prediction, under the first row of its piece."""
    found = []
    for piece, answer in zip(pieces, answers, strict=True):
        if not isinstance(answer.value, Gap):
            values = np.asarray(answer.value)
            kept = [
                (int(place), float(f"{values[place]:.{DIGITS}g}"))
                for place in np.flatnonzero(values)
            ]
            found.append((str(int(piece.rows[0])), kept))
    return found
