"""Is a concept's atom silent where another, which comes with it, has taken over its direction?

Axes: n rows, m rows that are looked at, d width, f atoms, k main atoms, j candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.evaluations.attribution import atoms_for
from tacit.evaluations.concepts import Concept
from tacit.evaluations.enough import shortage
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.examples import (
    drawn_from_each,
    not_read,
    num_not_drawn,
    vectors_of,
)
from tacit.evaluations.linear_probes import LinearProbe, fit_probe
from tacit.evaluations.measure import Measure, Readings
from tacit.evaluations.parts import by_document
from tacit.evaluations.readings import Reading
from tacit.metrics.concept_features import absorbed, split_count
from tacit.metrics.labels import best_f1_threshold_sparse, f1

KINDS = ("label", "letter")


@final
@dataclass(frozen=True, kw_only=True)
class Absorption(Measure):
    """Rows that have a concept, as a probe says too, while another atom stands in for its own.

    Which atoms are its own is found on training rows, by how well the best one, two, three ...
    tell it. Chanin et al. 2024, arXiv:2409.14507; docs/measures/absorption.md says where we differ.
    """

    name: ClassVar[str] = "absorption"
    figures: ClassVar[tuple[str, ...]] = ("absorbed_share", "split_features")

    split_gain: float = 0.03
    """A further atom is one of the concept's own if it raises F1 by more than this."""
    share: float = 0.4
    """Least part of what sets a row off along the probe that the other atom gives."""
    cosine: float = 0.1
    """Least cosine of the other atom with the probe: one across it may add much and mean little."""
    most_split: int = 10
    """Atoms of its own that a concept may have."""
    candidates: int = 10
    """Atoms among which its own are looked for: those that move the probe most."""
    train_rows: int = 4_000
    """Most rows that probes are fitted on."""

    def read(self, evidence: Evidence, *, seed: int) -> Readings:
        """Return for each concept its absorbed rows by document, and over how many atoms it is."""
        concepts = [
            each for each in evidence.concepts if each.is_binary and each.kind in KINDS
        ]
        if not concepts:
            reason = "no concept of two classes that tokens have is known of these rows"
            return [Gap(name=figure, reason=reason) for figure in self.figures]
        found: list[Reading | Gap] = []
        unread = 0
        for each in concepts:
            short = shortage(each, evidence.held_out, evidence.document)
            if short is not None:
                found += self._gaps(short, each)
                continue
            train = np.flatnonzero(evidence.train & each.is_known)
            unread += num_not_drawn(each.truth, train, self.train_rows)
            found += self._of(evidence, each, train, seed)
        return [*found, *not_read(unread)]

    def _of(
        self,
        evidence: Evidence,
        concept: Concept,
        train: Int[np.ndarray, " m"],
        seed: int,
    ) -> Readings:
        rng = stream(seed, f"evaluations/absorption/{concept.name}")
        fitted = drawn_from_each(concept.truth, train, self.train_rows, rng)
        rows = vectors_of(evidence, fitted)
        probe = fit_probe(rows, concept.truth[fitted])
        near = atoms_for(evidence, concept.has_it, train, probe.normals[0], self.candidates)
        if not len(near):
            return self._gaps("no atom is more active with it and points its way", concept)
        main = self._main(evidence, concept, fitted, near)
        without = rows[~concept.has_it[fitted]].mean(axis=0)
        split = Reading(figure="split_features", unit=concept.name, top=len(main))
        return [split, *self._absorbed(evidence, concept, probe, main, without)]

    def _gaps(self, reason: str, concept: Concept) -> list[Gap]:
        of = {"concept": concept.name}
        return [Gap(name=figure, reason=reason, of=of) for figure in self.figures]

    def _main(
        self,
        evidence: Evidence,
        concept: Concept,
        rows: Int[np.ndarray, " m"],
        near: Int[np.ndarray, " j"],
    ) -> Int[np.ndarray, " k"]:
        """Return the concept's own atoms: the best, and those that find most of what it misses.

        Each is the one whose being active raises F1 most beside what a probe of the former says;
        what counts in the end is the F1 of a probe of all.
        """
        values, has_it = evidence.codes[rows][:, near].toarray(), concept.has_it[rows]
        num_positive = int(has_it.sum())
        alone = [
            best_f1_threshold_sparse(each, has_it, num_positive).f1 for each in values.T
        ]
        chosen = [int(np.argmax(alone))]
        said = _said_by(values[:, chosen], has_it)
        f1s = [_f1_of(said, has_it)]
        while len(f1s) < min(self.most_split, len(near)):
            beside = [_f1_of(said | each, has_it) for each in (values > 0).T]
            chosen.append(max(set(range(len(near))) - set(chosen), key=beside.__getitem__))
            said = _said_by(values[:, chosen], has_it)
            f1s.append(_f1_of(said, has_it))
            if split_count(f1s, least_gain=self.split_gain) < len(f1s):
                break
        return near[chosen[: split_count(f1s, least_gain=self.split_gain)]]

    def _absorbed(
        self,
        evidence: Evidence,
        concept: Concept,
        probe: LinearProbe,
        main: Int[np.ndarray, " k"],
        without: Float[np.ndarray, " d"],
    ) -> Sequence[Reading | Gap]:
        rows = np.flatnonzero(evidence.held_out & concept.is_known & concept.has_it)
        vectors = vectors_of(evidence, rows)
        rightly = probe.told(vectors) == 1
        rows, vectors = rows[rightly], vectors[rightly]
        if not len(rows):
            reason = "the probe tells it of no held-out row that has it"
            return [Gap(name="absorbed_share", reason=reason, of={"concept": concept.name})]
        direction = probe.normals[0] / np.linalg.norm(probe.normals[0])
        set_off = (vectors - without) @ direction
        given = self._largest(evidence, rows, direction, main)
        shares = np.divide(given, set_off, out=np.zeros_like(given), where=set_off > 0)
        main_fires: Bool[np.ndarray, " n"] = (evidence.of(main)[rows] != 0).any(axis=1)
        taken = absorbed(main_fires, shares, least_share=self.share)
        return by_document(
            "absorbed_share",
            concept.name,
            taken.astype(np.float64),
            evidence.document[rows],
            {},
        )

    def _largest(
        self,
        evidence: Evidence,
        rows: Int[np.ndarray, " m"],
        direction: Float[np.ndarray, " d"],
        main: Int[np.ndarray, " k"],
    ) -> Float[np.ndarray, " m"]:
        """Return the most that any atom but the main ones adds to rows along the probe."""
        atoms = evidence.dictionary.atoms.float().cpu().numpy()
        along = atoms @ direction
        weight = along * evidence.dictionary.scale
        weight[along < self.cosine * np.linalg.norm(atoms, axis=1)] = 0
        weight[main] = 0
        added = evidence.codes[rows]
        added.data = added.data * weight[added.indices]
        return added.max(axis=1).toarray().ravel().astype(np.float64)


def _said_by(
    values: Float[np.ndarray, "m k"], has_it: Bool[np.ndarray, " m"]
) -> Bool[np.ndarray, " m"]:
    """Return the rows that a probe of some atoms says have it, of those it is fitted to."""
    return fit_probe(values, has_it.astype(np.int64)).told(values) == 1


def _f1_of(said: Bool[np.ndarray, " m"], has_it: Bool[np.ndarray, " m"]) -> float:
    return f1(said.astype(np.float64), has_it, 0.0)
