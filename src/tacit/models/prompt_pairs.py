"""Counterfactual pairs as a subject reads them: token ids, answers, and where each role stands.

Axes: n pairs, t positions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.errors import UserError, unknown
from tacit.data.pairs import Pair
from tacit.models.flows import Tokens
from tacit.models.hooks import Edit
from tacit.models.subject import Subject

PADDING = -1
"""Stands behind the end of a shorter prompt, as ``Subject.run`` reads it."""


@final
@dataclass(frozen=True, kw_only=True)
class PromptPairs:
    """Pairs of one length each, their answers one token each."""

    pairs: tuple[Pair, ...]
    clean: Int[Tensor, "n t"]
    """Token ids; ``PADDING`` behind the end."""
    counterfactual: Int[Tensor, "n t"]
    answer: Int[Tensor, " n"]
    """Token that should follow the clean prompt."""
    other: Int[Tensor, " n"]
    """Token that should follow the counterfactual one."""
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])
    """Reason -> pairs left out for it."""
    positions: Mapping[str, Bool[Tensor, "n t"]] = field(
        default_factory=dict[str, Bool[Tensor, "n t"]]
    )
    """Role -> where it stands; by ``at``."""

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.pairs)

    @property
    def mask(self) -> Bool[Tensor, "n t"]:
        """Where a token stands."""
        return self.clean != PADDING

    @property
    def last(self) -> Int[Tensor, " n"]:
        """Position of the last token."""
        return self.mask.sum(dim=1) - 1

    def at(self, role: str) -> Bool[Tensor, "n t"]:
        """Return which positions an edit is for: ``all``, ``last`` or a role of the task."""
        if role == "all":
            return self.mask
        if role == "last":
            ends = torch.arange(self.clean.shape[1])[None] == self.last[:, None]
            return ends & self.mask
        if role not in self.positions:
            raise unknown("role of these prompts", role, ["all", "last", *self.positions])
        return self.positions[role]

    def some(self, rows: slice | Int[Tensor, " m"]) -> PromptPairs:
        """Return some of the pairs, in the order asked for, cut to their longest."""
        kept = range(len(self))[rows] if isinstance(rows, slice) else rows.tolist()
        longest = int(self.mask[rows].sum(dim=1).max())
        return PromptPairs(
            pairs=tuple(self.pairs[row] for row in kept),
            clean=self.clean[rows, :longest],
            counterfactual=self.counterfactual[rows, :longest],
            answer=self.answer[rows],
            other=self.other[rows],
            skipped=self.skipped,
            positions={
                role: where[rows, :longest] for role, where in self.positions.items()
            },
        )

    def parts(self, size: int) -> Iterator[PromptPairs]:
        """Yield the pairs in their order, ``size`` at once."""
        for first in range(0, len(self), size):
            yield self.some(slice(first, first + size))


def read_pairs(subject: Subject, pairs: Sequence[Pair]) -> PromptPairs:
    """Return the pairs as the subject reads them, BOS before each where it has one.

    Left out and counted in ``skipped``: pairs whose prompts differ in length, or whose answer is
    not one token that follows the prompt's own.

    Raises:
        UserError: for a subject that predicts no next token, and where no pair is left.
    """
    if not subject.is_causal:
        raise UserError(
            f"prompts were given to {subject.name}, which predicts no next token. Use a causal "
            "language model."
        )
    read, skipped = [], Counter[str]()
    for pair in pairs:
        found = _read(subject, pair)
        if isinstance(found, str):
            skipped[found] += 1
        else:
            read.append((pair, *found))
    if not read:
        why = "; ".join(f"{count} {reason}" for reason, count in skipped.items())
        raise UserError(
            f"none of {len(pairs)} pairs can be read by {subject.name} ({why or 'none given'}); "
            "give prompts of one length whose answers are one token for its tokenizer."
        )
    kept, clean, counterfactual, answers, others = zip(*read, strict=True)
    opening = [] if subject.bos_id is None else [subject.bos_id]
    longest = len(opening) + max(len(tokens.ids) for tokens in clean)

    def padded(rows: Sequence[Tokens]) -> Tensor:
        ids = torch.full((len(rows), longest), PADDING)
        for row, tokens in zip(ids, rows, strict=True):
            row[: len(opening) + len(tokens.ids)] = torch.tensor([*opening, *tokens.ids])
        return ids

    return PromptPairs(
        pairs=kept,
        clean=padded(clean),
        counterfactual=padded(counterfactual),
        answer=torch.tensor(answers),
        other=torch.tensor(others),
        skipped=dict(skipped),
        positions=_positions(kept, clean, len(opening), longest),
    )


def _read(subject: Subject, pair: Pair) -> tuple[Tokens, Tokens, int, int] | str:
    """Return a pair's tokens and answers, or why it is left out."""
    clean, counterfactual = (
        subject.tokenize(text) for text in (pair.clean, pair.counterfactual)
    )
    if len(clean.ids) != len(counterfactual.ids):
        return "whose prompts differ in length"
    answers = []
    for text, tokens, word in (
        (pair.clean, clean, pair.answer),
        (pair.counterfactual, counterfactual, pair.other),
    ):
        whole = subject.tokenize(text + word).ids
        if whole[:-1] != tokens.ids:
            return "whose answer is not one token"
        answers.append(whole[-1])
    return clean, counterfactual, answers[0], answers[1]


def _positions(
    pairs: Sequence[Pair], clean: Sequence[Tokens], opening: int, longest: int
) -> dict[str, Bool[Tensor, "n t"]]:
    """Return where each role's characters lie; a role that a pair lacks is nowhere in it."""
    roles = dict.fromkeys(role for pair in pairs for role in pair.roles)
    where = {role: torch.zeros(len(pairs), longest, dtype=torch.bool) for role in roles}
    for row, (pair, tokens) in enumerate(zip(pairs, clean, strict=True)):
        for role, (start, end) in pair.roles.items():
            for place, (first, last) in enumerate(tokens.offsets):
                where[role][row, opening + place] = first < end and start < last
    return where


@torch.no_grad()
def last_logits(
    subject: Subject,
    ids: Int[Tensor, "n t"],
    *,
    edits: Mapping[str, Edit] | None = None,
    batch: int = 64,
) -> Float[Tensor, "n v"]:
    """Return the logits of the token after each prompt, under edits that suit any batch."""
    found = []
    for part in ids.split(batch):
        logits = subject.run(part, edits=edits, logits=True).logits
        assert logits is not None, "logits were asked for"
        ends = (part != PADDING).sum(dim=1) - 1
        found.append(logits[torch.arange(len(part)), ends.to(logits.device)].float())
    return torch.cat(found)


def preferences(subject: Subject, prompts: PromptPairs) -> Float[Tensor, " n"]:
    """Return by how much each clean prompt's answer is likelier than the other one, in nats."""
    logits = last_logits(subject, prompts.clean)
    rows = torch.arange(len(prompts))
    return (logits[rows, prompts.answer] - logits[rows, prompts.other]).cpu()
