"""A chat model that reads explanations: by numbers it states, or asked directly about texts.

Axes: t tokens of a piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar, final

import numpy as np
from jaxtyping import Bool

from tacit.base.errors import UserError, look_up
from tacit.base.records import Gap
from tacit.explanations.answers import Items, Stated, fault, read, stated
from tacit.explanations.exhibits import Piece
from tacit.explanations.explanation import Explanation
from tacit.explanations.prompts import PROMPTS, Prompt
from tacit.explanations.reader import Answer, Reader
from tacit.models.chat import ChatModel, Reply
from tacit.models.spending import Usage

MAX_TOKENS = 4_000
"""64 stated numbers take some 300; models that reason first are to come to their end."""
PIECES = 5
"""Texts judged in one request."""
T = TypeVar("T")


@final
class ChatReader(Reader):
    """States activations piece by piece; judges several pieces in one request.

    Stated numbers stand in for the expected values of the published simulator, which needs
    probabilities: see ``logprob_reader``.
    """

    def __init__(
        self,
        chat: ChatModel,
        *,
        prompts: str = "fragments-1",
        temperature: float | None = None,
        max_tokens: int = MAX_TOKENS,
        pieces: int = PIECES,
    ) -> None:
        """Ask ``chat`` by the named set of prompts, about ``pieces`` texts in one request."""
        if pieces < 1:
            raise UserError(f"{pieces} texts a request were asked for; give 1 or more.")
        self.chat = chat
        self.prompts = look_up(PROMPTS, prompts, "set of prompts")
        self.name = chat.name
        self.temperature = temperature
        self.max_tokens = max_tokens
        self.pieces = pieces

    async def activations(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return the numbers that the model states for the tokens, a request a piece."""

        async def one(piece: Piece) -> Answer:
            prompt = self.prompts.numbers(explanation.text, piece)
            assert issubclass(prompt.form, Stated)
            reply = await self._ask(prompt)
            return Answer(
                value=stated(reply, prompt.form, len(piece.tokens)), usage=_usage(reply)
            )

        return list(await asyncio.gather(*[one(piece) for piece in pieces]))

    async def active(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return the model's likelihood that the feature is active anywhere in each piece."""
        return await self._judged(
            pieces, lambda some: self.prompts.active(explanation.text, some)
        )

    async def marked(
        self,
        explanation: Explanation,
        pieces: Sequence[Piece],
        marks: Sequence[Bool[np.ndarray, " _"]],
    ) -> list[Answer]:
        """Return its likelihood that the marked tokens of each piece are the active ones."""
        return await self._judged(
            list(zip(pieces, marks, strict=True)),
            lambda some: self.prompts.marked(
                explanation.text, [piece for piece, _ in some], [where for _, where in some]
            ),
        )

    async def _judged(
        self, texts: Sequence[T], prompt_of: Callable[[Sequence[T]], Prompt]
    ) -> list[Answer]:
        parts = [
            texts[first : first + self.pieces]
            for first in range(0, len(texts), self.pieces)
        ]
        replies = await asyncio.gather(*[self._ask(prompt_of(part)) for part in parts])
        return [
            answer
            for reply, part in zip(replies, parts, strict=True)
            for answer in _answers(reply, len(part))
        ]

    async def _ask(self, prompt: Prompt) -> Reply | Gap:
        return await self.chat.ask(
            prompt.text,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            schema=prompt.form,
        )


def _answers(reply: Reply | Gap, size: int) -> list[Answer]:
    """Return an answer for each text of one request; what it cost stands with the first."""
    found = read(reply, Items)
    if isinstance(found, Gap):
        values: list[float | Gap] = [found] * size
    else:
        assert isinstance(reply, Reply)
        shares = found.shares(size)
        values = [
            fault("count", f"text {number} was not answered once", reply.text)
            if share is None
            else share
            for number, share in enumerate(shares, start=1)
        ]
    usages = [_usage(reply), *[Usage()] * (size - 1)]
    return [
        Answer(value=value, usage=usage)
        for value, usage in zip(values, usages, strict=True)
    ]


def _usage(reply: Reply | Gap) -> Usage:
    return reply.usage if isinstance(reply, Reply) else Usage()
