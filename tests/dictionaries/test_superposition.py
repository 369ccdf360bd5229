"""Five of 512 features at a time in 256 dimensions: learned methods find them, floors do not."""

import pytest

from tacit.data.worlds import SuperposedWorld, WorldBlocks
from tacit.dictionaries import METHODS, PCA, RandomDirections, ReluL1, TopK, fit
from tacit.dictionaries.learned_method import LearnedMethod
from tacit.metrics.recovery import mmcs

ROWS = 512
# Methods with the steps that are enough for each.
LEARNED = {
    "top-k": (TopK(num_atoms=768, k=8, learning_rate=0.01), 110),
    # On raw rows, whose mean squared length is 5/3, this is a price of 0.13.
    "relu-l1": (ReluL1(num_atoms=768, penalty=0.1, learning_rate=0.02), 150),
}
FLOORS = {
    "pca": (PCA(k=5), 20),
    "random": (RandomDirections(num_atoms=768, k=5), 20),
}


@pytest.mark.parametrize("seed", range(5))
def test_learned_atoms_are_the_true_features_and_floors_are_not(seed):
    world = SuperposedWorld(seed=seed)
    blocks = WorldBlocks(world=world, rows=ROWS)
    found = {}
    for name, (method, steps) in {**LEARNED, **FLOORS}.items():
        (fitted,) = fit([method], blocks, [seed], steps=steps)
        found[name] = mmcs(world.features, fitted.dictionary.atoms)
    assert all(found[name] >= 0.95 for name in LEARNED), found
    assert all(found[name] < 0.5 for name in FLOORS), found


# The rest, with what each is given to come near this world's five features a row.
FURTHER = {
    "batch-top-k": {"k": 8},
    "matryoshka": {"k": 8},
    "jump-relu": {"k": 8},
    "gated": {"penalty": 0.2},
    "p-annealed": {"penalty": 0.1},
}
MARGIN = 0.3
"""How far above random directions, whose MMCS is about .2, each must come."""


def test_every_learned_method_is_tried():
    learned = {name for name, kind in METHODS.items() if issubclass(kind, LearnedMethod)}
    assert learned == {*LEARNED, *FURTHER}


@pytest.mark.parametrize("kind", FURTHER)
def test_every_method_is_far_above_random_directions(kind):
    world = SuperposedWorld(seed=0)
    blocks = WorldBlocks(world=world, rows=ROWS)
    method = METHODS[kind](num_atoms=768, learning_rate=0.01, **FURTHER[kind])
    floor = RandomDirections(num_atoms=768, k=5)
    found = [
        mmcs(world.features, member.dictionary.atoms)
        for member in fit([method, floor], blocks, [0], steps=110)
    ]
    assert found[0] >= found[1] + MARGIN, found
