"""Is a concept told by few atoms of a dictionary? Sparse probes, beside one on all of the row.

Axes: n rows, m rows that are read, d width, c classes, f atoms, k atoms that a probe reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import sparse

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.enough import balanced_rows, documents_of, shortage
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.linear_probes import fit_probe
from tacit.evaluations.measure import Measure, Readings
from tacit.evaluations.parts import by_document
from tacit.evaluations.readings import Reading
from tacit.metrics.recall import recall_weights

SPARSE, DENSE = "sparse_probe_accuracy", "dense_probe_accuracy"


@final
@dataclass(frozen=True, kw_only=True)
class SparseProbing(Measure):
    """Concepts told by logistic regression on the k atoms that differ most between classes.

    The accuracy is the mean over classes of the share of held-out rows told right. Beside it the
    same from whole activations.
    """

    name: ClassVar[str] = "probing"
    figures: ClassVar[tuple[str, ...]] = (SPARSE, DENSE)

    ks: tuple[int, ...] = (1, 2, 5, 20)
    """Numbers of atoms that a probe reads, a figure each."""
    train_rows: int = 4_000
    """Most training rows of a concept that a probe is fitted to; classes share them alike."""
    held_out_rows: int = 8_000
    """Most held-out rows that it is judged on, likewise."""

    def __post_init__(self) -> None:
        if not self.ks or min(self.ks) < 1 or min(self.train_rows, self.held_out_rows) < 1:
            raise UserError(
                f"probes of {list(self.ks)} atoms, fitted to {self.train_rows} rows and judged on "
                f"{self.held_out_rows}, were asked for; give ks of 1 or more, one at least, and "
                "rows."
            )

    def read(self, evidence: Evidence, *, seed: int) -> Readings:
        """Return each concept's accuracy at every k, its parts being held-out documents."""
        if not evidence.concepts:
            reason = "no concept is known of these rows"
            return [Gap(name=figure, reason=reason) for figure in self.figures]
        found: list[Reading | Gap] = []
        unread = unfinished = 0
        kinds = {each.is_of_documents for each in evidence.concepts}
        views = {of: documents_of(evidence) if of else evidence for of in kinds}
        for each in evidence.concepts:
            view = views[each.is_of_documents]
            concept = view.concept(each.name)
            short = shortage(concept, view.held_out, view.document)
            if short is not None:
                at = {"concept": concept.name}
                found.append(Gap(name=SPARSE, reason=f"{concept.name}: {short}", of=at))
                continue
            task = self._task(view, concept, seed)
            unread += int(concept.is_known.sum()) - task.num_read
            for accuracy in self._accuracies(task):
                unfinished += not accuracy.has_converged
                found += accuracy.readings
        return [*found, *self._notes(evidence, unread, unfinished)]

    def _task(self, evidence: Evidence, concept: Concept, seed: int) -> _Task:
        rng = stream(seed, f"evaluations/probing/{concept.name}")
        train, held_out = (
            balanced_rows(np.where(side, concept.truth, UNKNOWN), most, rng)
            for side, most in (
                (evidence.train, self.train_rows),
                (evidence.held_out, self.held_out_rows),
            )
        )
        return _Task(evidence=evidence, concept=concept, train=train, held_out=held_out)

    def _accuracies(self, task: _Task) -> Iterator[_Accuracy]:
        evidence = task.evidence
        truth = np.where(evidence.train, task.concept.truth, UNKNOWN)
        atoms = telling_atoms(evidence.codes, truth)
        most = min(max(self.ks), len(atoms))
        codes = evidence.of(atoms[:most])
        for k in (each for each in self.ks if each <= most):
            yield task.accuracy(
                SPARSE, codes[task.train, :k], codes[task.held_out, :k], {"probe_k": k}
            )
        if evidence.basis == "dictionary":
            train, held_out = (
                evidence.activations[torch.from_numpy(rows)].numpy()
                for rows in (task.train, task.held_out)
            )
            yield task.accuracy(DENSE, train, held_out, {})

    def _notes(self, evidence: Evidence, unread: int, unfinished: int) -> list[Gap]:
        """Return what was asked for and not done."""
        gaps = [
            Gap(
                name=SPARSE,
                reason=f"there are {evidence.num_atoms} atoms, fewer than {k}",
                of={"probe_k": k},
            )
            for k in self.ks
            if k > evidence.num_atoms
        ]
        if unread:
            reason = (
                f"{unread:,} rows of commoner classes, summed over concepts, were not read: a "
                f"probe is fitted to {self.train_rows:,} rows and judged on "
                f"{self.held_out_rows:,} at most"
            )
            gaps.append(Gap(name="rows of probes", reason=reason))
        if unfinished:
            reason = f"{unfinished} probes stopped before their loss had settled"
            gaps.append(Gap(name="fits of probes", reason=reason))
        return gaps


@final
@dataclass(frozen=True, kw_only=True)
class _Accuracy:
    readings: list[Reading]
    has_converged: bool


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Task:
    """A concept, and the rows that probes of it are fitted to and judged on."""

    evidence: Evidence
    concept: Concept
    train: Int[np.ndarray, " m"]
    held_out: Int[np.ndarray, " h"]

    @property
    def num_read(self) -> int:
        """Rows of both sides."""
        return len(self.train) + len(self.held_out)

    def accuracy(
        self,
        figure: str,
        train: Float[np.ndarray, "m k"],
        held_out: Float[np.ndarray, "h k"],
        of: Mapping[str, int],
    ) -> _Accuracy:
        """Return what a probe of these columns tells of held-out rows, document by document."""
        probe = fit_probe(train, self.concept.truth[self.train])
        truth = self.concept.truth[self.held_out]
        readings = by_document(
            figure,
            self.concept.name,
            (probe.told(held_out) == truth).astype(np.float64),
            self.evidence.document[self.held_out],
            of,
            recall_weights(truth),
        )
        return _Accuracy(readings=readings, has_converged=probe.has_converged)


def telling_atoms(
    codes: sparse.csr_array, truth: Int[np.ndarray, " n"]
) -> Int[np.ndarray, " f"]:
    """Return all atoms, the one whose activations tell the classes best first.

    By the share of an atom's variance that lies between classes, all classes weighing alike: for
    two classes the order of the difference of means over the spread. Rows whose class is not known
    are left out.
    """
    known = np.flatnonzero(truth != UNKNOWN)
    counts = np.bincount(truth[known])
    shape = (len(counts), len(truth))
    mean_of = sparse.csr_array(
        (1 / counts[truth[known]], (truth[known], known)), shape=shape
    )
    means = sparse.csr_array(mean_of @ codes).toarray()
    squares = sparse.csr_array(mean_of @ codes.multiply(codes)).toarray()
    between = means.var(axis=0)
    total = between + np.maximum(squares - means**2, 0).mean(axis=0)
    share = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
    return np.argsort(-share, kind="stable")
