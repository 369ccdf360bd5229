"""Can one attribute of a row be changed through a dictionary's atoms, the others staying?

Axes: n rows, f atoms, k atoms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from jaxtyping import Int

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.evaluations.attribution import attributions
from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.enough import balanced_rows, without_short
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.interchange import Judges
from tacit.evaluations.linear_probes import LinearProbe, fit_probe
from tacit.evaluations.measure import Measure, Readings
from tacit.evaluations.parts import by_document
from tacit.evaluations.readings import Reading

FEWEST_JUDGED = 20
"""Pairs that the probes tell rightly, on either side, below which nothing is said."""


@final
@dataclass(frozen=True, kw_only=True)
class Attributes(Measure):
    """Activations of an attribute's atoms swapped between rows; probes say what that changed.

    RAVEL's cause and isolation (Huang et al. 2024, arXiv:2402.17700), judged in activation space.
    """

    name: ClassVar[str] = "attributes"
    figures: ClassVar[tuple[str, ...]] = (
        "disentanglement",
        "attribute_cause",
        "attribute_isolation",
    )
    edits_rows: ClassVar[bool] = True

    atoms: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    """Numbers of atoms swapped; the best of them on training pairs is what is reported."""
    pairs: int = 400
    """Pairs of rows for each two attributes, on either side of the split."""
    probe_rows: int = 4_000
    """Most training rows of a probe, of each class alike."""
    most: int = 8
    """Attributes at most: those whose smallest class has most training rows."""

    def read(self, evidence: Evidence, *, seed: int) -> Readings:
        """Return cause and isolation of each attribute, by the document of the row changed."""
        able, gaps = able_attributes(evidence)
        found: list[Reading | Gap] = []
        found += [
            gap for name, why in gaps.items() for gap in self._gaps(why, concept=name)
        ]
        chosen, of = (
            able[: self.most],
            {"attributes_left_out": max(0, len(able) - self.most)},
        )
        if len(chosen) < 2:
            reason = f"{len(chosen)} attributes have enough rows, and two are needed"
            return found + self._gaps(reason)
        probes = {each.name: self._probe(evidence, each, seed) for each in chosen}
        for one in chosen:
            others = [each for each in chosen if each is not one]
            judges = Judges(one=one, others=others, probes=probes)
            found += self._read_one(evidence, judges, of, seed)
        return found

    def _read_one(
        self, evidence: Evidence, judges: Judges, of: Mapping[str, int], seed: int
    ) -> list[Reading | Gap]:
        """Return one attribute's figures at the number of atoms that is best in training."""
        one = judges.one
        train, held_out = (
            judges.agreed(
                evidence,
                judges.drawn(
                    side,
                    self.pairs,
                    stream(seed, f"evaluations/attributes/{one.name}/{name}"),
                ),
            )
            for name, side in (("train", evidence.train), ("held out", evidence.held_out))
        )
        if min(len(train.base), len(held_out.base)) < FEWEST_JUDGED:
            return self._gaps(
                f"the probes are right on {len(train.base)} training and {len(held_out.base)} "
                f"held-out pairs; it takes {FEWEST_JUDGED}",
                concept=one.name,
            )
        order = _by_importance(evidence, one, judges.probes[one.name])
        scores = {
            n: np.mean(judges.swapped(evidence, train, order[:n])) for n in self.atoms
        }
        best = max(scores, key=lambda n: (scores[n], -n))
        caused, kept = (
            each * 1.0 for each in judges.swapped(evidence, held_out, order[:best])
        )
        document = evidence.document[held_out.base]
        return [
            reading
            for figure, values in zip(
                self.figures, ((caused + kept) / 2, caused, kept), strict=True
            )
            for reading in by_document(figure, one.name, values, document, of)
        ]

    def _probe(self, evidence: Evidence, concept: Concept, seed: int) -> LinearProbe:
        rng = stream(seed, f"evaluations/attributes/{concept.name}/probe")
        known = np.where(evidence.train, concept.truth, UNKNOWN)
        rows = balanced_rows(known, self.probe_rows, rng)
        vectors = evidence.activations[torch.from_numpy(rows)].numpy()
        return fit_probe(vectors, concept.truth[rows])

    def _gaps(self, reason: str, **of: str) -> list[Reading | Gap]:
        return [Gap(name=figure, reason=reason, of=of) for figure in self.figures]


def able_attributes(evidence: Evidence) -> tuple[list[Concept], dict[str, str]]:
    """Return the attributes with enough rows, the fullest first, and why others are none.

    Those of several classes, without the classes that have too few rows; where fewer than two
    are, whether a row has each label.
    """
    several = [
        each for each in evidence.concepts if each.kind == "labels" and not each.is_binary
    ]
    binary = [each for each in evidence.concepts if each.kind == "label"]
    able: list[tuple[int, Concept]] = []
    gaps: dict[str, str] = {}
    for each in several if len(several) > 1 else binary:
        kept, why = without_short(each, evidence.held_out, evidence.document)
        if len(kept.classes) < 2:
            gaps[each.name] = why or "it has one class"
            continue
        counts = np.bincount(kept.truth[evidence.train & kept.is_known])
        able.append((int(counts.min()), kept))
    able.sort(key=lambda each: -each[0])
    return [each for _, each in able], gaps


def _by_importance(
    evidence: Evidence, concept: Concept, probe: LinearProbe
) -> Int[np.ndarray, " k"]:
    """Return the atoms that move the probe of any class, those that move it most first."""
    rows = np.flatnonzero(evidence.train & concept.is_known)
    sizes = np.zeros(evidence.num_atoms)
    # Of two classes there is one normal, which is the second's.
    first = 1 if concept.is_binary else 0
    for number, normal in enumerate(probe.normals, start=first):
        sizes += np.abs(attributions(evidence, concept.truth == number, rows, normal))
    order = np.argsort(-sizes, kind="stable")
    return order[sizes[order] > 0]
