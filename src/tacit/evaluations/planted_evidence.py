"""Dictionaries of a planted world whose quality is known: perfect, good, random, absorbing.

Axes: n rows, d width, f atoms, g true features.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from scipy import sparse
from torch import Tensor
from torch.nn.functional import normalize

from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.selections import Relu, TopKPositive
from tacit.evaluations.evidence import Evidence, codes_of
from tacit.evaluations.planted_world import PlantedRows, PlantedWorld

Quality = Literal["perfect", "good", "random", "absorbing"]
QUALITIES: tuple[Quality, ...] = ("perfect", "good", "random")
"""From the best to the worst, as every measure should rank them."""
TURNED = 0.8
"""Cosine of a good dictionary's atoms with what they stand for."""
MISSED, FALSE = 0.2, 0.01
"""Share of its firings that a good dictionary misses, and of its silences that it breaks."""
HELD_OUT_ONE_IN = 4


def planted_evidence(
    world: PlantedWorld,
    quality: Quality,
    *,
    index: int = 0,
    num_documents: int = 100,
    variant: int = 0,
) -> Evidence:
    """Return what a dictionary of known quality makes of rows of the world.

    ``perfect``: the true features and their true strengths. ``good``: directions that are off, a
    fifth of the firings missing and some false ones. ``random``: as many random directions, each
    row's largest projections. ``absorbing``: as perfect, but a parent is silent wherever it has
    a child, whose atom then holds both. Every fourth document is held out. Another ``variant`` of
    a quality is another dictionary that is as good.
    """
    drawn = world.rows(index, num_documents)
    twin = f"/{variant}" if variant else ""
    rng = stream(world.seed, f"evaluations/planted {quality}/{index}{twin}")
    if quality == "random":
        dictionary = _by_hand(_random_atoms(world, twin), world, k=_mean_active(drawn))
        codes = codes_of(dictionary, drawn.vectors)
    else:
        strengths, atoms = drawn.strengths, world.features
        if quality == "good":
            strengths, atoms = _worse(strengths, rng), _turned(world, twin)
        elif quality == "absorbing":
            strengths, atoms = _absorbing(world, strengths)
        dictionary, codes = _by_hand(atoms, world), sparse.csr_array(strengths)
    return Evidence(
        basis="dictionary",
        dictionary=dictionary,
        activations=drawn.vectors,
        codes=codes,
        document=drawn.document,
        held_out=drawn.document % HELD_OUT_ONE_IN == 0,
        concepts=drawn.concepts,
        rows=np.arange(len(drawn.document)),
    )


def _mean_active(drawn: PlantedRows) -> int:
    return max(1, round(float((drawn.strengths > 0).sum(axis=1).mean())))


def _random_atoms(world: PlantedWorld, twin: str) -> Float[Tensor, "g d"]:
    rng = stream(world.seed, f"evaluations/planted random atoms{twin}")
    raw = torch.from_numpy(rng.standard_normal(tuple(world.features.shape)))
    return normalize(raw.float(), dim=1)


def _turned(world: PlantedWorld, twin: str) -> Float[Tensor, "g d"]:
    """Return the true features, each turned by the same angle in a direction of its own."""
    rng = stream(world.seed, f"evaluations/planted turns{twin}")
    raw = torch.from_numpy(rng.standard_normal(tuple(world.features.shape))).float()
    along = (raw * world.features).sum(dim=1, keepdim=True) * world.features
    return TURNED * world.features + (1 - TURNED**2) ** 0.5 * normalize(raw - along, dim=1)


def _worse(
    strengths: Float[np.ndarray, "n g"], rng: np.random.Generator
) -> Float[np.ndarray, "n g"]:
    """Return strengths some of which are missing, beside some that are false and weak."""
    kept = strengths * (rng.random(strengths.shape) >= MISSED)
    false = (rng.random(strengths.shape) < FALSE) & (strengths == 0)
    return (kept + false * rng.uniform(0.1, 0.6, strengths.shape)).astype(np.float32)


def _absorbing(
    world: PlantedWorld, strengths: Float[np.ndarray, "n g"]
) -> tuple[Float[np.ndarray, "n g"], Float[Tensor, "g d"]]:
    out, atoms = strengths.copy(), world.features.clone()
    for family in range(world.all_families):
        parent = world.places[f"parent {family}"]
        for child in range(world.children):
            place = world.places[f"child {family}.{child}"]
            atoms[place] = normalize(atoms[place] + world.features[parent], dim=0)
            out[strengths[:, place] > 0, parent] = 0
    return out, atoms


def _by_hand(
    atoms: Float[Tensor, "f d"], world: PlantedWorld, k: int | None = None
) -> Dictionary:
    return Dictionary(
        atoms=atoms,
        encoder=atoms.clone(),
        encoder_bias=torch.zeros(len(atoms)),
        centre=torch.zeros(atoms.shape[1]),
        scale=1.0,
        selection=Relu() if k is None else TopKPositive(k=k),
        method="by hand",
        seed=world.seed,
    )
