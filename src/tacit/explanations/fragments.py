"""The text of an index in short pieces, and where each piece activates a feature.

Axes: n fragments, t places of a fragment, m fragments asked for, e firings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.activations.contexts import PADDING
from tacit.activations.store import HIGH_NORM
from tacit.base.errors import UserError
from tacit.features.index import Index

FRAGMENT_TOKENS = 64
"""As published: Cunningham et al. 2023, arXiv:2309.08600, section 3."""
SHORTEST_TOKENS = 8


@final
@dataclass(frozen=True, kw_only=True)
class Firings:
    """Where one feature is active, by fragment. Activations below 0 count as 0, as published."""

    fragment: Int[np.ndarray, " e"]
    """In rising order."""
    place: Int[np.ndarray, " e"]
    value: Float[np.ndarray, " e"]
    num_below_zero: int
    """Firings left out because they are negative."""

    @cached_property
    def active(self) -> Int[np.ndarray, " m"]:
        """Fragments in which it is active anywhere, in rising order."""
        return np.unique(self.fragment)

    @cached_property
    def _starts(self) -> Int[np.ndarray, " m"]:
        return np.searchsorted(self.fragment, self.active)

    @property
    def largest(self) -> Float[np.ndarray, " m"]:
        """Largest activation in each of ``active``."""
        return np.maximum.reduceat(self.value, self._starts)

    @property
    def total(self) -> Float[np.ndarray, " m"]:
        """Sum of activations over each of ``active``."""
        return np.add.reduceat(self.value, self._starts)

    def values(
        self, fragments: Int[np.ndarray, " m"], width: int
    ) -> Float[np.ndarray, "m t"]:
        """Return the activation at every place of the fragments asked for."""
        found = np.zeros((len(fragments), width), dtype=np.float32)
        first = np.searchsorted(self.fragment, fragments)
        end = np.searchsorted(self.fragment, fragments, side="right")
        for row, (a, b) in enumerate(zip(first, end, strict=True)):
            found[row, self.place[a:b]] = self.value[a:b]
        return found


@final
@dataclass(frozen=True, kw_only=True)
class Fragments:
    """Every fragment of an index's text; none spans two windows."""

    rows: Int[np.ndarray, "n t"]
    """Rows of the index's token table; -1 behind the end of a short fragment."""
    ids: Int[np.ndarray, "n t"]
    """Token ids; ``PADDING`` there."""
    known: Bool[np.ndarray, "n t"]
    """Where the activation is known: not behind the end, nor at a token of extreme norm."""
    document: Int[np.ndarray, " n"]
    held_out: Bool[np.ndarray, " n"]
    num_left_out: int
    """Tokens in pieces too short to be a fragment."""
    vocabulary: tuple[str, ...]
    """Text of every token id."""
    dictionary: str
    """Identity of the dictionary that was indexed."""

    def __len__(self) -> int:
        """Return the number of fragments."""
        return len(self.rows)

    @cached_property
    def _place_of_row(self) -> Int[np.ndarray, " r"]:
        """Flat place in ``rows`` of each row of the token table; -1 for a row in none."""
        found = np.full(int(self.rows.max(initial=-1)) + 1, -1)
        flat = self.rows.ravel()
        stands = np.flatnonzero(flat >= 0)
        found[flat[stands]] = stands
        return found

    def number_of(self, rows: Int[np.ndarray, " r"]) -> Int[np.ndarray, " r"]:
        """Return the fragment of each row of the token table; -1 for a row in none."""
        inside = rows < len(self._place_of_row)
        place = self._place_of_row[np.where(inside, rows, 0)]
        return np.where(inside & (place >= 0), place // self.rows.shape[1], -1)

    def firings(self, index: Index, feature: int) -> Firings:
        """Return where a feature of the index is active in these fragments."""
        fired = index.firings(feature)
        return self.placed(fired["row"], fired["value"])

    def placed(
        self, rows: Int[np.ndarray, " r"], values: Float[np.ndarray, " r"]
    ) -> Firings:
        """Return firings given by row of the token table, by fragment."""
        inside = rows < len(self._place_of_row)
        place = self._place_of_row[rows[inside]]
        value = values[inside].astype(np.float32)
        kept = (place >= 0) & (value > 0)
        order = np.argsort(place[kept], kind="stable")
        flat = place[kept][order]
        width = self.rows.shape[1]
        return Firings(
            fragment=flat // width,
            place=flat % width,
            value=value[kept][order],
            num_below_zero=int((value < 0).sum()),
        )

    def tokens(self, fragment: int) -> tuple[str, ...]:
        """Return the text of a fragment's tokens."""
        ids = self.ids[fragment]
        return tuple(map(self.vocabulary.__getitem__, ids[ids != PADDING].tolist()))


def fragments_of(
    index: Index, *, tokens: int = FRAGMENT_TOKENS, shortest: int = SHORTEST_TOKENS
) -> Fragments:
    """Return the index's text cut into fragments of ``tokens``, special tokens left out.

    Every window is cut from its start, so its last piece may be shorter; pieces of fewer than
    ``shortest`` tokens are left out and counted. Published runs took one fragment from each
    document at a random place.

    Raises:
        UserError: where no piece is long enough.
    """
    if not 1 <= shortest <= tokens:
        raise UserError(
            f"fragments of {tokens} tokens, at the shortest {shortest}, were asked for; give "
            "two numbers of 1 or more, the second no larger."
        )
    table = index.tokens
    context, document, special, token, held_out = (
        table.column(name).to_numpy()
        for name in ("context", "document", "special", "token", "held_out")
    )
    high = table.column(HIGH_NORM + index.manifest["configuration"]["site"]).to_numpy()
    kept = np.flatnonzero(~special)
    # A piece begins where the window or the document changes, and after so many tokens.
    edge = np.ones(len(kept), dtype=bool)
    edge[1:] = (np.diff(context[kept]) != 0) | (np.diff(document[kept]) != 0)
    run = np.flatnonzero(edge)
    offset = np.arange(len(kept)) - np.repeat(run, np.diff(np.append(run, len(kept))))
    place = offset % tokens
    piece = np.cumsum(place == 0) - 1
    length = np.bincount(piece, minlength=1)
    is_long = length >= shortest
    if not is_long.any():
        raise UserError(
            f"no window of {index.folder} has {shortest} tokens in a row; index longer texts."
        )
    number = np.cumsum(is_long) - 1
    inside = is_long[piece]
    rows = np.full((int(is_long.sum()), tokens), -1)
    rows[number[piece[inside]], place[inside]] = kept[inside]
    first = rows[:, 0]
    return Fragments(
        rows=rows,
        ids=np.where(rows >= 0, token[rows], PADDING),
        known=(rows >= 0) & ~high[rows],
        document=document[first],
        held_out=held_out[first],
        num_left_out=int((~inside).sum()),
        vocabulary=index.vocabulary,
        dictionary=index.manifest["configuration"]["dictionary"],
    )
