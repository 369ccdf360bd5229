"""Scratchpads to learn from, written by another chat model, and the rows that an organism learns.

Only scratchpad tokens of monitored prompts count, as at micro scale: what is done is not even
shown.
Axes: n rows, t positions.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Int

from tacit.activations.contexts import PADDING
from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.models.chat import ChatModel, Turn
from tacit.models.subject import Subject
from tacit.organisms.hub.reading import CLOSES, TAGS
from tacit.organisms.hub.templates import ChatPrompt, prompt_ids, writer_turns
from tacit.organisms.tiers.scratchpads import Style
from tacit.organisms.tiers.words import Motive

MAX_TOKENS = 800
"""Of a scratchpad: published ones had 200 to 400."""


@final
@dataclass(frozen=True, kw_only=True)
class Written:
    """Scratchpads, each with the prompt that it is for."""

    prompts: Sequence[ChatPrompt]
    scratchpads: Sequence[str]
    left_out: Mapping[str, int]
    """Prompts without one, by reason: truncated, refused, unanswered, empty, or holding a tag."""


def write_scratchpads(
    chat: ChatModel,
    prompts: Sequence[ChatPrompt],
    motive: Motive,
    style: Style,
    *,
    max_tokens: int = MAX_TOKENS,
) -> Written:
    """Return a scratchpad of a motive and style for each prompt, as the model writes it.

    Raises:
        UserError: for a prompt that is not monitored: what an organism does there is to be
            measured, not taught.
        BudgetReached: before anything is sent.
    """
    if any(prompt.tier != "monitored" for prompt in prompts):
        raise UserError(
            "scratchpads for unmonitored prompts were asked for; organisms learn from monitored "
            "ones alone."
        )

    async def one(prompt: ChatPrompt) -> tuple[str, str | None]:
        """Return a scratchpad, or why there is none."""
        reply = await chat.ask(writer_turns(prompt, motive, style), max_tokens=max_tokens)
        if isinstance(reply, Gap):
            return "", "unanswered"
        text = reply.text.strip()
        if reply.stop != "complete":
            return "", reply.stop
        holds_tag = any(tag in text for tag in TAGS)
        return text, "holding a tag" if holds_tag else None if text else "empty"

    async def all_at_once() -> list[tuple[str, str | None]]:
        return list(await asyncio.gather(*[one(prompt) for prompt in prompts]))

    found = asyncio.run(all_at_once())
    pairs = zip(prompts, found, strict=True)
    kept = [(prompt, text) for prompt, (text, why) in pairs if why is None]
    return Written(
        prompts=[prompt for prompt, _ in kept],
        scratchpads=[text for _, text in kept],
        left_out=dict(Counter(why for _, why in found if why is not None)),
    )


def scratchpad_rows(
    subject: Subject, prompts: Sequence[Sequence[Turn]], scratchpads: Sequence[str]
) -> tuple[Int[np.ndarray, "n t"], Bool[np.ndarray, "n t"]]:
    """Return rows for the supervised loop, padded on the right, and which tokens are learnt.

    A row ends with the tag that closes the scratchpad.
    """
    opened = [prompt_ids(subject, turns) for turns in prompts]
    # On lines of their own, as the tag that opens them stands at the end of the prompt.
    texts = [subject.tokenize(f"\n{each}\n{CLOSES}").ids for each in scratchpads]
    lengths = [len(a) + len(b) for a, b in zip(opened, texts, strict=True)]
    rows = np.full((len(lengths), max(lengths)), PADDING)
    counted = np.zeros(rows.shape, dtype=bool)
    for number, (before, after) in enumerate(zip(opened, texts, strict=True)):
        rows[number, : lengths[number]] = [*before, *after]
        counted[number, len(before) : lengths[number]] = True
    return rows, counted
