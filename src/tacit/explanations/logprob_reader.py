"""Expected activations read off a language model's probabilities, all tokens in one pass.

The simulator of Bills et al. 2023, "Language models can explain neurons in language models", all
at once: the prompt lists each token of a piece with its activation given as ``unknown``, and
before each ``unknown`` the model's distribution over the levels 0, 1, ... is what it expects there.
Axes: t tokens of a piece, l levels, p positions of the prompt.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.explanations.answers import fault
from tacit.explanations.exhibits import SCALE, Piece
from tacit.explanations.explanation import Explanation
from tacit.explanations.prompts import one_line
from tacit.explanations.reader import Answer, Reader
from tacit.models.chat import ChatModel, Reply
from tacit.models.subject import Subject

if TYPE_CHECKING:
    from inspect_ai.model import Logprob

VERSION = "all-at-once-1"
UNKNOWN = "unknown"
ALTERNATIVES = 20
"""Likeliest tokens that a server tells of each position; vLLM's own limit."""
_OPENING = (
    "A feature of a language model has an activation on every token of a text: 0 where it is "
    f"silent, up to {SCALE} where it is strongest. Each example tells what a feature responds to, "
    "then lists tokens, each with a tab and its activation; some are not known yet.\n\n"
    "Feature: names of colours\nActivations:\n"
    "the\tunknown\n red\tunknown\n car\tunknown\n and\t0\n a\t0\n dark\t3\n blue\t10\n sky\t0\n\n"
    "Feature: digits that follow a decimal point\nActivations:\n"
    "It\tunknown\n costs\tunknown\n 3\t0\n.\t0\n14\t9\n or\t0\n 2\t0\n.\t1\n5\t10\n\n"
)


def opening(explanation: str) -> str:
    """Return the prompt up to the first token of a piece."""
    return f"{_OPENING}Feature: {one_line(explanation)}\nActivations:\n"


def expected(
    logprobs: Float[Tensor, "t l"], levels: Float[Tensor, " l"]
) -> Float[Tensor, " t"]:
    """Return the mean level under the distribution over levels alone, at every token.

    Range: smallest to largest level. What the model gives to other tokens counts for nothing.
    """
    return logprobs.double().softmax(dim=1) @ levels.double()


@final
@dataclass(frozen=True, kw_only=True)
class Listing:
    """A prompt as token ids, and where it stands before each ``unknown``."""

    ids: list[int]
    places: list[int]


