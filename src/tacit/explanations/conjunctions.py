"""Which conjunction of literals tells best where a feature is active, and does each literal pay?

Counts are exact: literals are kept as bits, and a conjunction is counted 64 rows at a time, once
over all rows and, for each feature, over the rows where it is active.
Axes: n rows, l literals, b bytes of a row's bits, w words of a literal's, d documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int, Int64, UInt8, UInt64

from tacit.base.errors import UserError
from tacit.explanations.literals import f1_of_sums, sums_by_document

Conjunction = tuple[int, ...]
"""Numbers of literals, rising; none of them holds everywhere."""

_WORD = 64
_ROWS_AT_ONCE = 1 << 16
_COUNTS_KEPT = 4_096
"""Conjunctions whose counts are remembered: features share their first two literals."""


@final
@dataclass(frozen=True, kw_only=True)
class Search:
    """How conjunctions are sought and what a literal must bring."""

    longest: int = 3
    """Literals of a conjunction, at most."""
    width: int = 8
    """Conjunctions of each length that are lengthened."""
    least_gain: float = 0.02
    """What F1 must lose by leaving out any one literal, on documents not searched."""
    standard_errors: float = 2.0
    """That loss must also be more than so many of its standard errors over documents."""
    smallest_count: int = 20
    """A feature active on fewer tokens, of those searched or those not, is left out."""

    def __post_init__(self) -> None:
        if min(self.longest, self.width, self.smallest_count) < 1:
            raise UserError(
                f"longest {self.longest}, width {self.width} and smallest_count "
                f"{self.smallest_count} were asked for; each must be 1 or more."
            )


@final
class Bits:
    """Which literals hold at which rows."""

    def __init__(self, by_row: UInt8[np.ndarray, "n b"], num_literals: int) -> None:
        """Keep the bits of each row, and turn them into bits of each literal."""
        self.by_row = by_row
        self.num_literals = num_literals
        self.columns = _columns(by_row, num_literals)
        self.remembered = lru_cache(maxsize=_COUNTS_KEPT)(self.counts_with)

    def among(self, rows: Int[np.ndarray, " m"]) -> Bits:
        """Return the bits of some rows alone."""
        return Bits(self.by_row[rows], self.num_literals)

    def counts_with(self, conjunction: Conjunction) -> Int64[np.ndarray, " l"]:
        """Return at how many rows the conjunction holds with each literal beside it."""
        both = np.bitwise_count(self.columns & self._words(conjunction))
        return np.add.reduce(both, axis=1, dtype=np.uint32).astype(np.int64)

    def holds(self, conjunction: Conjunction) -> Bool[np.ndarray, " n"]:
        """Return where the conjunction holds."""
        packed = self._words(conjunction).view(np.uint8)
        return np.unpackbits(packed, count=len(self.by_row)).view(bool)

    def _words(self, conjunction: Conjunction) -> UInt64[np.ndarray, " w"]:
        return np.bitwise_and.reduce(self.columns[list(conjunction)], axis=0)


def bits_of(holds: Sequence[Bool[np.ndarray, " n"]]) -> Bits:
    """Return the bits of literals, each given by where it holds."""
    eights = [
        np.packbits(np.stack(holds[first : first + 8], axis=1), axis=1)
        for first in range(0, len(holds), 8)
    ]
    return Bits(np.concatenate(eights, axis=1), len(holds))


def best_by_length(
    every: Bits,
    fired: Int[np.ndarray, " m"],
    place: Int[np.ndarray, " l"],
    search: Search,
) -> dict[Conjunction, float]:
    """Return the best conjunction of each length with its F1, as a beam search finds them.

    ``fired`` are the rows where the feature is active. Literals of one ``place`` speak of the
    same label of the same token and never stand together. Of equals the plainest wins.
    """
    active = every.among(fired)
    beam: list[Conjunction] = [()]
    best: dict[Conjunction, float] = {}
    for _ in range(search.longest):
        f1 = np.stack(
            [
                2 * active.counts_with(one) / (len(fired) + every.remembered(one))
                for one in beam
            ]
        )
        for row, one in enumerate(beam):
            f1[row, np.isin(place, place[list(one)])] = 0
        longer = _longer(beam, f1, search.width)
        if not longer:
            break
        beam = list(longer)
        best[beam[0]] = longer[beam[0]]
    return best


def _longer(
    beam: list[Conjunction], f1: Float[np.ndarray, "k l"], width: int
) -> dict[Conjunction, float]:
    """Return the best conjunctions with one literal more, each once, the best first."""
    length = len(beam[0]) + 1
    # A set of literals is reached from as many shorter ones as it has literals.
    order = np.argsort(-f1, axis=None, kind="stable")[: width * length]
    found: dict[Conjunction, float] = {}
    for row, one in zip(*np.unravel_index(order, f1.shape), strict=True):
        if f1[row, one] > 0 and len(found) < width:
            longer = tuple(sorted((*beam[row], int(one))))
            found.setdefault(longer, float(f1[row, one]))
    return found


@final
@dataclass(frozen=True, kw_only=True)
class Unsearched:
    """Rows of the documents that were not searched: what a literal brings is judged by them."""

    bits: Bits
    document: Int[np.ndarray, " n"]
    """Numbers from 0."""

    def every_literal_pays(
        self, conjunction: Conjunction, active: Bool[np.ndarray, " n"], search: Search
    ) -> bool:
        """Return whether F1 loses enough, and surely, by leaving out any one literal.

        Leaving out the last one says that the feature is active everywhere.
        """
        whole = self._sums(conjunction, active)
        for one in conjunction:
            rest = tuple(other for other in conjunction if other != one)
            loss, error = difference(whole, self._sums(rest, active))
            if not loss > max(search.least_gain, search.standard_errors * error):
                return False
        return True

    def _sums(
        self, conjunction: Conjunction, active: Bool[np.ndarray, " n"]
    ) -> Float[np.ndarray, "d 3"]:
        return sums_by_document(self.bits.holds(conjunction), active, self.document)


def difference(
    one: Float[np.ndarray, "d 3"], other: Float[np.ndarray, "d 3"]
) -> tuple[float, float]:
    """Return by how much the first F1 exceeds the second, with its standard error.

    Both are of the same documents; the error is that of the F1s' linear parts over documents
    (the delta method).
    """
    values, parts = [], []
    for sums in (one, other):
        total = sums.sum(axis=0)
        f1 = float(f1_of_sums(total[None])[0])
        values.append(f1)
        parts.append(
            (2 * sums[:, 0] - f1 * (sums[:, 1] + sums[:, 2])) / (total[1] + total[2])
        )
    num = len(one)
    spread = float(((parts[0] - parts[1]) ** 2).sum()) * num / (num - 1)
    return values[0] - values[1], spread**0.5


def _columns(
    by_row: UInt8[np.ndarray, "n b"], num_literals: int
) -> UInt64[np.ndarray, "l w"]:
    packed = np.zeros((num_literals, -(-len(by_row) // _WORD) * 8), dtype=np.uint8)
    for first in range(0, len(by_row), _ROWS_AT_ONCE):
        some = by_row[first : first + _ROWS_AT_ONCE]
        bits = np.unpackbits(some, axis=1, count=num_literals)
        part = np.packbits(np.ascontiguousarray(bits.T), axis=1)
        packed[:, first // 8 : first // 8 + part.shape[1]] = part
    return packed.view(np.uint64)
