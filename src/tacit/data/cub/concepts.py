"""Which attributes serve as concepts, and what each image or class is labelled with.

"Not visible" and absent together mean that nothing is known: no vote, no label. Axes: n images,
r rows of them, m classes, a attributes, k concepts, c constant ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError
from tacit.data.cub.folder import Cub
from tacit.data.cub.vocabulary import ATTRIBUTES, PUBLISHED

NOT_VISIBLE = 1
PRESENT_BY_CERTAINTY = (0.0, 0.5, 0.75, 1.0)
ABSENT_BY_CERTAINTY = (0.0, 0.5, 0.25, 0.0)
"""Soft labels of Koh et al. 2020 for certainties 1 to 4."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptLabels:
    """Annotations of concepts, and which of them there are."""

    values: Float[np.ndarray, "n k"]
    """From 0 to 1; 0 where nothing is known."""
    known: Bool[np.ndarray, "n k"]

    @staticmethod
    def of_classes(
        present: Bool[np.ndarray, "m k"], labels: Int[np.ndarray, " n"]
    ) -> ConceptLabels:
        """Return labels that every image has from its class, all of them known."""
        values = present[labels].astype(np.float32)
        return ConceptLabels(values=values, known=np.ones(values.shape, dtype=bool))

    def take(self, rows: Int[np.ndarray, " r"]) -> ConceptLabels:
        """Return the labels of some images."""
        return ConceptLabels(values=self.values[rows], known=self.known[rows])


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Votes:
    """How often annotators found each attribute present or absent in the images of a class."""

    present: Int[np.ndarray, "m k"]
    absent: Int[np.ndarray, "m k"]

    @property
    def num_tied(self) -> int:
        """Cells with as many votes for as against, and at least one."""
        return int(((self.present == self.absent) & (self.present > 0)).sum())

    @property
    def num_empty(self) -> int:
        """Cells without any vote."""
        return int((self.present + self.absent == 0).sum())


def published_concepts(cub: Cub) -> Int[np.ndarray, " k"]:
    """Return the columns of the 112 attributes that Koh et al. 2020 kept, found by name."""
    column = {name: n for n, name in enumerate(cub.attributes)}
    names = [ATTRIBUTES[index] for index in PUBLISHED]
    missing = [name for name in names if name not in column]
    if missing:
        raise UserError(
            f"{cub.root} has {len(column)} attributes, and {len(missing)} of the 112 published are "
            f"not among them, such as {missing[0]}; choose concepts by the rule instead."
        )
    return np.array([column[name] for name in names])


def instance_labels(
    cub: Cub, columns: Int[np.ndarray, " k"], *, soft: bool = False
) -> ConceptLabels:
    """Return what was annotated of each image by itself.

    ``soft`` gives the values of Koh et al. 2020 instead of 0 and 1: .75 for probably present,
    .25 for probably absent, .5 for a guess.
    """
    present, certainty = cub.present[:, columns], cub.certainty[:, columns]
    known = present | (certainty != NOT_VISIBLE)
    if not soft:
        return ConceptLabels(values=present.astype(np.float32), known=known)
    tables = np.array([ABSENT_BY_CERTAINTY, PRESENT_BY_CERTAINTY], dtype=np.float32)
    return ConceptLabels(values=tables[present.astype(int), certainty - 1], known=known)


def count_votes(
    cub: Cub,
    rows: Int[np.ndarray, " r"],
    columns: Int[np.ndarray, " k"],
    *,
    count_unknown: bool = False,
) -> Votes:
    """Return the votes of some images for their classes.

    ``count_unknown`` takes what could not be seen as absent, as the rule of Koh et al. does not.

    Raises:
        UserError: where a class has no image among ``rows``.
    """
    labels = cub.labels[rows]
    members = (np.arange(len(cub.classes))[:, None] == labels).astype(np.float32)
    if not (members.sum(axis=1) > 0).all():
        missing = cub.classes[int(members.sum(axis=1).argmin())]
        raise UserError(
            f"{len(rows)} images were given to vote, and none is of class {missing}; give at least "
            "one image of each class."
        )
    present = cub.present[np.ix_(rows, columns)]
    seen = cub.certainty[np.ix_(rows, columns)] != NOT_VISIBLE
    absent = ~present & (seen | count_unknown)
    # Sums of 32-bit floats are exact up to 2^24 images of a class.
    return Votes(
        present=(members @ present.astype(np.float32)).astype(np.int64),
        absent=(members @ absent.astype(np.float32)).astype(np.int64),
    )


def majority_labels(
    cub: Cub,
    rows: Int[np.ndarray, " r"],
    columns: Int[np.ndarray, " k"],
    *,
    count_unknown: bool = False,
    ties_present: bool = True,
) -> Bool[np.ndarray, "m k"]:
    """Return what most annotations of a class say, by the rule of Koh et al. 2020.

    A tie counts as present, and so does a cell without votes, unless ``ties_present`` is false.
    ``count_votes`` says how many cells either happens to.
    """
    votes = count_votes(cub, rows, columns, count_unknown=count_unknown)
    if ties_present:
        return votes.present >= votes.absent
    return votes.present > votes.absent


def concepts_by_rule(
    cub: Cub,
    rows: Int[np.ndarray, " r"],
    *,
    min_classes: int = 10,
    count_unknown: bool = False,
    ties_present: bool = True,
) -> Int[np.ndarray, " k"]:
    """Return the attributes that the majority finds present in so many classes or more.

    The rule behind the 112 of Koh et al. 2020. Caution: what it keeps depends on the images that
    vote, so other images than theirs keep others; ``published_concepts`` are theirs exactly.
    """
    every = np.arange(len(cub.attributes))
    present = majority_labels(
        cub, rows, every, count_unknown=count_unknown, ties_present=ties_present
    )
    return np.flatnonzero(present.sum(axis=0) >= min_classes)


def constant_concepts(
    labels: ConceptLabels, columns: Int[np.ndarray, " k"]
) -> Int[np.ndarray, " c"]:
    """Return those of ``columns`` whose known labels are all alike, or of which none is known."""
    lowest = np.where(labels.known, labels.values, np.inf).min(axis=0, initial=np.inf)
    highest = np.where(labels.known, labels.values, -np.inf).max(axis=0, initial=-np.inf)
    return columns[lowest >= highest]


def check_varied(
    labels: ConceptLabels, columns: Int[np.ndarray, " k"], attributes: Sequence[str]
) -> None:
    """Refuse concepts that are the same in every image, of which nothing can be learned."""
    constant = constant_concepts(labels, columns)
    if len(constant):
        names = ", ".join(attributes[int(column)] for column in constant[:4])
        raise UserError(
            f"{len(constant)} of {len(columns)} concepts are the same in all {len(labels.values)} "
            f"images, or never known: {names}{', ...' if len(constant) > 4 else ''}. Leave them "
            "out, or take more images."
        )
