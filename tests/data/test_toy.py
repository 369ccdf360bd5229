"""The toy world has the statistics of the published generator, and its variants what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.data.toy import ToyWorld, frequencies


def masks(world, blocks=40, rows=256):
    return np.concatenate(
        [(world.block(i, rows).dense() > 0).numpy() for i in range(blocks)]
    )


def test_the_covariance_is_that_of_the_published_generator():
    covariance = ToyWorld().covariance
    # Recorded of 2,000 simulated batches of the original: smallest eigenvalue -9.1, largest
    # 256.0 before the shift, standard deviation of z 3.10, correlation .052.
    values = np.linalg.eigvalsh(covariance)
    assert 0 < values[0] < 0.1
    assert values[-1] == pytest.approx(256.0 + 9.1, rel=0.01)
    deviations = np.sqrt(np.diag(covariance))
    assert deviations.mean() == pytest.approx(3.10, rel=0.01)
    correlation = covariance / np.outer(deviations, deviations)
    assert correlation[np.triu_indices(512, 1)].mean() == pytest.approx(0.052, abs=0.002)


def test_firing_follows_the_decay_of_the_published_generator():
    found = frequencies(ToyWorld(), 256, 150)
    assert found.sum() == pytest.approx(5.0, abs=0.05)
    # Chances of feature 0, 100 and 300 there: 4.9 %, 1.83 %, 0.25 %; z is drawn 150 times here.
    smooth = np.convolve(found, np.ones(41) / 41, mode="same")
    expected = 5 * 0.99 ** np.arange(512) / (0.99 ** np.arange(512)).sum()
    for feature in (100, 200, 300):
        assert smooth[feature] == pytest.approx(expected[feature], rel=0.25)
    assert found[:100].sum() / found.sum() == pytest.approx(0.64, abs=0.03)
    assert found[:256].sum() / found.sum() == pytest.approx(0.93, abs=0.02)


def test_a_batch_shares_its_chances_and_samples_do_not():
    def dispersion(world):
        """Variance between batches of how often a feature fires, over a binomial's."""
        counts = np.stack(
            [(world.block(i, 256).dense() > 0).sum(0).numpy() for i in range(60)]
        )
        mean = counts.mean(axis=0)
        return float((counts.var(axis=0) / mean)[mean > 2].mean())

    assert dispersion(ToyWorld(correlation="batch", decay=1.0, seed=1)) > 2.0
    for drawn in ("sample", "never"):
        world = ToyWorld(correlation=drawn, decay=1.0, seed=1)
        assert dispersion(world) == pytest.approx(1.0, abs=0.15)


def test_no_sample_is_empty_and_a_filled_one_has_strength_one():
    block = ToyWorld(num_active=1, correlation="never", seed=3).block(0, 2_000)
    active = (block.values > 0).sum(dim=1)
    assert (active >= 1).all()
    # 1 / e of the samples have none of their own.
    share = float((block.values[active == 1].max(dim=1).values == 1).sum()) / 2_000
    assert share == pytest.approx(np.exp(-1), abs=0.04)


def test_children_need_their_parents_and_come_half_as_often():
    world = ToyWorld(structure="hierarchy", correlation="never", num_active=20, decay=1.0)
    active = masks(world)
    parents, children = active[:, :256], active[:, 256:]
    assert not (children & ~parents).any()
    assert children.sum() / parents.sum() == pytest.approx(0.5, abs=0.02)
    assert active.sum(axis=1).mean() == pytest.approx(20, rel=0.02)


def test_rivals_are_never_active_together():
    active = masks(ToyWorld(structure="rivals", num_active=50, decay=1.0))
    assert not (active[:, 0::2] & active[:, 1::2]).any()
    independent = masks(ToyWorld(num_active=50, decay=1.0))
    assert (independent[:, 0::2] & independent[:, 1::2]).any()


def test_varied_strengths_differ_by_feature():
    plain, varied = ToyWorld(), ToyWorld(varied_strengths=True)
    assert (plain.sizes == 1).all()
    assert np.log(varied.sizes).std() == pytest.approx(0.5, abs=0.05)
    assert varied.block(0, 4_096).values.max() > 1.5 > plain.block(0, 4_096).values.max()


@settings(max_examples=20)
@given(
    st.integers(0, 99),
    st.sampled_from(["batch", "sample", "never"]),
    st.sampled_from(["none", "hierarchy", "rivals"]),
)
def test_vectors_are_strengths_times_features(seed, correlation, structure):
    world = ToyWorld(
        num_features=12,
        width=5,
        num_active=2,
        correlation=correlation,
        structure=structure,
        seed=seed,
    )
    block, again = world.block(3, 17), world.block(3, 17)
    np.testing.assert_allclose(block.vectors, block.dense() @ world.features, atol=1e-5)
    assert (block.vectors == again.vectors).all()
    assert block.vectors.shape == (17, 5)


@pytest.mark.parametrize(
    ("settings_of", "told"),
    [
        ({"num_active": 600}, "num_active is 600.*between 1 and num_features, 512"),
        ({"num_active": 0}, "num_active is 0"),
        ({"decay": 0.0}, "decay is 0.0"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"num_features": 9, "structure": "rivals"}, "num_features is 9.*even"),
    ],
)
def test_a_world_that_cannot_be_is_refused(settings_of, told):
    with pytest.raises(UserError, match=told):
        ToyWorld(**settings_of)
