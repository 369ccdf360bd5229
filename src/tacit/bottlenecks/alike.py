"""Do two runs put the same into their logits, beyond the concepts?

Each run's logits lose their own mean among images of equal concepts; what is left is compared on
the same held-out images. No third run is subtracted from both, which alone would make them alike.

Axes: n images, k concepts, p permutations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError, look_up
from tacit.base.seeds import stream
from tacit.bottlenecks.groups import ConceptGroups, group_by_concepts
from tacit.metrics.intervals import Interval
from tacit.metrics.student import student_mean

Given = Literal["concepts", "class"]
_SPREAD = 1e-9


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Likeness:
    """How alike two runs' logits are once the concepts are taken out, over concepts."""

    similarity: Interval
    """Mean correlation; n counts concepts."""
    by_class: Interval
    """What is left of it where images are permuted within class and concepts: what both runs say
    of the class alike, and not of the single picture."""
    each: Float[np.ndarray, " k"]
    """Correlation of each concept kept."""
    p_value: float
    """Of there being no more than ``by_class``: that runs agree on single pictures."""
    concepts: Int[np.ndarray, " k"]
    num_left_out: int
    """Concepts whose logits do not vary among equal concepts, in one run or both."""


def residual_similarity(
    first: Float[np.ndarray, "n m"],
    second: Float[np.ndarray, "n m"],
    concepts: Bool[np.ndarray, "n m"],
    labels: Int[np.ndarray, " n"],
    *,
    given: Given = "concepts",
    permutations: int = 99,
    seed: int = 0,
) -> Likeness:
    """Return the mean correlation of residual logits of two runs on the same images.

    ``given``: what is taken out, the mean among images of equal concepts, or among those of one
    class with equal concepts (then nothing of the class is left, and ``by_class`` is near 0).
    Caution: runs also agree in which pictures are hard; compare with two runs that hide nothing, by
    ``more_alike``.

    Raises:
        UserError: for arrays of unlike shape, or where no concept's logits vary.
    """
    if not first.shape == second.shape == concepts.shape or len(labels) != len(first):
        raise UserError(
            f"logits {first.shape} and {second.shape}, concepts {concepts.shape} and "
            f"{len(labels)} labels were given; give all of the same images and concepts."
        )
    cells = _cells(concepts, labels)
    groups = look_up(
        {"concepts": group_by_concepts(labels, concepts), "class": cells},
        given,
        "condition",
    )
    sides = [_residual(side, groups) for side in (first, second)]
    kept = np.flatnonzero((sides[0].std(0) > _SPREAD) & (sides[1].std(0) > _SPREAD))
    if not len(kept):
        raise UserError(
            "no logit varies among images of equal concepts: nothing to compare."
        )
    one, other = (side[:, kept] / side[:, kept].std(axis=0) for side in sides)
    each = (one * other).mean(axis=0)
    rng = stream(seed, "bottlenecks/residual similarity")
    drawn = np.stack(
        [(one * other[cells.permuted(rng)]).mean(axis=0) for _ in range(permutations)]
    )
    as_large = int((drawn.mean(axis=1) >= each.mean()).sum())
    return Likeness(
        similarity=student_mean(each),
        by_class=student_mean(drawn.mean(axis=0)),
        each=each,
        p_value=(as_large + 1) / (permutations + 1),
        concepts=kept,
        num_left_out=first.shape[1] - len(kept),
    )


def more_alike(found: Likeness, null: Likeness) -> Interval:
    """Return by how much two runs are more alike than two others, concept by concept.

    Concepts left out of either are left out. n counts concepts.

    Raises:
        UserError: where no concept is in both.
    """
    _, here, there = np.intersect1d(found.concepts, null.concepts, return_indices=True)
    if not len(here):
        raise UserError("the two pairs of runs have no concept in common that varies.")
    return student_mean(found.each[here] - null.each[there])


def _cells(
    concepts: Bool[np.ndarray, "n m"], labels: Int[np.ndarray, " n"]
) -> ConceptGroups:
    """Return groups of images of one class with equal concepts."""
    label = np.unique(labels, return_inverse=True)[1]
    one_hot = label[:, None] == np.arange(label.max() + 1)
    return group_by_concepts(labels, np.concatenate([concepts, one_hot], axis=1))


def _residual(
    logits: Float[np.ndarray, "n m"], groups: ConceptGroups
) -> Float[np.ndarray, "n m"]:
    values = logits.astype(np.float64)
    return values - groups.centres(values, np.arange(len(values)))[groups.of_image]