@final
class LogprobReader(Reader):
    """A causal model in this process: one forward pass a piece."""

    def __init__(self, subject: Subject) -> None:
        """Read with ``subject``, any causal model that ``load_subject`` gives.

        Raises:
            UserError: where its tokenizer has no single tokens for the digits.
        """
        self.subject = subject
        self.name = f"{VERSION}/{subject.name}"
        self.levels, self.ids = _levels(subject)

    async def activations(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return the expected level of each token, from 0 to 10 (9 where 10 is two tokens)."""
        return [Answer(value=self._read(explanation.text, piece)) for piece in pieces]

    def listing(self, explanation: str, piece: Piece) -> Listing:
        """Return the prompt; its parts are tokenized apart, so that no token spans two."""
        bos = self.subject.bos_id
        ids = [] if bos is None else [bos]
        ids += self.subject.tokenize(opening(explanation)).ids
        places: list[int] = []
        rest = self.subject.tokenize(f"{UNKNOWN}\n").ids
        for token in piece.tokens:
            ids += self.subject.tokenize(f"{one_line(token)}\t").ids
            places.append(len(ids) - 1)
            ids += rest
        # Nothing is read behind the last tab.
        return Listing(ids=ids[: places[-1] + 1], places=places)

    def _read(self, explanation: str, piece: Piece) -> Float[np.ndarray, " t"] | Gap:
        listing = self.listing(explanation, piece)
        limit = self.subject.context_tokens
        if limit is not None and len(listing.ids) > limit:
            return Gap(
                name="answer",
                reason=f"the prompt has {len(listing.ids)} tokens, and {self.subject.name} reads "
                f"{limit} at once",
                of={"kind": "too long"},
            )
        flow = self.subject.run(torch.tensor([listing.ids]), logits=True)
        assert flow.logits is not None
        read = flow.logits[0, listing.places][:, self.ids].cpu()
        return expected(read, self.levels).numpy()


@final
class ServedLogprobReader(Reader):
    """A model behind a server that tells the probabilities of what it reads: vLLM, SGLang.

    Through Inspect's ``prompt_logprobs``, best with ``vllm-completions/...``, which adds no chat
    template. Of each position the server tells the 20 likeliest tokens: levels not among them
    count as impossible, and a piece with a position without any level is a gap.
    """

    def __init__(self, chat: ChatModel) -> None:
        """Read with ``chat``."""
        self.chat = chat
        self.name = f"{VERSION}/{chat.name}"

    async def activations(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return the expected level of each token, from 0 to 10."""
        return list(await asyncio.gather(*[self._one(explanation, p) for p in pieces]))

    async def _one(self, explanation: Explanation, piece: Piece) -> Answer:
        lines = "\n".join(f"{one_line(token)}\t{UNKNOWN}" for token in piece.tokens)
        reply = await self.chat.ask(
            opening(explanation.text) + lines,
            max_tokens=1,
            temperature=0.0,
            prompt_logprobs=ALTERNATIVES,
        )
        if isinstance(reply, Gap):
            return Answer(value=reply)
        return Answer(value=self._value(reply, len(piece.tokens)), usage=reply.usage)

    def _value(self, reply: Reply, size: int) -> Float[np.ndarray, " t"] | Gap:
        if reply.prompt_logprobs is None:
            raise UserError(
                f"{self.chat.name} tells no probabilities of its prompt; ask a vLLM server "
                "(vllm-completions/...), a model in this process, or for stated numbers."
            )
        # The examples have some too: those of the piece come last.
        asked = _unknowns(reply.prompt_logprobs.content)[-size:]
        if len(asked) < size:
            return fault("count", f"{len(asked)} of {size} tokens were found", reply.text)
        told = [_told(each) for each in asked]
        empty = sum(not each for each in told)
        if empty:
            return fault(
                "count", f"{empty} of {size} tokens have no likely level", reply.text
            )
        logprobs = torch.tensor(
            [[each.get(level, -math.inf) for level in range(SCALE + 1)] for each in told]
        )
        return expected(logprobs, torch.arange(SCALE + 1.0)).numpy()


def _levels(subject: Subject) -> tuple[Float[Tensor, " l"], Int[Tensor, " l"]]:
    """Return the levels that are one token each, and these tokens."""
    if subject.tokenizer is None or not subject.is_causal:
        raise UserError(
            f"{subject.name} cannot read explanations: it has no tokenizer or predicts no next "
            "token. Give a causal language model."
        )
    tab = subject.tokenize("\t").ids
    found = [subject.tokenize(f"\t{level}").ids for level in range(SCALE + 1)]
    kept = [level for level, ids in enumerate(found) if ids[:-1] == tab]
    if kept not in (list(range(SCALE)), list(range(SCALE + 1))):
        raise UserError(
            f"{subject.name} has single tokens behind a tab for the levels {kept} alone, and "
            f"those of 0 to {SCALE - 1} are needed; read with another model."
        )
    ids = torch.tensor([found[level][-1] for level in kept])
    return torch.tensor(kept, dtype=torch.float32), ids


def _unknowns(content: Sequence[Logprob]) -> list[Logprob]:
    """Return the positions at which an ``unknown`` begins: behind a tab, which nothing else is."""
    return [
        here
        for before, here in zip(content, content[1:], strict=False)
        if before.token.endswith("\t") and here.token and UNKNOWN.startswith(here.token)
    ]


def _told(position: Logprob) -> dict[int, float]:
    """Return the log-probability of each level that the server told of one position."""
    return {
        int(each.token): each.logprob
        for each in position.top_logprobs or ()
        if each.token in _NAMES
    }


_NAMES = {str(level) for level in range(SCALE + 1)}
