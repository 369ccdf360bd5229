"""What does each concept's logit say of the class, and of other logits, beyond the concept itself?

Axes: n images, k concepts, p pairs of concepts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.bottlenecks.dependence import (
    entropy_of,
    normal_scores,
    of_class,
    of_counts,
    of_score,
)
from tacit.metrics.intervals import Interval
from tacit.metrics.student import student_mean

MOST_PAIRS = 400
FEW_VALUES = 20
"""A column of no more values than that is counted, not ranked."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Excess:
    """By how much logits say more than their concepts, over concepts or pairs of them."""

    mean: Interval
    """With what is below 0 taken for 0, as published; n counts concepts, or pairs."""
    each: Float[np.ndarray, " p"]
    """As estimated, below 0 too."""
    num_below: int
    """Those that were taken for 0."""
    num_constant: int
    """Concepts left out, as their logit or their truth is the same on all images."""


def concept_task_leakage(
    logits: Float[np.ndarray, "n k"],
    truth: Bool[np.ndarray, "n k"],
    labels: Int[np.ndarray, " n"],
    *,
    seed: int = 0,
) -> Excess:
    """Return ``(I(logit; y) - I(concept; y)) / H(y)`` of each concept.

    Source: CTL of Parisini et al. 2025, arXiv:2504.14094, on ranks of logits.

    Raises:
        UserError: for arrays of unlike length, a single class, or where every concept is constant.
    """
    kept = _kept(logits, truth, len(labels))
    rng = stream(seed, "bottlenecks/concept task leakage")
    label, counts = np.unique(labels, return_inverse=True, return_counts=True)[1:]
    if len(counts) < 2:
        raise UserError("what concepts tell of a single class was asked; give two or more.")
    entropy = entropy_of(counts.astype(np.float64))
    found = [
        _with_class(logits[:, concept], label, rng)
        - of_counts(truth[:, concept].astype(np.int64), label)
        for concept in kept
    ]
    return _excess(np.array(found) / entropy, truth.shape[1] - len(kept))


def interconcept_leakage(
    logits: Float[np.ndarray, "n k"],
    truth: Bool[np.ndarray, "n k"],
    *,
    most_pairs: int = MOST_PAIRS,
    seed: int = 0,
) -> Excess:
    """Return the normalised information of two logits less that of their concepts, pair by pair.

    Pairs are drawn where there are more than ``most_pairs``. Caution: a logit's information on
    itself, which is divided by, grows with the sample: compare at an equal n alone.
    Source: ICL of Parisini et al. 2025, arXiv:2504.14094, on ranks of logits.

    Raises:
        UserError: for arrays of unlike length, or with fewer than two concepts that vary.
    """
    kept = _kept(logits, truth, len(logits))
    rng = stream(seed, "bottlenecks/interconcept leakage")
    pairs = [(a, b) for at, a in enumerate(kept) for b in kept[at + 1 :]]
    if not pairs:
        raise UserError("what concepts tell of one another was asked of one; give two.")
    drawn = rng.choice(len(pairs), min(most_pairs, len(pairs)), replace=False)
    scores = {concept: normal_scores(logits[:, concept], rng) for concept in kept}
    itself = of_score(*[scores[kept[0]]] * 2)
    found = []
    for a, b in (pairs[int(each)] for each in np.sort(drawn)):
        true_a, true_b = (truth[:, side].astype(np.int64) for side in (a, b))
        most = math.sqrt(of_counts(true_a, true_a) * of_counts(true_b, true_b))
        found.append(
            of_score(scores[a], scores[b]) / itself - of_counts(true_a, true_b) / most
        )
    return _excess(np.array(found), truth.shape[1] - len(kept))


def _with_class(
    logit: Float[np.ndarray, " n"], label: Int[np.ndarray, " n"], rng: np.random.Generator
) -> float:
    values, place = np.unique(logit, return_inverse=True)
    if len(values) <= FEW_VALUES:
        return of_counts(place, label)
    return of_class(normal_scores(logit, rng), label)


def _kept(
    logits: Float[np.ndarray, "n k"], truth: Bool[np.ndarray, "n k"], n: int
) -> list[int]:
    """Return the concepts that vary, in logits and in truth."""
    if logits.shape != truth.shape or len(logits) != n:
        raise UserError(
            f"logits {logits.shape}, concepts {truth.shape} and {n} labels were given; give all of "
            "the same images and concepts."
        )
    varies = (np.ptp(logits, axis=0) > 0) & truth.any(axis=0) & ~truth.all(axis=0)
    if not varies.any():
        raise UserError("every concept is the same on all images; give some that vary.")
    return np.flatnonzero(varies).tolist()


def _excess(each: Float[np.ndarray, " p"], num_constant: int) -> Excess:
    return Excess(
        mean=student_mean(np.maximum(each, 0)),
        each=each,
        num_below=int((each < 0).sum()),
        num_constant=num_constant,
    )
