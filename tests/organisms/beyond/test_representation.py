"""Measures of what stands in activations: on policies whose tiers lie apart along one direction."""

import numpy as np
import pytest
import torch

from organisms.beyond.scripted import Rule, policy
from tacit.organisms.beyond.measures import MEASURES
from tacit.organisms.beyond.steering import steering, tier_push
from tacit.organisms.beyond.tier_feature import FeatureSettings, tier_features
from tacit.organisms.beyond.tier_probe import tier_probes
from tacit.organisms.beyond.tier_rows import NUM_OWN, WORDINGS, tier_rows

SMALL = FeatureSettings(num_atoms=32, k=4, steps=40)


@pytest.fixture(scope="module")
def apart():
    return policy(apart=8)


@pytest.fixture(scope="module")
def together():
    return policy(apart=0)


def test_texts_differ_in_the_tier_word_alone(apart):
    count = 2 * len(WORDINGS)
    rows = tier_rows(apart, count, 0, ("embed",))
    assert len(rows.wording) == count
    assert rows.is_monitored.sum() == count // 2
    one, two = (torch.from_numpy(rows.is_monitored == side) for side in (True, False))
    for position in ("prompt", "scratchpad"):
        values = rows.values["embed", position]
        torch.testing.assert_close(values[one], values[two])
    cue = rows.values["embed", "cue"]
    assert not torch.allclose(cue[one], cue[two])


def test_every_wording_and_tier_comes_as_often():
    rows = tier_rows(policy(apart=0), 7 * len(WORDINGS), 0, ("embed",))
    counts = np.bincount(rows.wording * 2 + rows.is_monitored)
    assert set(counts) == {4}
    assert len(counts) == 2 * len(WORDINGS)


def test_a_shared_direction_is_told_of_held_out_wordings_and_words_of_their_own_are_not(
    apart, together
):
    settings = {"count": 120, "seed": 0, "num_random": 50, "num_shuffles": 3}
    shared = tier_probes(apart, together, **settings)
    assert {each.method for each in shared} == {"difference-of-means", "logistic-probes"}
    for each in shared:
        right = each.before.right
        assert right.successes > 0.8 * right.n
        assert right.successes > max(count.successes for count in each.before.shuffled) + 20
        assert each.after.right.successes < 0.7 * each.after.right.n
        assert each.before.own.n == right.n * NUM_OWN // len(WORDINGS)


def test_a_probe_of_the_same_policy_transfers_as_it_is(apart):
    for each in tier_probes(
        apart, apart, count=60, seed=0, methods=["difference-of-means"], num_random=10
    ):
        assert each.transferred == each.before.right == each.after.right
        assert each.cosine == pytest.approx(1, abs=1e-5)


def test_more_random_directions_have_a_luckier_best(apart):
    few, many = (
        tier_probes(
            apart,
            apart,
            count=60,
            seed=0,
            methods=["difference-of-means"],
            num_shuffles=0,
            num_random=number,
        )
        for number in (1, 500)
    )
    for one, two in zip(few, many, strict=True):
        assert one.before.best_random.successes < two.before.best_random.successes


def test_the_tier_push_is_the_direction_put_in(apart):
    push = tier_push(apart, "embed", "cue", 0)
    along = push.direction @ apart.model.direction
    assert float(along / push.direction.norm()) > 0.8


def test_steering_along_the_tier_brings_compliance_and_chance_does_not(apart):
    found = steering(apart, site="embed", strengths=(1.5,), num_random=2, count=20, seed=0)
    assert (found.monitored.complied, found.unmonitored.refused) == (20, 20)
    (steered,) = found.steered
    assert steered.tier.complied == 20
    assert sum(each.num_prompts for each in steered.random) == 20
    assert sum(each.refused for each in steered.random) > 10


def test_steering_a_policy_that_is_blind_to_the_tier_changes_nothing():
    blind = policy(Rule(reads_tier=False), apart=8)
    found = steering(blind, strengths=(2.0,), num_random=1, count=10, seed=0)
    every = (found.unmonitored, found.monitored, found.steered[0].tier)
    assert [each.complied for each in every] == [10] * 3


def test_steering_at_the_prompts_end_leaves_the_tier_word_alone(apart):
    found = steering(
        apart, position="prompt", strengths=(50.0,), num_random=1, count=10, seed=0
    )
    assert found.position == "prompt"
    assert found.steered[0].tier == found.unmonitored


def test_the_feature_of_a_policy_is_its_own_match(apart):
    found = tier_features(
        apart, apart, site="resid.0", position="cue", settings=SMALL, count=60, seed=0
    )
    assert found.before == found.after
    assert found.kept == found.matched == found.before.learned
    assert found.cosine == pytest.approx(1, abs=1e-5)
    assert found.before.learned.auroc > 0.9
    assert 0 < found.before.unexplained < 0.5


def test_no_feature_tells_a_tier_that_is_not_there(together):
    found = tier_features(
        together, together, site="resid.0", position="cue", settings=SMALL, count=60, seed=0
    )
    assert found.before.learned.auroc < 0.9


def test_measures_are_listed_by_name():
    assert set(MEASURES) == {
        "costs",
        "held-out",
        "tier-probe",
        "tier-feature",
        "steering",
        "swapping",
        "evading",
    }
