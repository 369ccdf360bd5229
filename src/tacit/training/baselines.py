"""What text costs without a neural network: unigram, trigram and gzip.

A subject that does not beat these has learnt nothing. Axes: n tokens.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from tacit.base.errors import UserError


def unigram_nats(
    train: Int[np.ndarray, " n"], held_out: Int[np.ndarray, " m"], vocabulary: int
) -> float:
    """Return the held-out nats per token under add-one token frequencies of ``train``."""
    counts = np.bincount(train, minlength=vocabulary) + 1.0
    return float(-np.log(counts / counts.sum())[held_out].mean())


class WittenBell:
    """An interpolated 3-gram model over token ids.

    Every order mixes with the next lower by ``types / (types + count)`` of its context (Witten
    and Bell 1991), down to the uniform distribution.
    """

    def __init__(self, rows: Sequence[Int[np.ndarray, " _"]], vocabulary: int) -> None:
        """Count the n-grams of ``rows``; none spans two rows.

        Raises ``UserError`` when a 3-gram does not fit a 64-bit number.
        """
        if vocabulary**3 >= 2**63:
            raise UserError(
                f"a 3-gram model over {vocabulary:,} tokens was asked for; its 3-grams do not fit "
                "64 bits. Use a vocabulary of at most 2,097,151."
            )
        self.vocabulary = vocabulary
        self.grams, self.contexts = [], []
        for order in (1, 2, 3):
            codes = np.concatenate([self._codes(row, order) for row in rows])
            grams, counts = np.unique(codes, return_counts=True)
            context_of, first = np.unique(grams // vocabulary, return_index=True)
            totals = np.add.reduceat(counts, first)
            types = np.diff(np.append(first, len(grams)))
            self.grams.append((grams, counts))
            self.contexts.append((context_of, totals, types))

    def _codes(self, row: Int[np.ndarray, " n"], order: int) -> Int[np.ndarray, " m"]:
        """Return each n-gram of a row as one number, its last token in the lowest digits."""
        row = row.astype(np.int64)
        codes = np.zeros(max(0, len(row) - order + 1), dtype=np.int64)
        for place in range(order):
            codes = codes * self.vocabulary + row[place : place + len(codes)]
        return codes

    def nats(self, row: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return the nats of every token of a row given up to two before it."""
        chance = np.full(len(row), 1.0 / self.vocabulary)
        for order in (1, 2, 3):
            codes = self._codes(row, order)
            count = _found(codes, *self.grams[order - 1])
            context_of, totals, types = self.contexts[order - 1]
            total = _found(codes // self.vocabulary, context_of, totals)
            kinds = _found(codes // self.vocabulary, context_of, types)
            seen = total > 0
            lower = chance[order - 1 :]
            mixed = (count + kinds * lower) / np.where(seen, total + kinds, 1.0)
            chance[order - 1 :] = np.where(seen, mixed, lower)
        return -np.log(chance)


def _found(
    codes: Int[np.ndarray, " n"], known: Int[np.ndarray, " k"], values: np.ndarray
) -> Float[np.ndarray, " n"]:
    """Return ``values`` where a code is known and 0 where it is not."""
    if not len(known):
        return np.zeros(len(codes))
    place = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    return np.where(known[place] == codes, values[place], 0).astype(np.float64)


def gzip_nats_per_byte(text: bytes) -> float:
    """Return the nats per byte of the text compressed by gzip at its highest level."""
    return len(gzip.compress(text, compresslevel=9, mtime=0)) * 8 * math.log(2) / len(text)
