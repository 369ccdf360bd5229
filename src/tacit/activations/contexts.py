"""How documents become the fixed windows a model reads.

Axes: n contexts, t positions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int

from tacit.base.errors import UserError
from tacit.data.documents import Corpus, is_held_out

Tokenise = Callable[[str], tuple[list[int], list[tuple[int, int]]]]
"""Text to token ids and their character offsets, no special token added."""

PADDING = -1
"""Stands in ``ids`` where a row has ended; never shown to a model."""


Mode = Literal["split", "packed", "documents"]
"""How documents become windows. ``split``: each document is cut into windows of its own, the last
of which may be short. ``packed``: windows are filled with one document after another, the
separator after each if there is one; attention reaches over the boundary, as it did in most
training. ``documents``: the first window of each document alone."""


@dataclass(frozen=True, kw_only=True)
class Contexts:
    """Windows of documents."""

    ids: Int[np.ndarray, "n t"]
    """Token ids, ``PADDING`` after the end of a short row."""
    offsets: Int[np.ndarray, "n t 2"]
    """Characters of the document that each token covers; (0, 0) for what is not text."""
    document: Int[np.ndarray, "n t"]
    """Index into the corpus's documents for each token; BOS and padding go with their neighbour."""
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

    @property
    def opens(self) -> Int[np.ndarray, " n"]:
        """The document that each window begins with; unless packed, the only one."""
        return self.document[:, 0]


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """What one window holds, BOS aside."""

    order: float
    """Which windows a limit keeps first: place among the windows of its document or, packed, as a
    share of its half of the split, so that both halves shrink alike."""
    ids: np.ndarray
    offsets: np.ndarray
    document: np.ndarray


def cut(
    tokenise: Tokenise,
    corpus: Corpus,
    *,
    context_tokens: int,
    bos_id: int | None,
    max_tokens: int | None = None,
    mode: Mode = "split",
    separator_id: int | None = None,
) -> Contexts:
    """Return the corpus as windows of ``context_tokens``, each opened by BOS if one is given.

    With ``max_tokens`` the first windows of every document are taken in turn, so that a small
    sample still holds as many documents as it can; what is left out is counted. Packed windows
    hold training documents or held-out ones, never both.
    """
    body = context_tokens - (bos_id is not None)
    if body < 1:
        raise UserError(
            f"a context of {context_tokens} tokens leaves no room for text; use 2 or more."
        )
    whole = [
        _whole(tokenise(document.text), number)
        for number, document in enumerate(corpus.documents)
    ]
    whole = [each for each in whole if len(each.ids)]
    if not whole:
        raise UserError(
            f"{corpus.name} has no tokens: its {len(corpus.documents)} documents hold no text "
            "that the tokenizer knows. Give other text."
        )
    total = sum(len(each.ids) for each in whole)
    if mode == "packed":
        whole = _packed(whole, corpus, separator_id)
    pieces = [piece for each in whole for piece in _windows(each, body)]
    if mode == "packed":
        pieces = [
            replace(piece, order=piece.order * body / len(each.ids))
            for each in whole
            for piece in _windows(each, body)
        ]
    if mode == "documents":
        pieces = [piece for piece in pieces if piece.order == 0]
    kept = _take(pieces, max_tokens, int(bos_id is not None))
    found = _fill(kept, context_tokens, bos_id)
    of_text = sum(int((piece.offsets[:, 1] >= 0).sum()) for piece in kept)
    return replace(found, num_dropped_tokens=total - of_text)


def _whole(tokens: tuple[list[int], list[tuple[int, int]]], number: int) -> _Piece:
    """Return a document as a single window without end."""
    ids, offsets = tokens
    return _Piece(
        order=0,
        ids=np.array(ids, dtype=np.int64),
        offsets=np.array(offsets, dtype=np.int64).reshape(-1, 2),
        document=np.full(len(ids), number, dtype=np.int64),
    )


def _packed(whole: list[_Piece], corpus: Corpus, separator_id: int | None) -> list[_Piece]:
    """Return the training documents one after another, and the held-out ones.

    A separator belongs to the document it ends; offsets of -1 tell it from text.
    """
    halves: dict[bool, list[_Piece]] = {False: [], True: []}
    for each in whole:
        own = halves[is_held_out(corpus.documents[each.document[0]].name)]
        own.append(each)
        if separator_id is not None:
            own.append(
                _Piece(
                    order=0,
                    ids=np.array([separator_id]),
                    offsets=np.array([[-1, -1]]),
                    document=each.document[:1],
                )
            )
    return [
        _Piece(
            order=0,
            ids=np.concatenate([each.ids for each in half]),
            offsets=np.concatenate([each.offsets for each in half]),
            document=np.concatenate([each.document for each in half]),
        )
        for half in halves.values()
        if half
    ]


def _windows(whole: _Piece, body: int) -> list[_Piece]:
    return [
        _Piece(
            order=start // body,
            ids=whole.ids[start : start + body],
            offsets=whole.offsets[start : start + body],
            document=whole.document[start : start + body],
        )
        for start in range(0, len(whole.ids), body)
    ]


def _take(pieces: list[_Piece], max_tokens: int | None, extra: int) -> list[_Piece]:
    """Return as many windows as the limit allows, first ones first, in the order of the text."""
    if max_tokens is None:
        return pieces
    kept, num_tokens = [], 0
    for piece in sorted(pieces, key=lambda piece: piece.order):
        if num_tokens + len(piece.ids) + extra > max_tokens and kept:
            break
        kept.append(piece)
        num_tokens += len(piece.ids) + extra
    kept.sort(key=lambda piece: (piece.document[0], piece.order))
    return kept


def _fill(pieces: list[_Piece], context_tokens: int, bos_id: int | None) -> Contexts:
    first = int(bos_id is not None)
    shape = (len(pieces), context_tokens)
    ids = np.full(shape, PADDING, dtype=np.int64)
    offsets = np.zeros((*shape, 2), dtype=np.int64)
    document = np.zeros(shape, dtype=np.int64)
    if bos_id is not None:
        ids[:, 0] = bos_id
    for row, piece in enumerate(pieces):
        last = first + len(piece.ids)
        ids[row, first:last] = piece.ids
        offsets[row, first:last] = np.maximum(piece.offsets, 0)
        document[row, :first] = piece.document[0]
        document[row, first:last] = piece.document
        document[row, last:] = piece.document[-1]
    return Contexts(
        ids=ids,
        offsets=offsets,
        document=document,
        bos=bos_id is not None,
        num_dropped_tokens=0,
    )
