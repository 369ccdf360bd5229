"""Which bases are fitted: those of every subject, and those that the first one alone can pay."""

from __future__ import annotations

from collections.abc import Mapping

from tacit.dictionaries import (
    ICA,
    NMF,
    PCA,
    BatchTopK,
    Gated,
    JumpRelu,
    Matryoshka,
    Method,
    NeuronBasis,
    OrthonormalBasis,
    PAnnealed,
    RandomDirections,
    ReluL1,
    TopK,
)
from tacit.studies.interpretable_directions.settings import DirectionsSettings

FROZEN, PLAIN = "relu-l1_frozen-adam", "relu-l1_tied"
NOMINAL_RATE, FROZEN_RATE = 1e-3, 3.16e-4
"""Rate of the published runs, and what it came to where Adam's step counter stays at 0:
``1e-3 * sqrt(1 - .999) / (1 - .9)``, its correction of the first step forever."""


def methods_of(
    settings: DirectionsSettings, unit: tuple[str, int] | None
) -> Mapping[str, Method]:
    """Return what is fitted to the rows of a subject and seed, by name; of any where None."""
    everywhere: dict[str, Method] = {
        "top-k": TopK(num_atoms=settings.atoms, k=settings.active),
        "batch-top-k": BatchTopK(num_atoms=settings.atoms, k=settings.active),
        "relu-l1": ReluL1(num_atoms=settings.atoms, penalty=settings.penalty),
        "pca": PCA(),
        "neuron-basis": NeuronBasis(),
        "orthonormal": OrthonormalBasis(),
    }
    if unit is None or not settings.has_further(unit):
        return everywhere
    return everywhere | _other_methods(settings) | _of_relu(settings)


def _other_methods(settings: DirectionsSettings) -> dict[str, Method]:
    """Return a member of every kind that is not there yet, at the same number of atoms."""
    atoms, k, penalty = settings.atoms, settings.active, settings.penalty
    return {
        "matryoshka": Matryoshka(num_atoms=atoms, k=k),
        "jump-relu": JumpRelu(num_atoms=atoms, k=k),
        "gated": Gated(num_atoms=atoms, penalty=penalty),
        "p-annealed": PAnnealed(num_atoms=atoms, penalty=penalty),
        "ica": ICA(),
        "nmf": NMF(),
        "random": RandomDirections(num_atoms=atoms, k=k),
    }


def _of_relu(settings: DirectionsSettings) -> dict[str, Method]:
    """Return the published method over penalties, numbers of atoms, and its optimiser's state."""
    atoms, penalty = settings.atoms, settings.penalty

    def authors(rate: float) -> Method:
        return ReluL1(
            num_atoms=atoms, penalty=penalty, tied=True, learning_rate=rate, warm_up_steps=0
        )

    return {
        **{
            at_penalty(each): ReluL1(num_atoms=atoms, penalty=each)
            for each in settings.penalties
        },
        **{
            of_size(each): ReluL1(num_atoms=each, penalty=penalty)
            for each in settings.sizes
        },
        PLAIN: authors(NOMINAL_RATE),
        FROZEN: authors(FROZEN_RATE),
    }


def at_penalty(penalty: float) -> str:
    """Return the name of ReLU with L1 at another penalty."""
    return f"relu-l1_penalty={penalty:g}"


def of_size(atoms: int) -> str:
    """Return the name of ReLU with L1 of another size."""
    return f"relu-l1_atoms={atoms}"
