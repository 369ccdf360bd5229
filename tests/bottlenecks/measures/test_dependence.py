"""Nearest neighbours give the information of normals and classes that is known in closed form."""

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.bottlenecks.dependence import (
    entropy_of,
    normal_scores,
    of_class,
    of_counts,
    of_score,
)
from tacit.bottlenecks.impurity import aurocs, oracle_impurity
from tacit.bottlenecks.information import concept_task_leakage, interconcept_leakage
from tacit.bottlenecks.known_leaks import information_on_line
from tacit.bottlenecks.logits import as_logits
from tacit.bottlenecks.residual_ratio import uncertainty_reduction_ratio
from tacit.metrics import auroc

N = 3000


@pytest.fixture
def rng():
    return stream(0, "tests/dependence")


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_two_normals_share_what_their_correlation_says(rng, correlation):
    a, b = rng.standard_normal((2, N))
    b = correlation * a + np.sqrt(1 - correlation**2) * b
    found = of_score(normal_scores(a, rng), normal_scores(b, rng))
    assert found == pytest.approx(-np.log(1 - correlation**2) / 2, abs=0.05)


@pytest.mark.parametrize("distance", [0.0, 2.0])
@pytest.mark.parametrize("steepness", [1, 30])
def test_a_score_tells_of_classes_what_the_integral_says_however_steep(
    rng, distance, steepness
):
    label = rng.integers(0, 2, N)
    logit = rng.standard_normal(N) + distance * (label - 0.5)
    truth = information_on_line(np.array([0.0, distance]), np.eye(2))
    with np.errstate(over="ignore"):
        saturated = 1 / (1 + np.exp(-steepness * logit))
    assert of_class(normal_scores(saturated, rng), label) == pytest.approx(truth, abs=0.04)


def test_200_classes_tell_nothing_of_a_score_drawn_apart(rng):
    label = rng.integers(0, 200, N)
    assert of_class(rng.standard_normal(N), label) == pytest.approx(0, abs=0.03)


def test_it_agrees_with_scikit_learn(rng):
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    label = rng.integers(0, 5, 800)
    a = rng.standard_normal(800) + label / 2
    b = a + rng.standard_normal(800)
    (theirs,) = mutual_info_classif(a[:, None], label, random_state=0)
    assert of_class(a, label) == pytest.approx(theirs, abs=1e-3)
    (theirs,) = mutual_info_regression(a[:, None] / a.std(), b / b.std(), random_state=0)
    assert of_score(a / a.std(), b / b.std()) == pytest.approx(theirs, abs=0.01)


def test_counts_give_a_channel_its_information(rng):
    a = rng.integers(0, 2, N)
    b = a ^ (rng.random(N) < 0.1)
    carried = np.log(2) + 0.1 * np.log(0.1) + 0.9 * np.log(0.9)
    assert of_counts(a, b) == pytest.approx(carried, abs=0.03)
    assert of_counts(a, a) == pytest.approx(np.log(2), abs=0.01)
    assert entropy_of(np.array([5.0, 0.0])) == 0


def leaky(rng, leak):
    """Eight classes in four concept codes; one logit also tells which of two twins it is."""
    label = rng.integers(0, 8, N)
    truth = np.stack([label // 2 % 2, label // 4], axis=1) > 0
    logits = np.where(truth, 3.0, -3.0) + rng.standard_normal((N, 2))
    logits[:, 0] += leak * (label % 2 - 0.5)
    return logits, truth, label


def test_a_logit_that_tells_twins_apart_leaks_and_one_that_does_not_does_not(rng):
    logits, truth, label = leaky(rng, 4.0)
    found = concept_task_leakage(logits, truth, label)
    assert found.each[0] > 0.15
    assert found.each[1] == pytest.approx(0, abs=0.02)
    assert found.num_below == (found.each < 0).sum()
    assert found.mean.value == pytest.approx(np.maximum(found.each, 0).mean())
    pure = concept_task_leakage(*leaky(rng, 0.0))
    assert np.abs(pure.each).max() < 0.02


def test_hard_logits_leak_nothing_as_they_are_counted(rng):
    _, truth, label = leaky(rng, 0.0)
    found = concept_task_leakage(np.where(truth, 3.0, -3.0), truth, label)
    assert found.each == pytest.approx(0)


def test_logits_that_share_noise_leak_into_one_another(rng):
    logits, truth, _ = leaky(rng, 0.0)
    pure = interconcept_leakage(logits, truth)
    assert np.abs(pure.each).max() < 0.02
    both = 4 * rng.standard_normal((N, 1)) + logits
    assert interconcept_leakage(both, truth).mean.value > 0.05


def test_constant_concepts_are_left_out_and_counted(rng):
    logits, truth, label = leaky(rng, 1.0)
    more = np.column_stack([truth, np.ones(N, dtype=bool)])
    wide = np.column_stack([logits, rng.standard_normal(N)])
    assert concept_task_leakage(wide, more, label).num_constant == 1
    assert interconcept_leakage(wide, more, most_pairs=1).num_constant == 1
    assert oracle_impurity(wide, more).num_left_out == 1
    with pytest.raises(UserError, match="every concept is the same"):
        concept_task_leakage(wide[:, 2:], more[:, 2:], label)


def test_logits_that_are_the_concepts_are_pure_and_independent_noise_is_not(rng):
    _, truth, _ = leaky(rng, 0.0)
    pure = oracle_impurity(truth + 0.0, truth)
    assert pure.value == 0
    noise = oracle_impurity(rng.standard_normal((N, 2)), truth)
    # Half is lost on the diagonal and nothing beside it: sqrt(2 * .25) over k / 2 = 1.
    assert noise.value == pytest.approx(np.sqrt(0.5), abs=0.05)


def test_every_auroc_is_that_of_its_pair(rng):
    rows, truth = rng.standard_normal((50, 3)).round(1), rng.random((50, 2)) < 0.4
    found = aurocs(rows, truth)
    for i in range(3):
        for j in range(2):
            assert found[i, j] == pytest.approx(auroc(rows[:, i], truth[:, j]))


def test_a_nuisance_is_reduced_by_what_its_normals_share(rng):
    nuisance = rng.integers(0, 2, N)
    readings = rng.standard_normal((N, 5))
    none = uncertainty_reduction_ratio(readings, nuisance)
    assert none.value == pytest.approx(0, abs=0.01)
    readings[:, 0] += 2 * nuisance
    truth = information_on_line(np.array([0.0, 2.0]), np.eye(2)) / np.log(2)
    found = uncertainty_reduction_ratio(readings, nuisance)
    assert found.low < truth < found.high
    with pytest.raises(UserError, match="no uncertainty"):
        uncertainty_reduction_ratio(readings, np.zeros(N, dtype=np.int64))


def test_logits_are_told_from_probabilities_and_from_hard_readings(rng):
    logits = 3 * rng.standard_normal((20, 4))
    assert as_logits(logits).told == "logits, taken as they are"
    found = as_logits(1 / (1 + np.exp(-logits)))
    np.testing.assert_allclose(found.values, logits)
    assert found.num_held == 0
    hard = as_logits((logits > 0).astype(np.float32))
    assert "0 and 1 alone" in hard.told
    assert as_logits(np.array([[0.0, 0.3, 1.0]])).num_held == 2
