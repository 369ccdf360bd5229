"""What annotators say of a picture: a noisy copy of what is drawn, and nothing of what is hidden.

Axes: s species, a the 312 attributes, i images of a chunk.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int8

from tacit.base.seeds import stream
from tacit.data.birds.frequencies import FREQUENCIES, weights_of
from tacit.data.birds.regions import PART_OF
from tacit.data.birds.species import COLUMNS
from tacit.data.cub.vocabulary import ATTRIBUTES, CERTAINTIES, GROUPS

MISSED = (0.03, 0.45)
"""Chance that what is drawn is not said: it differs over attributes and species."""
IMAGINED = 1.25
"""Mean chance that what is not drawn is said, as a multiple of how common the attribute is."""
NOT_VISIBLE = CERTAINTIES.index("not visible") + 1
CERTAINTY_OF_NOISE = (0.2, 0.45, 0.35)
CERTAINTY_OF_TRUTH = (0.07, 0.33, 0.6)
"""Chances of guessing, probably and definitely."""


@dataclass(frozen=True)
class Habits:
    """The chances of error in each species: both twins of a pair have the same."""

    missed: Float[np.ndarray, "s a"]
    imagined: Float[np.ndarray, "s a"]


@dataclass(frozen=True)
class Annotation:
    """What is said of one picture."""

    present: Bool[np.ndarray, " a"]
    certainty: Int8[np.ndarray, " a"]
    """1 to 4, as in ``CERTAINTIES``."""
    seconds: Float[np.ndarray, " a"]
    """Time that it took; one time a group."""


def habits(num_species: int, noise: float, seed: int) -> Habits:
    """Return how often annotators err; ``noise`` 0 is never, 1 as in the real set."""
    rng = stream(seed, "birds/habits")
    common = np.concatenate(
        [(1 - FREQUENCIES[group].none) * weights_of(group) for group in GROUPS]
    )
    shape = (num_species, len(ATTRIBUTES))
    imagined = IMAGINED * common * rng.gamma(1.5, 1 / 1.5, shape)
    return Habits(
        missed=np.clip(noise * rng.uniform(*MISSED, shape), 0, 0.5),
        imagined=np.clip(noise * imagined, 0, 0.5),
    )


def annotate(
    drawn: Bool[np.ndarray, " a"],
    species: int,
    ways: Habits,
    visible: Collection[str],
    rng: np.random.Generator,
) -> Annotation:
    """Return what is said of a picture in which these parts are visible."""
    chance, sure = rng.random(len(ATTRIBUTES)), rng.random(len(ATTRIBUTES))
    wrong = chance < np.where(drawn, ways.missed[species], ways.imagined[species])
    steps = np.where(
        wrong[:, None], np.cumsum(CERTAINTY_OF_NOISE), np.cumsum(CERTAINTY_OF_TRUTH)
    )
    certainty = NOT_VISIBLE + 1 + (sure[:, None] > steps[:, :-1]).sum(axis=1)
    present = drawn ^ wrong
    seconds = np.zeros(len(ATTRIBUTES))
    for group, columns in COLUMNS.items():
        seconds[columns] = round(float(rng.gamma(2.0, 4.0)), 3)
        parts = PART_OF.get(group)
        if parts is not None and not any(part in visible for part in parts):
            present[columns], certainty[columns] = False, NOT_VISIBLE
    return Annotation(present, certainty.astype(np.int8), seconds)
