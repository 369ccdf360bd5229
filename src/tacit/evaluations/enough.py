"""Which examples of a concept are there, are they enough for a probe, and which does it get?

Axes: n rows, m rows drawn, c classes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Int
from scipy import sparse

from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.evidence import Evidence

FEWEST_TRAINING, FEWEST_HELD_OUT = 20, 10
"""Rows of each class below which a concept is not measured."""
FEWEST_DOCUMENTS = 5
"""The same on either side, of a concept that whole documents have."""


def counts_of(
    concept: Concept, held_out: Bool[np.ndarray, " n"], document: Int[np.ndarray, " n"]
) -> Int[np.ndarray, "2 c"]:
    """Return how many examples each class has in training, and how many held out.

    An example is a row, or a document where whole documents have the concept.
    """
    known = concept.is_known
    truth, side, owner = concept.truth[known], held_out[known], document[known]
    if concept.is_of_documents:
        _, firsts = np.unique(np.stack([owner, side]), axis=1, return_index=True)
        truth, side = truth[firsts], side[firsts]
    found = np.zeros((2, len(concept.classes)), dtype=np.int64)
    np.add.at(found, (side.astype(np.int64), truth), 1)
    return found


def shortage(
    concept: Concept, held_out: Bool[np.ndarray, " n"], document: Int[np.ndarray, " n"]
) -> str | None:
    """Return why a concept cannot be measured on these rows; None where it can."""
    counts = counts_of(concept, held_out, document)
    for side, name in zip(counts, ("training", "held-out"), strict=True):
        there = np.flatnonzero(side)
        if len(there) < 2:
            what = f"{concept.classes[there[0]]!r}" if len(there) else "not known"
            return f"it is constant: every {name} {_example(concept)} is {what}"
    short = _short(concept, counts)
    if not short.any():
        return None
    place = int(np.flatnonzero(short)[0])
    train, held = counts[:, place].tolist()
    return (
        f"the class {concept.classes[place]!r} has {train} training and {held} held-out "
        f"{_example(concept)}s; it takes {_fewest(concept)}"
    )


def without_short(
    concept: Concept, held_out: Bool[np.ndarray, " n"], document: Int[np.ndarray, " n"]
) -> tuple[Concept, str | None]:
    """Return the concept with the classes that have enough examples, and which have not.

    Rows of the others are no longer known; fewer than two classes may be left.
    """
    counts = counts_of(concept, held_out, document)
    short = _short(concept, counts)
    if not short.any():
        return concept, None
    places = np.where(short, UNKNOWN, np.cumsum(~short) - 1)
    one_sided = int(((counts == 0).any(axis=0) & short).sum())
    kept = replace(
        concept,
        classes=tuple(np.array(concept.classes)[~short].tolist()),
        truth=np.where(concept.is_known, places[concept.truth], UNKNOWN),
    )
    named = ", ".join(repr(concept.classes[place]) for place in np.flatnonzero(short)[:3])
    more = ", ..." if short.sum() > 3 else ""
    return kept, (
        f"{short.sum()} of {len(short)} classes ({named}{more}) are left out: they have fewer "
        f"{_example(concept)}s than {_fewest(concept)}; {one_sided} of them are on one side of "
        "the split alone"
    )


def balanced_rows(
    truth: Int[np.ndarray, " n"], most: int, rng: np.random.Generator
) -> Int[np.ndarray, " m"]:
    """Return at most ``most`` rows of known class, drawn as many of each class, in their order.

    A class that has fewer than its share gives all that it has; each gives one at least.
    """
    classes = np.unique(truth[truth != UNKNOWN])
    share = max(1, most // len(classes))
    drawn = [rng.permutation(np.flatnonzero(truth == each))[:share] for each in classes]
    return np.sort(np.concatenate(drawn))


def documents_of(evidence: Evidence) -> Evidence:
    """Return evidence whose rows are documents: the means of their rows, and their concepts."""
    names, firsts, place = np.unique(
        evidence.document, return_index=True, return_inverse=True
    )
    weights = (1 / np.bincount(place)[place]).astype(np.float32)
    mean_of = sparse.csr_array((weights, (place, np.arange(len(place)))))
    return replace(
        evidence,
        activations=torch.from_numpy(mean_of @ evidence.activations.float().numpy()),
        codes=sparse.csr_array(mean_of @ evidence.codes),
        document=names,
        held_out=evidence.held_out[firsts],
        rows=evidence.rows[firsts],
        concepts=tuple(
            replace(each, truth=each.truth[firsts])
            for each in evidence.concepts
            if each.is_of_documents
        ),
    )


def _short(concept: Concept, counts: Int[np.ndarray, "2 c"]) -> Bool[np.ndarray, " c"]:
    fewest = (FEWEST_TRAINING, FEWEST_HELD_OUT)
    if concept.is_of_documents:
        fewest = (FEWEST_DOCUMENTS, FEWEST_DOCUMENTS)
    return (counts[0] < fewest[0]) | (counts[1] < fewest[1])


def _example(concept: Concept) -> str:
    return "document" if concept.is_of_documents else "row"


def _fewest(concept: Concept) -> str:
    if concept.is_of_documents:
        return f"{FEWEST_DOCUMENTS} on either side"
    return f"{FEWEST_TRAINING} and {FEWEST_HELD_OUT}"
