"""What goes into one pass of a model and what comes out of it.

Axes: b batch, t position, d activation width, v vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.errors import UserError


class Tokens(NamedTuple):
    """A text as a subject reads it."""

    ids: list[int]
    """Token ids; no special token is added."""
    offsets: list[tuple[int, int]]
    """First and one-past-last character of each token. A token that holds a part of a
    character covers all of it."""


@final
@dataclass(frozen=True, kw_only=True)
class Flow:
    """What was read in one pass."""

    activations: dict[str, Tensor]
    """By site: (b t d) for a transformer, whatever flows there for a bare module. Where a
    site was also edited this is its value after the edit. Positions outside ``mask`` hold
    numbers without meaning."""
    logits: Tensor | None
    """(b t v), in the subject's dtype, when asked for; a bare module's own output."""
    mask: Bool[Tensor, "b t"] | None
    """Where a token stands; None for a bare module."""
    ids: Int[Tensor, "b t"] | None
    """Token ids as run, padding filled in; None for a bare module."""


@final
@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows of tokens, padded on the right."""

    ids: Int[Tensor, "b t"]
    mask: Bool[Tensor, "b t"]


def batch_of(rows: Sequence[Sequence[int]], *, padding_id: int) -> Batch:
    """Return rows of any lengths as one batch, or say which row is empty."""
    if not rows:
        raise UserError("no text was given; give at least one.")
    for number, row in enumerate(rows):
        if not row:
            raise UserError(f"text {number} (counting from 0) has no tokens; leave it out.")
    longest = max(len(row) for row in rows)
    ids = torch.full((len(rows), longest), padding_id, dtype=torch.long)
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = True
    return Batch(ids=ids, mask=mask)


def batch_of_ids(ids: Int[Tensor, "b t"], *, padding_id: int) -> Batch:
    """Return a tensor of ids as a batch; negative ids at the end of a row are padding."""
    if ids.numel() == 0:
        raise UserError(
            f"ids of shape {tuple(ids.shape)} hold no tokens; give at least one."
        )
    mask = ids >= 0
    if not bool(mask[:, 0].all()) or bool((mask[:, 1:] & ~mask[:, :-1]).any()):
        raise UserError(
            "negative ids stand for padding, and a row may be padded on the right only; "
            "give every row its tokens first."
        )
    return Batch(ids=ids.long().masked_fill(~mask, padding_id), mask=mask)


def with_bos(batch: Batch, bos_id: int) -> Batch:
    """Return the batch with one token more before every row."""
    column = batch.ids[:, :1]
    return Batch(
        ids=torch.cat([torch.full_like(column, bos_id), batch.ids], dim=1),
        mask=torch.cat([torch.ones_like(column, dtype=torch.bool), batch.mask], dim=1),
    )


def check_batch(
    batch: Batch, *, of: str, vocab_size: int | None, context_tokens: int | None
) -> None:
    """Raise a ``UserError`` when the subject cannot read the batch."""
    length, largest = batch.ids.shape[1], int(batch.ids.max())
    if context_tokens is not None and length > context_tokens:
        raise UserError(
            f"{length} tokens were given; {of} reads at most {context_tokens} at once. "
            "Cut the text into shorter pieces."
        )
    if vocab_size is not None and largest >= vocab_size:
        raise UserError(
            f"token id {largest} was given; {of} has {vocab_size} tokens, 0 to {vocab_size - 1}. "
            "Use the subject's own tokenizer."
        )


def promoted_logits(
    directions: Float[Tensor, "f d"],
    norm_weight: Float[Tensor, " d"] | None,
    head_weight: Float[Tensor, "v d"],
    *,
    centred: bool,
) -> Float[Tensor, "f v"]:
    """Return ``W_U (w * direction)``, the direction centred first where the norm centres."""
    directions = directions.to(head_weight.device, torch.float32)
    if centred:
        directions = directions - directions.mean(dim=1, keepdim=True)
    if norm_weight is not None:
        directions = directions * norm_weight.to(directions)
    return directions @ head_weight.float().T
