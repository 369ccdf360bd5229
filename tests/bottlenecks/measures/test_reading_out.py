"""Interventions, twins, likeness of runs and where a leak hides, on cases with known answers."""

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.bottlenecks.alike import more_alike, residual_similarity
from tacit.bottlenecks.hiding import (
    concept_leaks,
    concept_properties,
    leak_rank_correlation,
    mean_shift,
)
from tacit.bottlenecks.intervening import intervention_curve
from tacit.bottlenecks.twins import excess_over_ceiling

N = 2000


@pytest.fixture
def rng():
    return stream(0, "tests/reading out")


def twins(rng):
    """Eight classes in four concept codes of two concepts."""
    label = rng.integers(0, 8, N)
    return label, np.stack([label // 2 % 2, label // 4], axis=1) > 0


def head_of_codes(given):
    """Names the first of the two twins with the concepts read."""
    said = given[:, :2] > 0
    return np.eye(8)[2 * said[:, 0] + 4 * said[:, 1]]


def test_setting_all_concepts_gives_what_true_concepts_give(rng):
    label, truth = twins(rng)
    wrong = rng.random(truth.shape) < 0.3
    readings = np.where(truth ^ wrong, 3.0, -3.0)
    found = intervention_curve(readings, truth, [[0], [1]], head_of_codes, label)
    accuracies = [each.value for each in found.set_to_truth]
    assert found.num_groups == (0, 1, 2)
    assert accuracies[0] == pytest.approx(0.5 * 0.7**2, abs=0.03)
    assert accuracies[1] == pytest.approx(0.5 * 0.7, abs=0.03)
    assert accuracies[2] == (label % 2 == 0).mean()
    assert {each.value for each in found.set_to_own} == {accuracies[0]}


def test_a_head_that_reads_size_falls_in_the_control_too(rng):
    label, truth = twins(rng)
    readings = np.where(truth, 3.0, -3.0) + 0.5 * np.where(label % 2, 1, -1)[:, None]

    def head(given):
        second = (given - 3 * np.sign(given)).mean(axis=1) > 0.25
        return np.eye(8)[(head_of_codes(given).argmax(1) + second).clip(0, 7)]

    for values in ("percentiles", "flat"):
        found = intervention_curve(
            readings, truth, [[0, 1]], head, label, values=values, seed=1
        )
        assert found.set_to_truth[0].value > 0.9
        assert found.set_to_truth[1].value == found.set_to_own[1].value < 0.6


@pytest.mark.parametrize(("values", "no", "yes"), [("sigmoid", 0, 1), ("flat", -3, 3)])
def test_the_values_written_are_those_asked_for(rng, values, no, yes):
    label, truth = twins(rng)
    seen = []

    def head(given):
        seen.append(given.copy())
        return np.eye(8)[label]

    readings = rng.random((N, 3))
    intervention_curve(readings, truth, [[0], [1]], head, label, orders=1, values=values)
    np.testing.assert_array_equal(seen[2][:, :2], np.where(truth, yes, no))
    np.testing.assert_array_equal(seen[2][:, 2], readings[:, 2])


def test_groups_that_name_no_concept_are_a_mistake(rng):
    label, truth = twins(rng)
    with pytest.raises(UserError, match="name concepts by their column"):
        intervention_curve(truth + 0.0, truth, [[2]], head_of_codes, label)


def test_what_exceeds_the_ceiling_is_counted_by_images_and_by_pairs(rng):
    pair = np.repeat(np.arange(10), 100)
    found = excess_over_ceiling(rng.random(1000) < 0.5, pair)
    assert found.by_images.low < 0 < found.by_images.high
    assert found.by_pairs.n == 10 and found.by_images.n == 1000
    # Half of the pairs are told apart in full: pairs scatter far more than images.
    half = excess_over_ceiling((pair < 5) | (np.arange(1000) % 2 == 0), pair)
    assert half.by_images.value == half.by_pairs.value == 0.25
    assert half.by_pairs.low < half.by_images.low
    assert half.least_nats == pytest.approx(
        np.log(2) + 0.75 * np.log(0.75) + 0.25 * np.log(0.25)
    )
    assert excess_over_ceiling(
        np.ones(4, dtype=bool), np.zeros(4, dtype=int)
    ).least_nats == (pytest.approx(np.log(2)))


def runs(rng, *, leak=0.0, alike=0.0):
    """Logits of two runs that share a leak of the twin and the noise of a picture, as asked."""
    label, truth = twins(rng)
    shared = rng.standard_normal(truth.shape)
    sides = [
        np.where(truth, 3.0, -3.0)
        + leak * np.where(label % 2, 1, -1)[:, None]
        + np.sqrt(alike) * shared
        + np.sqrt(1 - alike) * rng.standard_normal(truth.shape)
        for _ in range(2)
    ]
    return *sides, truth, label


def test_runs_without_a_leak_are_not_alike_although_their_concepts_are(rng):
    first, second, truth, label = runs(rng)
    assert np.corrcoef(first[:, 0], second[:, 0])[0, 1] > 0.8
    found = residual_similarity(first, second, truth, label)
    assert found.similarity.value == pytest.approx(0, abs=0.05)
    assert found.p_value > 0.01


def test_a_shared_leak_is_alike_by_class_and_shared_noise_is_not(rng):
    leaky = residual_similarity(*runs(rng, leak=1.0))
    assert leaky.similarity.value == pytest.approx(0.5, abs=0.05)
    assert leaky.by_class.value == pytest.approx(0.5, abs=0.05)
    noisy = residual_similarity(*runs(rng, alike=0.5))
    assert noisy.similarity.value == pytest.approx(0.5, abs=0.05)
    assert noisy.by_class.value == pytest.approx(0, abs=0.02)
    assert noisy.p_value == 0.01
    within = residual_similarity(*runs(rng, leak=1.0), given="class")
    assert within.similarity.value == pytest.approx(0, abs=0.05)
    assert more_alike(leaky, within).value == pytest.approx(0.5, abs=0.07)


def test_a_concept_whose_logit_is_constant_is_left_out(rng):
    first, second, truth, label = runs(rng, leak=1.0)
    first[:, 1] = 0
    found = residual_similarity(first, second, truth, label)
    assert found.num_left_out == 1 and found.concepts.tolist() == [0]


def test_each_logit_leaks_what_its_normals_hold(rng):
    """Class means of variance v about noise of 1 hold ln(1 + v) / 2."""
    label, truth = twins(rng)
    logits = rng.standard_normal((N, 3)) + 5 * truth[:, :1]
    logits[:, 1] += np.where(label % 2, 1, -1)
    found = concept_leaks(label, truth, np.column_stack([logits, np.ones(N)]))
    # Two means at -1 and 1 have a variance of 2 as two drawn from a population do.
    assert found[1] == pytest.approx(np.log(1 + 2) / 2, abs=0.05)
    assert found[[0, 2]] == pytest.approx(0, abs=0.01)
    assert np.isnan(found[3])


def test_leaks_without_a_leak_are_zero_on_average(rng):
    label, truth = twins(rng)
    found = concept_leaks(label, truth, rng.standard_normal((N, 400)))
    assert abs(found.mean()) < 4 * found.std() / 20


def test_entropy_and_imbalance_are_those_of_the_shares(rng):
    truth = np.arange(100)[:, None] < np.array([50, 10, 100])
    found = concept_properties(truth)
    assert found.entropy[0] == 1 and found.entropy[2] == 0
    assert found.imbalance[:2] == pytest.approx([1, 9])
    assert found.num_constant == 1
    shift = mean_shift(truth + 0.0, truth + np.array([1.0, -2.0, 0.0]))
    assert shift == pytest.approx([1, 2, 0])


def test_a_property_that_only_goes_with_the_weight_is_told_from_the_weight(rng):
    weight = rng.standard_normal(200)
    entropy = weight + rng.standard_normal(200)
    leaks = weight + 0.3 * rng.standard_normal(200)
    plain = leak_rank_correlation(leaks, entropy)
    beside = leak_rank_correlation(leaks, entropy, beside=weight)
    assert plain.low > 0.5
    assert beside.low < 0.1 and beside.value < 0.2


def test_ranks_are_correlated_as_scipy_does(rng):
    from scipy.stats import spearmanr

    a, b = rng.standard_normal((2, 30))
    found = leak_rank_correlation(np.append(a, np.nan), np.append(b, 1.0))
    assert found.value == pytest.approx(spearmanr(a, b).statistic)
    assert found.n == 30
    with pytest.raises(UserError, match="over 3 concepts"):
        leak_rank_correlation(a[:3], b[:3])
