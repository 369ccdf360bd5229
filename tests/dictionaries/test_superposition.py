"""Five of 512 features at a time in 256 dimensions: learned methods find them, floors do not."""

import pytest

from tacit.data.worlds import SuperposedWorld, WorldBlocks
from tacit.dictionaries import PCA, RandomDirections, ReluL1, TopK, fit
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
