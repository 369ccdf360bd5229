"""A world in which every measure has a truth: labels, families, attributes, and a background.

Axes: n rows, d width, g true features.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.base.seeds import stream
from tacit.data.worlds import random_directions
from tacit.evaluations.concepts import Concept


@final
@dataclass(frozen=True, kw_only=True)
class PlantedRows:
    """Rows of the world, the strengths that made them, and what is true of them."""

    vectors: Float[Tensor, "n d"]
    strengths: Float[np.ndarray, "n g"]
    document: Int[np.ndarray, " n"]
    concepts: tuple[Concept, ...]


@final
@dataclass(frozen=True, kw_only=True)
class PlantedWorld:
    """Sums of unit directions: one each for a label, a parent, a child and an attribute's value.

    A label comes and goes by itself, more often in some documents than in others. A child comes
    with its parent alone. Of each attribute every row has one value. All else is background.
    """

    width: int = 64
    num_labels: int = 12
    label_rate: float = 0.15
    num_families: int = 6
    children: int = 3
    """Children of each parent, of which at most one is there."""
    parent_rate: float = 0.2
    child_rate: float = 0.6
    """How often a parent has a child with it."""
    num_attributes: int = 3
    num_values: int = 4
    """Values of each attribute."""
    num_background: int = 64
    background_rate: float = 0.03
    noise: float = 0.1
    """Standard deviation of the noise on each dimension."""
    document_rows: int = 40
    population: int = 1
    """So many times as many labels, families and attributes exist as any one text speaks of."""
    seed: int = 0

    @cached_property
    def features(self) -> Float[Tensor, "g d"]:
        """The true features, unit rows, in the order of ``places``."""
        return random_directions(self.seed, len(self.places), self.width)

    @cached_property
    def places(self) -> dict[str, int]:
        """Name of each true feature -> its row."""
        names = [f"label {i}" for i in range(self.population * self.num_labels)]
        for family in range(self.all_families):
            names.append(f"parent {family}")
            names += [f"child {family}.{child}" for child in range(self.children)]
        for attribute in range(self.population * self.num_attributes):
            names += [f"value {attribute}.{value}" for value in range(self.num_values)]
        names += [f"background {i}" for i in range(self.num_background)]
        return {name: row for row, name in enumerate(names)}

    @property
    def all_families(self) -> int:
        """Families that exist, whether a text speaks of them or not."""
        return self.population * self.num_families

    def rows(self, index: int, num_documents: int) -> PlantedRows:
        """Return whole documents, the same for the same index and number of them.

        Which of the population they speak of is drawn by the index alone.
        """
        rng = stream(self.seed, f"evaluations/planted rows/{index}/{num_documents}")
        document = np.repeat(np.arange(num_documents), self.document_rows)
        there = np.zeros((len(document), len(self.places)), dtype=bool)
        concepts = [
            *self._labels(rng, index, document, there),
            *self._families(rng, index, there),
            *self._attributes(rng, index, there),
        ]
        background = slice(len(self.places) - self.num_background, None)
        there[:, background] = (
            rng.random((len(document), self.num_background)) < self.background_rate
        )
        strengths = (there * rng.uniform(0.5, 1.5, there.shape)).astype(np.float32)
        vectors = torch.from_numpy(strengths) @ self.features
        drawn = rng.standard_normal(tuple(vectors.shape), dtype=np.float32)
        return PlantedRows(
            vectors=vectors + self.noise * torch.from_numpy(drawn),
            strengths=strengths,
            document=document,
            concepts=tuple(concepts),
        )

    def _spoken_of(self, kind: str, num: int, index: int) -> list[int]:
        """Return which ``num`` of the population there are in one text."""
        if self.population == 1:
            return list(range(num))
        rng = stream(self.seed, f"evaluations/planted {kind}/{index}")
        return sorted(rng.choice(self.population * num, num, replace=False).tolist())

    def _labels(
        self, rng: np.random.Generator, index: int, document: np.ndarray, there: np.ndarray
    ) -> list[Concept]:
        found = []
        for number in self._spoken_of("labels", self.num_labels, index):
            # Some documents have much of it, which is what makes their rows alike.
            rates = rng.beta(2, 2 * (1 / self.label_rate - 1), document[-1] + 1)
            has_it = rng.random(len(document)) < rates[document]
            there[:, self.places[f"label {number}"]] = has_it
            found.append(_binary(f"label {number}", has_it))
        return found

    def _families(
        self, rng: np.random.Generator, index: int, there: np.ndarray
    ) -> list[Concept]:
        found = []
        for family in self._spoken_of("families", self.num_families, index):
            has_it = rng.random(len(there)) < self.parent_rate
            child = rng.integers(0, self.children, len(there))
            with_child = has_it & (rng.random(len(there)) < self.child_rate)
            there[:, self.places[f"parent {family}"]] = has_it
            for number in range(self.children):
                place = self.places[f"child {family}.{number}"]
                there[:, place] = with_child & (child == number)
            found.append(_binary(f"parent {family}", has_it))
        return found

    def _attributes(
        self, rng: np.random.Generator, index: int, there: np.ndarray
    ) -> list[Concept]:
        found = []
        for attribute in self._spoken_of("attributes", self.num_attributes, index):
            value = rng.integers(0, self.num_values, len(there))
            for number in range(self.num_values):
                there[:, self.places[f"value {attribute}.{number}"]] = value == number
            classes = tuple(f"value {number}" for number in range(self.num_values))
            name = f"attribute {attribute}"
            found.append(Concept(name=name, classes=classes, truth=value, kind="labels"))
        return found


def _binary(name: str, has_it: np.ndarray) -> Concept:
    return Concept(
        name=name, classes=("no", "yes"), truth=has_it.astype(np.int64), kind="label"
    )
