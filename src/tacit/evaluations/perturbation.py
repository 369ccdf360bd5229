"""Do the atoms that carry a class carry that class alone?

Axes: n rows, m held-out rows, d width, c classes.
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
    against_rest,
    drawn_from_each,
    not_read,
    num_not_drawn,
    of_rows_and_documents,
    vectors_of,
)
from tacit.evaluations.linear_probes import fit_probe
from tacit.evaluations.measure import Measure, Readings
from tacit.evaluations.readings import Reading
from tacit.metrics.concept_features import targeted_drops
from tacit.metrics.recall import recall_weights

FIGURE = "targeted_perturbation"


@final
@dataclass(frozen=True, kw_only=True)
class TargetedPerturbation(Measure):
    """What a class's probe loses without its atoms, beyond what other classes' probes lose.

    The classes of a concept are one task, as are all concepts of two classes of one kind. Karvonen
    et al. 2024, arXiv:2411.18895; docs/measures/perturbation.md says where we differ.
    """

    name: ClassVar[str] = "perturbation"
    figures: ClassVar[tuple[str, ...]] = (FIGURE,)
    edits_rows: ClassVar[bool] = True

    atoms: tuple[int, ...] = (2, 5, 10, 20)
    """How many atoms are taken out for a class."""
    most_classes: int = 12
    """Classes of a task that are looked at, drawn at random."""
    train_rows: int = 4_000
    """Most rows that a probe is fitted on."""
    held_out_rows: int = 2_000
    """Most rows that a probe is scored on."""

    def read(self, evidence: Evidence, *, seed: int) -> Readings:
        """Return each class's drop beyond the others', for each number of atoms."""
        found: list[Reading | Gap] = []
        for each in of_rows_and_documents(evidence):
            for task, classes in _tasks(each).items():
                found += self._task(each, task, classes, seed)
        return found or [Gap(name=FIGURE, reason="nothing is known of these rows")]

    def _task(
        self, evidence: Evidence, task: str, classes: Sequence[Concept], seed: int
    ) -> Readings:
        rng = stream(seed, f"evaluations/perturbation/{task}")
        kept: list[Concept] = []
        gaps: list[Gap] = []
        for number in rng.permutation(len(classes)):
            each = classes[number]
            short = shortage(each, evidence.held_out, evidence.document)
            if short is None and len(kept) == self.most_classes:
                short = f"{self.most_classes} other classes of its task were drawn"
            if short is None:
                kept.append(each)
            else:
                gaps.append(Gap(name=FIGURE, reason=short, of={"class": each.name}))
        if len(kept) < 2:
            reason = (
                f"{len(kept)} of {len(classes)} classes have enough rows; two are needed"
            )
            return [*gaps, Gap(name=FIGURE, reason=reason, of={"task": task})]
        unread = sum(self._unread(evidence, each) for each in kept)
        return [*gaps, *self._drops(evidence, kept, rng), *not_read(unread)]

    def _unread(self, evidence: Evidence, each: Concept) -> int:
        return sum(
            num_not_drawn(each.truth, np.flatnonzero(side & each.is_known), most)
            for side, most in (
                (evidence.train, self.train_rows),
                (evidence.held_out, self.held_out_rows),
            )
        )

    def _drops(
        self,
        evidence: Evidence,
        classes: Sequence[Concept],
        rng: np.random.Generator,
    ) -> list[Reading]:
        judged = _Judged.of(evidence, classes, self.train_rows, self.held_out_rows, rng)
        chosen = [
            atoms_for(
                evidence,
                each.has_it,
                np.flatnonzero(evidence.train & each.is_known),
                judged.normals[place],
                max(self.atoms),
            )
            for place, each in enumerate(classes)
        ]
        readings = []
        for number in self.atoms:
            drops = np.stack([judged.lost_without(atoms[:number]) for atoms in chosen])
            readings += [
                Reading(
                    figure=FIGURE, unit=each.name, top=float(drop), of={"atoms": number}
                )
                for each, drop in zip(classes, targeted_drops(drops), strict=True)
            ]
        return readings


def _tasks(evidence: Evidence) -> dict[str, list[Concept]]:
    """Return the classes to tell apart: of each concept of several, and of each kind of two."""
    tasks: dict[str, list[Concept]] = {}
    for concept in evidence.concepts:
        task = f"kind {concept.kind}" if concept.is_binary else concept.name
        tasks.setdefault(task, []).extend(against_rest(concept))
    return tasks


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Judged:
    """The probes of a task's classes, and held-out rows that each is judged on."""

    evidence: Evidence
    rows: Int[np.ndarray, " m"]
    normals: Float[np.ndarray, "c d"]
    scores: Float[np.ndarray, "m c"]
    truth: Bool[np.ndarray, "m c"]
    weights: Float[np.ndarray, "m c"]
    """By which the share of right answers is each probe's balanced accuracy."""

    @staticmethod
    def of(
        evidence: Evidence,
        classes: Sequence[Concept],
        train_rows: int,
        held_out_rows: int,
        rng: np.random.Generator,
    ) -> _Judged:
        probes, own_rows = [], []
        for each in classes:
            train, held_out = (
                drawn_from_each(each.truth, np.flatnonzero(side & each.is_known), most, rng)
                for side, most in (
                    (evidence.train, train_rows),
                    (evidence.held_out, held_out_rows),
                )
            )
            probes.append(fit_probe(vectors_of(evidence, train), each.truth[train]))
            own_rows.append(held_out)
        rows = np.unique(np.concatenate(own_rows))
        weights = np.zeros((len(rows), len(classes)))
        for place, (each, own) in enumerate(zip(classes, own_rows, strict=True)):
            weights[np.searchsorted(rows, own), place] = recall_weights(each.truth[own])
        normals = np.concatenate([each.normals for each in probes])
        offsets = np.concatenate([each.offsets for each in probes])
        return _Judged(
            evidence=evidence,
            rows=rows,
            normals=normals,
            scores=vectors_of(evidence, rows) @ normals.T + offsets,
            truth=np.stack([each.has_it[rows] for each in classes], axis=1),
            weights=weights,
        )

    def lost_without(self, atoms: Int[np.ndarray, " k"]) -> Float[np.ndarray, " c"]:
        """Return by how much each probe's balanced accuracy falls without some atoms."""
        part = self.evidence.part_of(atoms, self.rows).numpy() @ self.normals.T
        before = (self.scores > 0) == self.truth
        after = (self.scores - part > 0) == self.truth
        return ((before * 1.0 - after) * self.weights).sum(axis=0)
