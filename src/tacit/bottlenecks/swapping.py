"""Do independent runs hide the same things? Heads are put on encoders of other runs, as they are.

Concepts are aligned by supervision, so that no map stands between: whatever a head of another run
still reads beyond concepts is a code that both runs share. Axes: r runs, n images, t images of
twins, p pairs of twin classes, c concepts and slots, m classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError
from tacit.bottlenecks.networks import ClassHead
from tacit.bottlenecks.reading import class_logits_of
from tacit.metrics.intervals import Interval, without_ends
from tacit.metrics.student import student_mean


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Twins:
    """How swapped runs tell classes apart whose concepts are the same; chance is one half."""

    pairs: Int[np.ndarray, "p 2"]
    """The two classes of each pair that has images of both."""
    right: Float[np.ndarray, "r r t"]
    """Whether the class's own logit exceeds its twin's, a tie being one half; by encoder, head."""
    contrasts: Float[np.ndarray, "r r p"]
    """By how much the logit of a pair's first class less the second's is larger on images of the
    first: positive where the head reads the encoder's difference the right way round."""

    @property
    def accuracy(self) -> Float[np.ndarray, "r r"]:
        """Share of twin images told right, by encoder and head."""
        return self.right.mean(axis=2)

    @property
    def agreement(self) -> Float[np.ndarray, "r r"]:
        """Share of pairs read the right way round, by encoder and head; chance is one half."""
        return (self.contrasts > 0).mean(axis=2)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Swaps:
    """What every head makes of every encoder: entry [i, j] is encoder i with head j."""

    right: Bool[np.ndarray, "r r n"]
    twins: Twins | None
    """None where no twin classes are among the images."""

    @property
    def accuracy(self) -> Float[np.ndarray, "r r"]:
        """Share of images whose class is told right."""
        return self.right.mean(axis=2)


def swap(
    concept_logits: Sequence[Float[np.ndarray, "n c"]],
    heads: Sequence[ClassHead],
    classes: Int[np.ndarray, " n"],
    *,
    twin_of: Int[np.ndarray, " m"] | None = None,
) -> Swaps:
    """Return what each head tells of each encoder's concepts on the same images.

    ``twin_of``: for each class the one with the same concepts, or -1.

    Raises:
        UserError: for other numbers of encoders than of heads.
    """
    if len(concept_logits) != len(heads):
        raise UserError(
            f"{len(concept_logits)} encoders were given with {len(heads)} heads; give both of "
            "each run."
        )
    told = [[class_logits_of(head, each) for head in heads] for each in concept_logits]
    right = np.array([[each.argmax(axis=1) == classes for each in row] for row in told])
    pairs = None if twin_of is None else _pairs(twin_of, classes)
    if twin_of is None or pairs is None:
        return Swaps(right=right, twins=None)
    is_twin = np.isin(classes, pairs)
    own = classes[is_twin]
    margins = np.array(
        [[_margins(each[is_twin], own, twin_of) for each in row] for row in told]
    )
    contrasts = [
        margins[:, :, own == first].mean(axis=2) + margins[:, :, own == second].mean(axis=2)
        for first, second in pairs
    ]
    twins = Twins(
        pairs=pairs,
        right=(np.sign(margins) + 1) / 2,
        contrasts=np.stack(contrasts, axis=2),
    )
    return Swaps(right=right, twins=twins)


def own(cells: Float[np.ndarray, "r r"]) -> Interval:
    """Return the mean over runs of encoders with their own heads, with its interval over runs."""
    return student_mean(np.diagonal(cells))


def swapped(cells: Float[np.ndarray, "r r"]) -> Interval:
    """Return the mean over encoders with heads of other runs, with its interval over runs.

    Two cells that share a run are not independent, so runs are left out in turn with all their
    cells. Source: the jackknife of a U-statistic, Arvesen 1969, Ann. Math. Stat. 40.

    Raises:
        UserError: for fewer than two runs.
    """
    size = len(cells)
    if size < 2:
        raise UserError(f"swapping among {size} runs was asked; give two or more.")
    off = np.where(np.eye(size, dtype=bool), 0.0, cells)
    value = float(off.sum() / (size * (size - 1)))
    if size == 2:
        reason = "two runs, of which one cannot be left out, say nothing of the spread"
        return without_ends(value, size, "jackknife", reason)
    without = (off.sum() - off.sum(axis=0) - off.sum(axis=1)) / ((size - 1) * (size - 2))
    return student_mean(size * value - (size - 1) * without)


def swapped_over_units(cells: Float[np.ndarray, "r r n"]) -> Interval:
    """Return the same mean with its interval over images, or over pairs of classes."""
    size = len(cells)
    off = ~np.eye(size, dtype=bool)
    return student_mean(cells[off].mean(axis=0))


def retention(own: float, swapped: float, without: float) -> float | None:
    """Return ``(swapped - without) / (own - without)``: how much of a gain survives the swap.

    ``without``: the accuracy of runs that cannot hide anything, such as sequential ones. 1 is all
    of it, 0 none; None where there is no gain to keep.
    """
    return (swapped - without) / (own - without) if own > without else None


def _pairs(
    twin_of: Int[np.ndarray, " m"], classes: Int[np.ndarray, " n"]
) -> Int[np.ndarray, "p 2"] | None:
    """Return the twin classes that both have images; None where there are none."""
    for one, other in enumerate(twin_of):
        if other >= 0 and (other >= len(twin_of) or twin_of[other] != one or other == one):
            raise UserError(
                f"class {one} was given class {other} as its twin, which does not have it as its "
                "own; give twins in pairs."
            )
    there = set(classes.tolist())
    found = [
        (one, int(other))
        for one, other in enumerate(twin_of)
        if one < other and {one, int(other)} <= there
    ]
    return np.array(found, dtype=np.int64) if found else None


def _margins(
    class_logits: Float[np.ndarray, "t m"],
    classes: Int[np.ndarray, " t"],
    twin_of: Int[np.ndarray, " m"],
) -> Float[np.ndarray, " t"]:
    """Return by how much each image's own class exceeds its twin."""
    rows = np.arange(len(classes))
    return class_logits[rows, classes] - class_logits[rows, twin_of[classes]]
