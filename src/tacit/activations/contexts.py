"""How documents become the fixed windows a model reads.

Axes: n contexts, t positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from tacit.base.errors import UserError
from tacit.data.documents import Corpus

Tokenise = Callable[[str], tuple[list[int], list[tuple[int, int]]]]
"""Text to token ids and their character offsets, no special token added."""

PADDING = -1
"""Stands in ``ids`` where a row has ended; never shown to a model."""


@dataclass(frozen=True, kw_only=True)
class Contexts:
    """Windows of documents: no window holds two documents, a last one may be short."""

    ids: Int[np.ndarray, "n t"]
    """Token ids, ``PADDING`` after the end of a short row."""
    offsets: Int[np.ndarray, "n t 2"]
    """Characters of the document that each token covers; (0, 0) for BOS and padding."""
    document: Int[np.ndarray, " n"]
    """Index into the corpus's documents."""
    bos: bool
    """Whether column 0 is the BOS token."""
    num_dropped_tokens: int
    """Tokens left out because a limit was reached."""

    @property
    def mask(self) -> Bool[np.ndarray, "n t"]:
        """Where a token stands (BOS included)."""
        return self.ids != PADDING

    @property
    def num_tokens(self) -> int:
        """Tokens that stand in the windows, BOS included."""
        return int(self.mask.sum())


def cut(
    tokenise: Tokenise,
    corpus: Corpus,
    *,
    context_tokens: int,
    bos_id: int | None,
    max_tokens: int | None = None,
) -> Contexts:
    """Return the corpus as windows of ``context_tokens``, each opened by BOS if one is given.

    With ``max_tokens`` the first windows of every document are taken in turn, so that a small
    sample still holds as many documents as it can; what is left out is counted.
    """
    body = context_tokens - (bos_id is not None)
    if body < 1:
        raise UserError(
            f"a context of {context_tokens} tokens leaves no room for text; use 2 or more."
        )
    pieces: list[tuple[int, int, Sequence[int], Sequence[tuple[int, int]]]] = []
    for number, document in enumerate(corpus.documents):
        ids, offsets = tokenise(document.text)
        pieces += [
            (
                start // body,
                number,
                ids[start : start + body],
                offsets[start : start + body],
            )
            for start in range(0, len(ids), body)
        ]
    if not pieces:
        raise UserError(
            f"{corpus.name} has no tokens: its {len(corpus.documents)} documents hold no text "
            "that the tokenizer knows. Give other text."
        )
    kept, num_dropped = _take(pieces, max_tokens, int(bos_id is not None))
    return _fill(kept, context_tokens, bos_id, num_dropped)


def _take(
    pieces: list[tuple[int, int, Sequence[int], Sequence[tuple[int, int]]]],
    max_tokens: int | None,
    extra: int,
) -> tuple[list[tuple[int, int, Sequence[int], Sequence[tuple[int, int]]]], int]:
    total = sum(len(piece[2]) for piece in pieces)
    if max_tokens is None:
        return pieces, 0
    kept, num_tokens = [], 0
    for piece in sorted(pieces, key=lambda piece: piece[0]):
        if num_tokens + len(piece[2]) + extra > max_tokens and kept:
            break
        kept.append(piece)
        num_tokens += len(piece[2]) + extra
    kept.sort(key=lambda piece: (piece[1], piece[0]))
    return kept, total - sum(len(piece[2]) for piece in kept)


def _fill(
    pieces: list[tuple[int, int, Sequence[int], Sequence[tuple[int, int]]]],
    context_tokens: int,
    bos_id: int | None,
    num_dropped: int,
) -> Contexts:
    first = int(bos_id is not None)
    ids = np.full((len(pieces), context_tokens), PADDING, dtype=np.int64)
    offsets = np.zeros((len(pieces), context_tokens, 2), dtype=np.int64)
    if bos_id is not None:
        ids[:, 0] = bos_id
    for row, (_, _, piece_ids, piece_offsets) in enumerate(pieces):
        ids[row, first : first + len(piece_ids)] = piece_ids
        offsets[row, first : first + len(piece_ids)] = piece_offsets
    return Contexts(
        ids=ids,
        offsets=offsets,
        document=np.array([piece[1] for piece in pieces], dtype=np.int64),
        bos=bos_id is not None,
        num_dropped_tokens=num_dropped,
    )
