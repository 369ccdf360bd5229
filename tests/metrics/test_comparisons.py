"""Paired differences and permutation tests, against exact enumeration and under no effect."""

import itertools

import numpy as np
import pytest
from scipy.stats import permutation_test

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.metrics import Resampling, paired_difference, sign_flip_test, two_sample_test

ALTERNATIVES = ["two-sided", "greater", "less"]


def rng(purpose: str = "test"):
    return stream(3, purpose)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_sign_flips_agree_with_all_sign_patterns(alternative):
    differences = rng("d").normal(0.6, 1, 10)
    means = np.array(
        [np.mean(differences * s) for s in itertools.product([1, -1], repeat=10)]
    )
    observed = differences.mean()
    exact = {
        "greater": (means >= observed - 1e-12).mean(),
        "less": (means <= observed + 1e-12).mean(),
        "two-sided": (np.abs(means) >= abs(observed) - 1e-12).mean(),
    }[alternative]
    found = sign_flip_test(
        differences, np.zeros(10), rng(), alternative=alternative, repeats=20_000
    )
    # Four standard errors of a share at 20,000 draws.
    assert found.p_value == pytest.approx(exact, abs=4 * (0.25 / 20_000) ** 0.5)
    assert (found.n, found.repeats, found.seed) == (10, 20_000, 3)
    assert found.difference == pytest.approx(observed)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_two_samples_agree_with_an_independent_exact_test(alternative):
    first, second = rng("a").normal(0.8, 1, 6), rng("b").normal(0, 1, 5)
    exact = permutation_test(
        (first, second),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        alternative=alternative,
        vectorized=True,
        n_resamples=np.inf,
    ).pvalue
    if alternative == "two-sided":
        # Ours counts |difference|; scipy doubles the smaller tail. Count all deals instead.
        pooled = np.concatenate([first, second])
        deals = [list(deal) for deal in itertools.combinations(range(11), 6)]
        means = np.array([pooled[d].mean() - np.delete(pooled, d).mean() for d in deals])
        exact = (np.abs(means) >= abs(first.mean() - second.mean()) - 1e-12).mean()
    found = two_sample_test(first, second, rng(), alternative=alternative, repeats=20_000)
    assert found.p_value == pytest.approx(exact, abs=4 * (0.25 / 20_000) ** 0.5)
    assert found.n == 11


@pytest.mark.parametrize("test", [sign_flip_test, two_sample_test])
def test_false_alarms_are_as_rare_as_promised(test):
    draws = rng("null")
    p_values = np.array(
        [
            test(draws.normal(size=15), draws.normal(size=15), draws, repeats=199).p_value
            for _ in range(400)
        ]
    )
    # Three standard errors of a share of 0.05 (and of 0.5) among 400.
    assert (p_values <= 0.05).mean() <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    assert (p_values <= 0.5).mean() == pytest.approx(0.5, abs=3 * (0.25 / 400) ** 0.5)


@pytest.mark.parametrize("test", [sign_flip_test, two_sample_test])
def test_equal_samples_are_never_told_apart(test):
    values = np.full(8, 0.1)  # whose sums round differently in different orders
    assert test(values, values, rng(), repeats=99).p_value == 1


def test_the_smallest_p_value_is_one_in_the_draws_plus_one():
    found = sign_flip_test(np.full(60, 5.0), np.zeros(60), rng(), repeats=999)
    assert found.p_value == 1 / 1000


@pytest.mark.parametrize("test", [sign_flip_test, two_sample_test])
def test_blocks_of_draws_change_nothing(test, monkeypatch):
    first, second = rng("a").normal(size=12), rng("b").normal(size=12)
    whole = test(first, second, rng(), repeats=500)
    monkeypatch.setattr("tacit.metrics.comparisons._DRAWS_AT_ONCE", 240)
    again = test(first, second, rng(), repeats=500)
    assert again.p_value == pytest.approx(whole.p_value, abs=0.1)


def test_a_paired_difference_ignores_what_the_pairs_share():
    shared = rng("shared").normal(0, 100, 40)
    found = paired_difference(shared + 1 + rng("e").normal(0, 0.1, 40), shared, rng())
    assert found.low < 1 < found.high
    assert found.high - found.low < 0.1
    assert found.n == 40


def test_a_paired_difference_of_one_pair_has_no_interval():
    one = paired_difference(
        np.array([3.0]), np.array([1.0]), rng(), Resampling(repeats=100)
    )
    assert (one.value, one.ends) == (2, None)


def test_bad_input_is_explained(unchecked_shapes):
    values = np.ones(4)
    with unchecked_shapes(), pytest.raises(UserError, match="4 values were paired with 3"):
        sign_flip_test(values, values[:3], rng())
    with pytest.raises(UserError, match="1 of 4 values"):
        two_sample_test(values, np.array([1, 2, 3, np.inf]), rng())
    with pytest.raises(UserError, match="empty sample"):
        two_sample_test(values, values[:0], rng())
    with pytest.raises(UserError, match="3 permutations"):
        sign_flip_test(values, values, rng(), repeats=3)
