"""The text behind the rows, as windows to run the model on, and what is true of the next token.

Axes: n rows of the evidence, w windows, t positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Int

from tacit.activations.contexts import PADDING
from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.evidence import Evidence, Live

NONE = -1
"""Row of a token that the evidence has none of: BOS, a norm too high, padding."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ReadWindows:
    """Windows as the model read them, with the evidence's row behind each token."""

    ids: Int[np.ndarray, "w t"]
    """``PADDING`` behind the end."""
    rows: Int[np.ndarray, "w t"]
    """Row of the evidence, of the side asked for; ``NONE`` where there is none."""
    num_left_out: int
    """Windows beyond the most that are read."""

    @property
    def usable(self) -> Bool[np.ndarray, "w t"]:
        """Where there is a row, which is where edits are made."""
        return self.rows != NONE


def windows_of(evidence: Evidence, live: Live, *, held_out: bool, most: int) -> ReadWindows:
    """Return windows with rows of one side of the split, evenly over the text.

    A packed window may hold documents of the other side too: they are read, and have no rows.
    """
    store = live.store
    context, position = store.column("context"), store.column("position")
    is_side = evidence.held_out == held_out
    numbers = np.unique(context[evidence.rows[is_side]])
    chosen = numbers
    if len(numbers) > most:
        chosen = numbers[np.linspace(0, len(numbers) - 1, most).round().astype(int)]
    there = np.flatnonzero(np.isin(context, chosen))
    place, at = np.searchsorted(chosen, context[there]), position[there]
    shape = (len(chosen), int(at.max()) + 1 if len(at) else 0)
    ids = np.full(shape, PADDING, dtype=np.int64)
    ids[place, at] = store.column("token")[there]
    row = _row_of(evidence, live)[there]
    rows = np.full(shape, NONE, dtype=np.int64)
    rows[place, at] = np.where((row != NONE) & is_side[row], row, NONE)
    return ReadWindows(ids=ids, rows=rows, num_left_out=len(numbers) - len(chosen))


def next_truth(evidence: Evidence, live: Live, concept: Concept) -> Int[np.ndarray, " n"]:
    """Return the class of the token after each row's; ``UNKNOWN`` where a text ends."""
    store, after = live.store, evidence.rows + 1
    inside = after < store.num_tokens
    after = np.where(inside, after, 0)
    for column in ("context", "document"):
        values = store.column(column)
        inside &= values[evidence.rows] == values[after]
    row = np.where(inside, _row_of(evidence, live)[after], NONE)
    return np.where(row == NONE, UNKNOWN, concept.truth[row])


def _row_of(evidence: Evidence, live: Live) -> Int[np.ndarray, " s"]:
    """Return the evidence's row of each row of the token table."""
    found = np.full(live.store.num_tokens, NONE, dtype=np.int64)
    found[evidence.rows] = np.arange(evidence.num_rows)
    return found
