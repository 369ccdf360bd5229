"""Which images are equal in all concepts, and which classes are among them?

Axes: n images, k concepts, g groups of equal concepts, s classes of a group at most, m classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError

_SMOOTHING = 0.5
"""Images added to each class of a group, so that none has a share of 0 (Jeffreys' prior)."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptGroups:
    """Images by what the concepts say of them."""

    of_image: Int[np.ndarray, " n"]
    """The group of each image."""
    classes: Int[np.ndarray, "g s"]
    """The classes found in each group, by their numbers among all; -1 behind the last."""
    place: Int[np.ndarray, " n"]
    """Where the class of each image stands among those of its group."""
    num_classes: int

    @property
    def num_groups(self) -> int:
        """Groups of equal concepts."""
        return len(self.classes)

    @property
    def label(self) -> Int[np.ndarray, " n"]:
        """The class of each image, counted from 0 without gaps."""
        return self.classes[self.of_image, self.place]

    @property
    def is_open(self) -> Bool[np.ndarray, " n"]:
        """Whether the concepts leave the class of an image open: its group has several."""
        return (self.classes >= 0).sum(axis=1)[self.of_image] > 1

    @property
    def is_pair(self) -> Bool[np.ndarray, " n"]:
        """Whether the group of an image has two classes."""
        return (self.classes >= 0).sum(axis=1)[self.of_image] == 2

    @property
    def num_alone(self) -> int:
        """Images whose concepts no other image has."""
        return int((np.bincount(self.of_image, minlength=self.num_groups) == 1).sum())

    @property
    def num_families(self) -> int:
        """Sets of classes that groups link: two are in one if they share a group, or a third's.

        Classes that no group leaves open are in none.
        """
        from scipy.sparse import coo_array  # pyright: ignore
        from scipy.sparse.csgraph import connected_components  # pyright: ignore

        first, there = self.classes[:, :1], self.classes >= 0
        there = there & (there.sum(axis=1, keepdims=True) > 1)
        known, number = np.unique(self.classes[there], return_inverse=True)
        if not len(known):
            return 0
        one = np.searchsorted(known, np.broadcast_to(first, there.shape)[there])
        links = coo_array((np.ones(len(number)), (one, number)), shape=(len(known),) * 2)
        return int(connected_components(links, directed=False)[0])

    def log_shares(self, images: Int[np.ndarray, " t"]) -> Float[np.ndarray, "g s"]:
        """Return the logarithm of each class's share of its group among some of the images."""
        counts = np.zeros(self.classes.shape)
        np.add.at(counts, (self.of_image[images], self.place[images]), 1)
        counts = np.where(self.classes >= 0, counts + _SMOOTHING, 0)
        with np.errstate(divide="ignore"):
            return np.log(counts) - np.log(counts.sum(axis=1, keepdims=True))

    def centres(
        self, values: Float[np.ndarray, "n r"], images: Int[np.ndarray, " t"]
    ) -> Float[np.ndarray, "g r"]:
        """Return each group's mean of some images; that of all of them where it has none."""
        group = self.of_image[images]
        sums = np.zeros((self.num_groups, values.shape[1]))
        np.add.at(sums, group, values[images])
        counts = np.bincount(group, minlength=self.num_groups)[:, None]
        overall = values[images].mean(axis=0)
        return np.where(counts > 0, sums / np.maximum(counts, 1), overall)

    def folds(self, number: int, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
        """Return a fold for each image, those of a group spread over all folds.

        Not those of a class: were its share the same in every fold, held-out images would be told
        it, and cost less than others would.
        """
        n = len(self.of_image)
        order = np.lexsort((rng.random(n), self.of_image))
        fold = np.empty(n, dtype=np.int64)
        fold[order] = np.arange(n) % number
        return rng.permutation(number)[fold]

    def permuted(self, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
        """Return a permutation of images within groups of equal concepts."""
        there = np.lexsort((rng.random(len(self.of_image)), self.of_image))
        here = np.argsort(self.of_image, kind="stable")
        moved = np.empty_like(here)
        moved[here] = there
        return moved


def group_by_concepts(
    labels: Int[np.ndarray, " n"], concepts: Bool[np.ndarray, "n k"]
) -> ConceptGroups:
    """Return the groups of images with equal concepts, and the classes in each.

    Raises:
        UserError: without images, or where labels and concepts are of unlike length.
    """
    if not len(labels) or len(labels) != len(concepts):
        raise UserError(
            f"{len(labels)} labels were given with concepts of {len(concepts)} images; give both "
            "for the same images, one or more."
        )
    of_image = np.unique(concepts, axis=0, return_inverse=True)[1].reshape(-1)
    kinds, label = np.unique(labels, return_inverse=True)
    cells = np.unique(np.stack([of_image, label], axis=1), axis=0)
    place_of_cell = np.arange(len(cells)) - np.searchsorted(cells[:, 0], cells[:, 0])
    classes = np.full((of_image.max() + 1, place_of_cell.max() + 1), -1)
    classes[cells[:, 0], place_of_cell] = cells[:, 1]
    place = (classes[of_image] == label[:, None]).argmax(axis=1)
    return ConceptGroups(
        of_image=of_image, classes=classes, place=place, num_classes=len(kinds)
    )
