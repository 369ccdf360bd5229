import numpy as np
import pytest
import torch
from scipy import stats

from tacit.base.errors import UserError
from tacit.data.worlds import SuperposedWorld, WorldBlocks

ROWS = 20_000


def test_features_are_unit_rows_spread_evenly_over_the_sphere():
    features = SuperposedWorld(num_features=600, width=50).features
    assert features.shape == (600, 50)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(600))
    cosines = (features @ features.T)[torch.triu_indices(600, 600, 1).unbind()].double()
    # The squared cosine of two independent directions has mean 1 / width.
    assert float(cosines.mean()) == pytest.approx(0, abs=5 / (50 * cosines.numel()) ** 0.5)
    assert float((cosines**2).mean()) == pytest.approx(1 / 50, rel=0.02)


@pytest.mark.parametrize(("decay", "active"), [(1.0, 5), (0.99, 5), (0.9, 20)])
def test_each_feature_is_active_as_often_as_the_closed_form_says(decay, active):
    world = SuperposedWorld(num_features=64, width=8, num_active=active, decay=decay)
    counts = (world.block(0, ROWS).dense() > 0).sum(dim=0).numpy()
    chance = decay ** np.arange(64) * active / 64
    np.testing.assert_allclose(world.probabilities.numpy(), chance)
    if decay < 1:
        total = active / 64 * (1 - decay**64) / (1 - decay)
        assert float(world.probabilities.sum()) == pytest.approx(total)
    statistic = np.sum((counts - ROWS * chance) ** 2 / (ROWS * chance * (1 - chance)))
    assert stats.chi2.sf(statistic, df=64) > 1e-4


def test_features_are_active_independently_of_each_other():
    world = SuperposedWorld(num_features=16, width=4, num_active=4)
    active = (world.block(0, ROWS).dense() > 0).double()
    correlations = torch.corrcoef(active.T)[torch.triu_indices(16, 16, 1).unbind()]
    assert float(correlations.abs().max()) < 5 / ROWS**0.5
    counts = np.bincount(active.sum(dim=1).long().numpy(), minlength=17)
    expected = stats.binom.pmf(np.arange(17), 16, 4 / 16) * ROWS
    common = expected > 5
    statistic = np.sum((counts - expected)[common] ** 2 / expected[common])
    assert stats.chi2.sf(statistic, df=common.sum() - 1) > 1e-4


def test_strengths_are_uniform_between_nothing_and_one():
    block = SuperposedWorld().block(0, 4096)
    strengths = block.values[block.values > 0].double().numpy()
    assert stats.kstest(strengths, "uniform").pvalue > 1e-4
    assert strengths.max() <= 1


def test_vectors_are_the_strengths_times_the_features():
    world = SuperposedWorld(decay=0.99)
    block = world.block(3, 500)
    torch.testing.assert_close(block.vectors, block.dense() @ world.features)


def test_sparse_strengths_are_padded_with_silence_behind_them():
    world = SuperposedWorld(num_features=30, width=8, num_active=3)
    block = world.block(0, 200)
    active = block.values > 0
    counts = active.sum(dim=1)
    assert block.values.shape == block.indices.shape == (200, int(counts.max()))
    assert (active == (torch.arange(active.shape[1]) < counts[:, None])).all()
    assert (block.indices[~active] == 0).all()
    ascending = block.indices[:, 1:] > block.indices[:, :-1]
    assert ascending[active[:, 1:]].all()
    assert (counts == (block.dense() > 0).sum(dim=1)).all()


def test_noise_is_normal_of_the_given_deviation_and_moves_nothing_else():
    quiet, loud = (SuperposedWorld(noise=noise).block(1, 1000) for noise in (0.0, 0.3))
    noise = ((loud.vectors - quiet.vectors) / 0.3).double().flatten().numpy()
    assert stats.kstest(noise[::20], "norm").pvalue > 1e-4
    torch.testing.assert_close(loud.values, quiet.values, rtol=0, atol=0)


def test_block_depends_on_seed_index_and_world_alone():
    world, again = SuperposedWorld(noise=0.1), SuperposedWorld(noise=0.1)
    later = world.block(7, 64)
    world.block(0, 64)
    assert torch.equal(later.vectors, again.block(7, 64).vectors)
    assert torch.equal(world.features, again.features)
    assert not torch.equal(later.vectors, world.block(8, 64).vectors)
    other = SuperposedWorld(noise=0.1, seed=1)
    assert not torch.equal(other.features, world.features)
    assert not torch.equal(other.block(7, 64).indices, later.indices)


def test_block_is_recorded_for_all_time():
    # Recorded: a change would make every stored figure on worlds one of another world.
    block = SuperposedWorld(num_features=8, width=3, num_active=2, seed=5).block(2, 3)
    assert block.indices.tolist() == [[2, 7, 0, 0], [1, 2, 3, 6], [0, 0, 0, 0]]
    strengths = [
        [0.9845, 0.7148, 0, 0],
        [0.5447, 0.6189, 0.3038, 0.7172],
        [0.6947, 0, 0, 0],
    ]
    torch.testing.assert_close(block.values, torch.tensor(strengths), rtol=0, atol=1e-4)


def test_all_features_always_active_is_the_dense_end():
    block = SuperposedWorld(num_features=6, width=4, num_active=6).block(0, 50)
    assert (block.indices == torch.arange(6)).all()
    assert (block.values > 0).all()


def test_one_sample_with_nothing_active_is_zero():
    world = SuperposedWorld(num_features=4, width=2, num_active=1)
    silent = next(
        block
        for block in (world.block(i, 1) for i in range(100))
        if not bool((block.values > 0).any())
    )
    assert silent.values.shape == (1, 1)
    assert (silent.vectors == 0).all()
    assert (silent.dense() == 0).all()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"num_features": 4, "num_active": 5}, "num_active is 5.*at most num_features, 4"),
        ({"num_features": 0}, "num_features is 0.*at least 1"),
        ({"width": -1}, "width is -1.*at least 1"),
        ({"num_active": 0}, "num_active is 0.*at least 1"),
        ({"decay": 0.0}, "decay is 0.0.*above 0"),
        ({"decay": 1.1}, "decay is 1.1.*at most 1"),
        ({"decay": float("nan")}, "decay is nan"),
        ({"noise": -0.1}, "noise is -0.1.*0 or more"),
        ({"noise": float("inf")}, "noise is inf"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_impossible_worlds_are_refused(wrong, told):
    with pytest.raises(UserError, match=told):
        SuperposedWorld(**wrong)


@pytest.mark.parametrize(("index", "rows"), [(-1, 4), (0, 0), (0, -3)])
def test_impossible_blocks_are_refused(index, rows):
    with pytest.raises(UserError, match="make it"):
        SuperposedWorld().block(index, rows)


def test_world_serves_as_blocks_of_one_site():
    world = SuperposedWorld(num_features=16, width=8)
    blocks = WorldBlocks(world=world, rows=32)
    assert blocks.sites == ("world",)
    assert blocks.width("world") == 8
    assert torch.equal(blocks.block(4)["world"], world.block(4, 32).vectors)
    with pytest.raises(UserError, match="site of a world"):
        blocks.width("resid.0")
    with pytest.raises(UserError, match="rows is 0"):
        WorldBlocks(world=world, rows=0)
