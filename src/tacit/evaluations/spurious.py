"""Can a probe that was misled be put right by taking out the atoms of what misled it?

Axes: n rows, m rows that are looked at, u rows that show what is usual, k atoms.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Int

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.evaluations.attribution import atoms_for
from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.enough import shortage
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.examples import (
    drawn_from_each,
    not_read,
    num_not_drawn,
    of_rows_and_documents,
    vectors_of,
)
from tacit.evaluations.linear_probes import LinearProbe, fit_probe
from tacit.evaluations.measure import Measure, Readings
from tacit.evaluations.readings import Reading
from tacit.metrics.recall import recall_weights

FIGURE = "spurious_removed"
UNIT = "pairs of concepts"


@final
@dataclass(frozen=True, kw_only=True)
class SpuriousRemoval(Measure):
    """How far a probe of A, fitted where A and B agree, is put right without the atoms of B.

    Marks et al. 2024, arXiv:2403.19647, and Karvonen et al. 2024, arXiv:2411.18895;
    docs/measures/spurious.md says where we differ.
    """

    name: ClassVar[str] = "spurious"
    figures: ClassVar[tuple[str, ...]] = (FIGURE,)
    edits_rows: ClassVar[bool] = True

    atoms: tuple[int, ...] = (2, 5, 20)
    """How many atoms of B are held at their mean."""
    pairs: int = 12
    """Most ordered pairs (A, B), drawn at random."""
    uses: int = 4
    """Most pairs that a concept is in."""
    least_gap: float = 0.03
    """A pair whose biased probe is less than this worse than an unbiased one is left out."""
    train_rows: int = 4_000
    """Most rows that a probe is fitted on."""
    held_out_rows: int = 4_000
    """Most rows that probes are scored on."""

    def read(self, evidence: Evidence, *, seed: int) -> Readings:
        """Return of each pair what the biased probe gains, over what it could gain."""
        readings: list[Reading] = []
        gaps: list[Gap] = []
        tried = unread = 0
        for each in of_rows_and_documents(evidence):
            for pair in self._drawn(each, seed):
                tried += 1
                unread += self._unread(each, pair)
                found = self._pair(each, pair, seed)
                if isinstance(found, Gap):
                    gaps.append(found)
                else:
                    readings += found
        if not tried:
            reason = "no two concepts of two classes have enough rows of all combinations"
            gaps.append(Gap(name=FIGURE, reason=reason))
        elif not readings:
            reason = f"of {tried} pairs none misleads a probe"
            gaps.append(Gap(name=FIGURE, reason=reason))
        return [*readings, *gaps, *not_read(unread)]

    def _drawn(self, evidence: Evidence, seed: int) -> list[_Pair]:
        """Return pairs with enough rows of all four combinations, no concept in too many."""
        concepts = [each for each in evidence.concepts if each.is_binary]
        ordered = list(permutations(range(len(concepts)), 2))
        rng = stream(seed, "evaluations/spurious/pairs")
        used: Counter[int] = Counter()
        kept: list[_Pair] = []
        for number in rng.permutation(len(ordered)):
            one, other = ordered[number]
            if len(kept) == self.pairs:
                break
            if max(used[one], used[other]) >= self.uses:
                continue
            pair = _Pair(wanted=concepts[one], misleading=concepts[other])
            if shortage(pair.both, evidence.held_out, evidence.document) is None:
                kept.append(pair)
                used.update((one, other))
        return kept

    def _unread(self, evidence: Evidence, pair: _Pair) -> int:
        truth, known = pair.both.truth, pair.both.is_known
        train, held_out = (
            np.flatnonzero(side & known) for side in (evidence.train, evidence.held_out)
        )
        return num_not_drawn(truth, train, self.train_rows, alike=True) + num_not_drawn(
            truth, held_out, self.held_out_rows
        )

    def _pair(self, evidence: Evidence, pair: _Pair, seed: int) -> list[Reading] | Gap:
        rng = stream(seed, f"evaluations/spurious/{pair.name}")
        truth = pair.both.truth
        train = np.flatnonzero(evidence.train & pair.both.is_known)
        held_out = np.flatnonzero(evidence.held_out & pair.both.is_known)
        agreeing = train[pair.agree[train]]
        every = drawn_from_each(truth, train, self.train_rows, rng, alike=True)
        biased = drawn_from_each(truth, agreeing, self.train_rows, rng, alike=True)
        judged = _Judged(
            evidence=evidence,
            pair=pair,
            rows=drawn_from_each(truth, held_out, self.held_out_rows, rng),
            usual=biased,
            probe=_probe(evidence, biased, pair.wanted),
        )
        before = judged.accuracy(judged.probe)
        gap = judged.accuracy(_probe(evidence, every, pair.wanted)) - before
        if gap < self.least_gap:
            reason = f"an unbiased probe is less than {self.least_gap:g} better than a biased one"
            return Gap(name=FIGURE, reason=reason, of={"pair": pair.name})
        normal = _probe(evidence, every, pair.misleading).normals[0]
        has_it = pair.misleading.has_it
        chosen = atoms_for(
            evidence, has_it, every, normal, max(self.atoms), either_side=True
        )
        return [
            Reading(
                figure=FIGURE,
                unit=UNIT,
                top=judged.accuracy(judged.probe, without=chosen[:number]) - before,
                bottom=gap,
                of={"atoms": number},
                part=pair.name,
            )
            for number in self.atoms
        ]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Pair:
    wanted: Concept
    misleading: Concept

    @property
    def name(self) -> str:
        return f"{self.wanted.name} without {self.misleading.name}"

    @cached_property
    def both(self) -> Concept:
        """Which of the four combinations a row is."""
        known = self.wanted.is_known & self.misleading.is_known
        combination = 2 * self.wanted.truth + self.misleading.truth
        return Concept(
            name=self.name,
            classes=("neither", "misleading alone", "wanted alone", "both"),
            truth=np.where(known, combination, UNKNOWN),
            kind=self.wanted.kind,
        )

    @property
    def agree(self) -> Bool[np.ndarray, " n"]:
        """Which rows have both or neither."""
        return self.wanted.truth == self.misleading.truth


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Judged:
    """The biased probe of a pair, and held-out rows of all combinations."""

    evidence: Evidence
    pair: _Pair
    rows: Int[np.ndarray, " m"]
    usual: Int[np.ndarray, " u"]
    """Rows that the biased probe was fitted to, where atoms add what they usually add."""
    probe: LinearProbe

    def accuracy(
        self, probe: LinearProbe, *, without: Int[np.ndarray, " k"] | None = None
    ) -> float:
        """Return the share told right, all combinations weighing alike; atoms held if given."""
        vectors = vectors_of(self.evidence, self.rows)
        if without is not None:
            usual = self.evidence.part_of(without, self.usual).mean(dim=0)
            vectors = vectors - (self.evidence.part_of(without, self.rows) - usual).numpy()
        right = (probe.told(vectors) == 1) == self.pair.wanted.has_it[self.rows]
        return float(recall_weights(self.pair.both.truth[self.rows]) @ right)


def _probe(
    evidence: Evidence, rows: Int[np.ndarray, " m"], concept: Concept
) -> LinearProbe:
    return fit_probe(vectors_of(evidence, rows), concept.truth[rows])
