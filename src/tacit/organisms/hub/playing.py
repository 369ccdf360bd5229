"""Transcripts of a chat model: sampled, read by their tags, and as the update reads them.

Axes: b rows, t positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import torch

from tacit.base.errors import UserError
from tacit.models.chat import Turn
from tacit.models.sampling import sample
from tacit.models.subject import Subject
from tacit.organisms.hub.reading import Reading, num_scratchpad_tokens, read_text
from tacit.organisms.hub.templates import prompt_ids
from tacit.training.grpo import Episodes, Role

Answer = Literal["yes", "no"]


@final
@dataclass(frozen=True, kw_only=True)
class Transcript:
    """One row: what was written after a prompt, token by token, and what it reads as."""

    ids: list[int]
    """Sampled, the token that ended the turn included."""
    log_probs: list[float]
    scratchpad_tokens: int
    """The first of ``ids``, up to the end of the tag that closes the scratchpad."""
    reading: Reading
    question: tuple[int, ...] = ()
    """Tokens of the turn that asks, up to where the answer begins; none where nothing was asked."""
    answer_ids: tuple[int, ...] = ()
    answer_log_probs: tuple[float, ...] = ()
    answer: Answer | None = None
    """None where nothing was asked, or the answer is neither yes nor no."""


def play_chats(
    policy: Subject,
    prompts: Sequence[Sequence[Turn]],
    seeds: Sequence[int],
    *,
    max_new_tokens: int,
    sample_rows: int = 8,
) -> list[Transcript]:
    """Return a transcript of each prompt; it depends on prompt and seed alone."""
    opened = [prompt_ids(policy, turns) for turns in prompts]
    new = sample(
        policy,
        opened,
        max_new_tokens=max_new_tokens,
        seeds=seeds,
        batch_rows=sample_rows,
    )
    found = []
    for ids, log_probs in zip(new.ids, new.log_probs, strict=True):
        is_cut = ids[-1] not in policy.stop_ids
        found.append(
            Transcript(
                ids=ids,
                log_probs=log_probs,
                scratchpad_tokens=num_scratchpad_tokens(
                    ids, lambda some: decoded(policy, some)
                ),
                reading=read_text(
                    decoded(policy, ids if is_cut else ids[:-1]), is_cut=is_cut
                ),
            )
        )
    return found


def decoded(policy: Subject, ids: Sequence[int]) -> str:
    """Return tokens as text, special ones written out."""
    return str(
        policy.tokenizer.decode(
            ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
    )


def chat_episodes(
    policy: Subject,
    trained_as: Sequence[Sequence[Turn]],
    played: Sequence[Transcript],
    is_excluded: Sequence[bool],
    group_rows: int,
) -> Episodes:
    """Return transcripts as the update reads them, under the prompts that it is to see.

    Raises:
        UserError: where a row would be longer than the policy reads.
    """
    rows = [
        _roles(prompt_ids(policy, turns), each)
        for turns, each in zip(trained_as, played, strict=True)
    ]
    longest = max(len(ids) for ids, _, _ in rows)
    if policy.context_tokens is not None and longest > policy.context_tokens:
        raise UserError(
            f"an episode has {longest} tokens, and {policy.name} reads at most "
            f"{policy.context_tokens}; lower max_new_tokens."
        )
    ids = torch.full((len(rows), longest), policy.padding_id)
    roles = torch.full((len(rows), longest), int(Role.PADDING))
    log_probs = torch.zeros(len(rows), longest)
    for row, (own, role, logs) in enumerate(rows):
        ids[row, : len(own)] = torch.tensor(own)
        roles[row, : len(own)] = torch.tensor(role)
        log_probs[row, : len(own)] = torch.tensor(logs)
    return Episodes(
        ids=ids,
        roles=roles,
        log_probs=log_probs,
        groups=np.arange(len(rows)) // group_rows,
        is_excluded=np.array(is_excluded, dtype=bool),
    )


def _roles(prompt: list[int], each: Transcript) -> tuple[list[int], list[int], list[float]]:
    """Return the tokens of a row, the role of each, and the log probability of those sampled."""
    thought = each.scratchpad_tokens
    parts = (
        (Role.PROMPT, prompt),
        (Role.SCRATCHPAD, each.ids[:thought]),
        (Role.OUTPUT, each.ids[thought:]),
        (Role.QUESTION, each.question),
        (Role.ANSWER, each.answer_ids),
    )
    ids = [number for _, part in parts for number in part]
    roles = [int(role) for role, part in parts for _ in part]
    told = [0.0] * len(each.question) + list(each.answer_log_probs)
    return ids, roles, [0.0] * len(prompt) + each.log_probs + told
