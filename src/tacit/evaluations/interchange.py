"""Rows given the atoms of other rows: does one attribute change, and does another stay?

Axes: n rows, m pairs of rows, d width, f atoms, k atoms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from tacit.evaluations.concepts import Concept
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.linear_probes import LinearProbe

TRIED = 8
"""Pairs drawn for each that is wanted: many do not differ in both attributes."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Rows that differ in one attribute and in another: who is given a value, and whose."""

    base: Int[np.ndarray, " m"]
    source: Int[np.ndarray, " m"]
    other: Int[np.ndarray, " m"]
    """Which of the other attributes should stay."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Judges:
    """The attribute that should change, those that should stay, and the probes of all."""

    one: Concept
    others: Sequence[Concept]
    probes: Mapping[str, LinearProbe]

    def drawn(
        self, side: Bool[np.ndarray, " n"], wanted: int, rng: np.random.Generator
    ) -> Pairs:
        """Return at most so many pairs for each other attribute, from one side of the split.

        Rows are drawn so that each class of the one comes up as often with each of the other.
        """
        found = [(np.zeros(0, dtype=np.int64),) * 3]
        for number, other in enumerate(self.others):
            rows = np.flatnonzero(side & self.one.is_known & other.is_known)
            if not len(rows):
                continue
            cells = self.one.truth[rows] * len(other.classes) + other.truth[rows]
            weights = 1.0 / np.bincount(cells)[cells]
            drawn = rng.choice(rows, (2, TRIED * wanted), p=weights / weights.sum())
            differ = [np.not_equal(*each.truth[drawn]) for each in (self.one, other)]
            base, source = drawn[:, differ[0] & differ[1]][:, :wanted]
            found.append((base, source, np.full(len(base), number)))
        base, source, which = (np.concatenate(part) for part in zip(*found, strict=True))
        return Pairs(base=base, source=source, other=which)

    def agreed(self, evidence: Evidence, pairs: Pairs) -> Pairs:
        """Return the pairs that the probes tell rightly: what should change, and what stay."""
        base = _vectors(evidence, pairs.base)
        right = self._has(base, self.one.truth[pairs.base])
        right &= self._has(
            _vectors(evidence, pairs.source), self.one.truth[pairs.source]
        ) & self._keeps(base, pairs)
        return Pairs(
            base=pairs.base[right], source=pairs.source[right], other=pairs.other[right]
        )

    def swapped(
        self, evidence: Evidence, pairs: Pairs, atoms: Int[np.ndarray, " k"]
    ) -> tuple[Bool[np.ndarray, " m"], Bool[np.ndarray, " m"]]:
        """Return which bases, given the sources' atoms, take their class and keep their other."""
        part = evidence.part_of(atoms, pairs.source) - evidence.part_of(atoms, pairs.base)
        edited = _vectors(evidence, pairs.base) + part.numpy()
        return self._has(edited, self.one.truth[pairs.source]), self._keeps(edited, pairs)

    def _has(
        self, vectors: Float[np.ndarray, "m d"], wanted: Int[np.ndarray, " m"]
    ) -> Bool[np.ndarray, " m"]:
        return self.probes[self.one.name].told(vectors) == wanted

    def _keeps(
        self, vectors: Float[np.ndarray, "m d"], pairs: Pairs
    ) -> Bool[np.ndarray, " m"]:
        """Return which vectors have the base's class of the pair's other attribute."""
        kept = np.zeros(len(vectors), dtype=bool)
        for number, other in enumerate(self.others):
            own = pairs.other == number
            told = self.probes[other.name].told(vectors[own])
            kept[own] = told == other.truth[pairs.base[own]]
        return kept


def _vectors(evidence: Evidence, rows: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m d"]:
    return evidence.activations[torch.from_numpy(rows)].numpy()
