"""Which image shows what: class, look, cues and what means nothing, before anything is drawn.

Axes: m classes, s species, n images, a the 312 attributes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from tacit.base.seeds import stream
from tacit.data.birds.settings import CUES, BirdSettings
from tacit.data.birds.species import draw_species

FIRST_NAMES = (
    "Ashen", "Band_winged", "Cinder", "Dusk_headed", "Ember", "Fen", "Gold_billed", "Heath",
    "Inland", "Jade", "Kelp", "Lesser", "Marsh", "Northern", "Ochre", "Pale", "Quiet", "River",
    "Sable_crowned", "Tawny",
)  # fmt: skip
LAST_NAMES = (
    "Reedling", "Thornbill", "Marlet", "Sparling", "Finchet", "Wickbird", "Pipling", "Crakelet",
    "Daubler", "Whinbird",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What each class and each image is to be; images of one class are one stretch."""

    classes: tuple[str, ...]
    species: Int[np.ndarray, " m"]
    """Of each class; twins share one."""
    looks: Bool[np.ndarray, "s morphs a"]
    cue_kinds: tuple[str | None, ...]
    """Of each class: what tells it from its twin."""
    twin_of: Int[np.ndarray, " m"]
    """Index of the twin, or -1."""
    labels: Int[np.ndarray, " n"]
    morph: Int[np.ndarray, " n"]
    organs: Bool[np.ndarray, "n 3"]
    """States of the three organs, in the order of ``CUES``."""
    nuisance: Bool[np.ndarray, " n"]
    is_train: Bool[np.ndarray, " n"]

    @property
    def cue(self) -> Bool[np.ndarray, " n"]:
        """State of the one organ that tells an image's class from its twin; without, the first."""
        kinds = [CUES.index(kind) if kind in CUES else 0 for kind in self.cue_kinds]
        return self.organs[np.arange(len(self.labels)), np.array(kinds)[self.labels]]

    @property
    def rendered(self) -> Bool[np.ndarray, "n a"]:
        """What is drawn in each image."""
        return self.looks[self.species[self.labels], self.morph]


def make_plan(settings: BirdSettings) -> Plan:
    """Return the plan of a set of birds."""
    m, each = settings.classes, settings.images
    places = np.arange(m)
    species = places // 2 if settings.twins else places
    kinds = [settings.cues[int(at) % len(settings.cues)] for at in species]
    labels = np.repeat(places, each)
    rng = stream(settings.seed, "birds/images")
    organs = rng.random((m * each, len(CUES))) < 0.5
    morphs = rng.integers(settings.morphs, size=(settings.num_species, each))
    if settings.twins:
        # Which of the twins has the cue is drawn, so that no one direction serves all pairs.
        has = (stream(settings.seed, "birds/twins").random(m // 2) < 0.5).repeat(2)
        state = has ^ (places % 2 == 1)
        column = np.array([CUES.index(kind) for kind in kinds])
        organs[np.arange(m * each), column[labels]] = state[labels]
    return Plan(
        classes=_names(m),
        species=species,
        looks=draw_species(settings),
        cue_kinds=tuple(kinds) if settings.twins else (None,) * m,
        twin_of=places ^ 1 if settings.twins else np.full(m, -1),
        labels=labels,
        morph=_alike(morphs, species),
        organs=organs,
        nuisance=stream(settings.seed, "birds/nuisance").random(m * each) < 0.5,
        is_train=_alike(_split(settings), species),
    )


def _alike(of_species: np.ndarray, species: np.ndarray) -> np.ndarray:
    """Return for each image what stands for its species: the same for both twins."""
    return of_species[species].ravel()


def _split(settings: BirdSettings) -> np.ndarray:
    """Return which images are for training: the same number of every class."""
    rng = stream(settings.seed, "birds/split")
    held = round(settings.test_share * settings.images)
    order = np.argsort(rng.random((settings.num_species, settings.images)), axis=1)
    return np.argsort(order, axis=1) >= held


def _names(classes: int) -> tuple[str, ...]:
    """Return names in the form of the real ones, such as ``001.Ashen_Reedling``."""
    first, last = len(FIRST_NAMES), len(LAST_NAMES)
    found = []
    for at in range(classes):
        turn = at // (first * last)
        name = f"{FIRST_NAMES[at % first]}_{LAST_NAMES[at // first % last]}"
        found.append(f"{at + 1:03d}.{name}{'' if turn == 0 else f'_{turn + 1}'}")
    return tuple(found)
