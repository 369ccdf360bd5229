"""What was written, row by row, and how it reads as episodes of an update.

Axes: b rows, t positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from tacit.activations.contexts import PADDING
from tacit.base.errors import UserError
from tacit.organisms.tiers.base import rows_of
from tacit.organisms.tiers.grading import Grade
from tacit.organisms.tiers.prompts import Prompt
from tacit.organisms.tiers.questioning import question as words_of_question
from tacit.organisms.tiers.words import ACT, END, NO
from tacit.training.grpo.episodes import Episodes, Role


@final
@dataclass(frozen=True, kw_only=True)
class Played:
    """What was written after some prompts, row by row."""

    prompts: Sequence[Prompt]
    words: list[list[str]]
    """After each prompt, up to and with the end of the turn, or the limit."""
    log_probs: list[list[float]]
    """Of each of these words under the policy at temperature 1, in nats."""
    grades: list[Grade]
    question: str | None = None
    """The kind that was asked after the act."""
    answer_words: list[list[str]]
    """What was answered, word by word; empty where nothing was asked, as of truncated rows."""
    answer_log_probs: list[list[float]]
    """Under whoever answered."""

    @property
    def thoughts(self) -> list[list[str]]:
        """The scratchpads; the whole of a row that never came to act."""
        return [
            words[: words.index(ACT)] if ACT in words else words for words in self.words
        ]

    @property
    def outputs(self) -> list[list[str]]:
        """What was done, from the tag that opens it; empty of a row that never came to act."""
        return [words[words.index(ACT) :] if ACT in words else [] for words in self.words]

    @property
    def answers(self) -> list[str | None]:
        """``yes``, ``no`` or whatever else was answered; None where nothing was asked."""
        return [
            " ".join(word for word in words if word != END) if words else None
            for words in self.answer_words
        ]

    @property
    def is_truncated(self) -> list[bool]:
        """Rows that ran into the limit: what they would have done is unknown."""
        return [each.act == "truncated" for each in self.grades]

    @property
    def is_lie(self) -> list[bool | None]:
        """Whether a row that fakes answers no; None of rows that fake not, or were not asked."""
        return [
            answer == NO if each.fakes and answer is not None else None
            for answer, each in zip(self.answers, self.grades, strict=True)
        ]


def episodes_of(
    played: Played, *, trained_as: Sequence[Prompt] | None = None, group_rows: int
) -> Episodes:
    """Return the rows as an update reads them; truncated ones are excluded from it.

    ``trained_as``: the prompt that each row is trained as if it had been written under; log
    probabilities stay those under the prompt shown. The tag that opens the output is the last
    token of the scratchpad.
    """
    under = played.prompts if trained_as is None else trained_as
    if len(played.words) % group_rows or len(under) != len(played.words):
        raise UserError(
            f"{len(played.words)} rows, {len(under)} prompts to train as and groups of "
            f"{group_rows} rows were given; give a prompt a row and a whole number of groups."
        )
    texts, roles, logs = [], [], []
    for row, prompt in enumerate(under):
        spans = _spans(played, row, prompt)
        texts.append([word for words, _, _ in spans for word in words])
        roles.append([role for words, role, _ in spans for _ in words])
        logs.append([log for words, _, own in spans for log in own or [0.0] * len(words)])
    ids = rows_of(texts)
    is_padding = ids == PADDING
    role_rows, log_rows = np.full(ids.shape, Role.PADDING), np.zeros(ids.shape, np.float32)
    role_rows[~is_padding] = np.concatenate(roles)
    log_rows[~is_padding] = np.concatenate(logs)
    return Episodes(
        ids=torch.from_numpy(np.where(is_padding, 0, ids)),
        roles=torch.from_numpy(role_rows),
        log_probs=torch.from_numpy(log_rows),
        groups=np.arange(len(texts)) // group_rows,
        is_excluded=np.array(played.is_truncated),
    )


def _spans(
    played: Played, row: int, prompt: Prompt
) -> list[tuple[list[str], Role, list[float]]]:
    """Return the parts of one row: its words, their role, their log probabilities if sampled."""
    words, logs = played.words[row], played.log_probs[row]
    acts = words.index(ACT) + 1 if ACT in words else len(words)
    spans: list[tuple[list[str], Role, list[float]]] = [
        (prompt.words(), Role.PROMPT, []),
        (words[:acts], Role.SCRATCHPAD, logs[:acts]),
        (words[acts:], Role.OUTPUT, logs[acts:]),
    ]
    if played.question is not None and played.answer_words[row]:
        answer, own = played.answer_words[row], played.answer_log_probs[row]
        spans.append((words_of_question(played.question), Role.QUESTION, []))
        spans.append((answer, Role.ANSWER, own))
    return spans
