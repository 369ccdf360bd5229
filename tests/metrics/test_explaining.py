"""Correlation over fragments, balanced accuracy and the choice between two."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multinomial

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.metrics import (
    Resampling,
    balanced_accuracy,
    mean_credit,
    pearson,
    pooled_pearson,
    told_apart,
)
from tacit.metrics.explaining import EXPLAINED_RESAMPLING


@given(st.integers(0, 2**31))
def test_the_correlation_is_that_of_numpy_whatever_unit_and_offset(seed):
    random = np.random.default_rng(seed)
    true = random.exponential(size=int(random.integers(3, 50)))
    predicted = 10.0 ** random.integers(-6, 7) * (
        true * random.normal() + random.normal(size=len(true)) + 100 * random.normal()
    )
    expected = np.corrcoef(predicted, true)[0, 1]
    assert pearson(predicted, true) == pytest.approx(expected, abs=1e-6)


def test_the_pooled_correlation_is_that_of_all_tokens_together():
    random = np.random.default_rng(0)
    true = [random.exponential(size=size) for size in (5, 9, 64)]
    predicted = [each + random.normal(size=len(each)) for each in true]
    expected = np.corrcoef(np.concatenate(predicted), np.concatenate(true))[0, 1]
    assert pooled_pearson(predicted, true, random).value == pytest.approx(expected)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
def test_a_constant_side_has_no_correlation(constant):
    random = np.random.default_rng(0)
    varied, flat = random.normal(size=50), np.full(50, constant)
    assert pearson(flat, varied) is None
    assert pearson(varied, flat) is None
    assert pooled_pearson([flat, flat], [varied, varied], random) is None


def test_a_resample_without_a_correlation_leaves_no_ends_but_a_reason():
    silent, active = np.zeros(8), np.eye(8)[3]
    found = pooled_pearson(
        [silent, silent, active], [silent, silent, active], stream(0, "t")
    )
    assert found.value == pytest.approx(1)
    assert found.ends is None
    assert "resamples have no value" in found.reason


@pytest.mark.parametrize("num_fragments", [5, 10, 40])
def test_the_interval_holds_the_true_correlation_in_19_of_20_samples(num_fragments):
    """Fragments differ in scale, so that their tokens are not independent of one another."""
    truth, tokens, repeats = 0.6, 32, 200
    random = stream(0, "tests/coverage")
    held = 0
    for _ in range(repeats):
        scale = random.uniform(0.5, 1.5, size=(num_fragments, 1))
        true, rest = random.normal(size=(2, num_fragments, tokens)) * scale
        predicted = truth * true + np.sqrt(1 - truth**2) * rest
        low, high = pooled_pearson(list(predicted), list(true), random).ends
        held += low <= truth <= high
    # In 1,000 samples 0.92 of intervals hold it with 5 fragments, 0.94 with 10 and 40; 200 give
    # or take 0.04. Plain percentiles of 5 fragments: 0.82.
    assert 0.89 <= held / repeats <= 0.99


def test_the_interval_states_its_level_and_what_it_read():
    random = np.random.default_rng(0)
    sides = random.normal(size=(2, 6, 9))
    found = pooled_pearson(*map(list, sides), random, Resampling(repeats=100, level=0.9))
    assert (found.level, found.method, found.n) == (0.9, "expanded percentile 100", 6)
    assert EXPLAINED_RESAMPLING.repeats == 1000


def test_sides_that_do_not_match_are_refused():
    with pytest.raises(UserError, match="3 predicted and 4 true"):
        pooled_pearson([np.arange(3.0)], [np.arange(4.0)], np.random.default_rng(0))


def test_balanced_accuracy_weighs_both_kinds_alike():
    true = np.arange(10) < 2
    assert balanced_accuracy(np.ones(10, dtype=bool), true) == 0.5
    assert balanced_accuracy(np.zeros(10, dtype=bool), true) == 0.5
    assert balanced_accuracy(true, true) == 1
    assert balanced_accuracy(~true, true) == 0
    assert balanced_accuracy(np.arange(10) < 1, true) == 0.75


@pytest.mark.parametrize("kind", [True, False])
def test_a_balanced_accuracy_needs_both_kinds(kind):
    with pytest.raises(UserError, match="5 answers to questions of one kind"):
        balanced_accuracy(np.ones(5, dtype=bool), np.full(5, kind))


def test_a_tie_is_half_told_apart():
    wanted, other = np.array([1.0, 0.5, 0.0]), np.array([0.0, 0.5, 1.0])
    assert told_apart(wanted, other).tolist() == [1, 0.5, 0]


@pytest.mark.parametrize("n", [3, 10, 40])
def test_the_interval_of_credits_covers_at_least_its_level(n):
    """Exact sums over all outcomes of n credits of 0, 1/2 and 1, of any chances on a grid."""
    ends = {total: mean_credit(_credits(total, n)).ends for total in range(2 * n + 1)}
    outcomes = np.array([(a, b, n - a - b) for a in range(n + 1) for b in range(n + 1 - a)])
    low, high = np.array([ends[int(total)] for total in outcomes @ (0, 1, 2)]).T
    for none in np.linspace(0.01, 0.97, 9):
        for half in np.linspace(0.01, 0.98 - none, 5):
            chances = (none, half, 1 - none - half)
            mean = half / 2 + chances[2]
            held = (low <= mean) & (mean <= high)
            assert multinomial.pmf(outcomes[held], n, chances).sum() >= 0.95


def test_credits_outside_0_and_1_are_refused():
    with pytest.raises(UserError, match="mean of 2 credits"):
        mean_credit(np.array([0.5, 1.5]))
    with pytest.raises(UserError, match="mean of 0 credits"):
        mean_credit(np.empty(0))


def _credits(halves, n):
    """Return n credits that sum to so many halves."""
    return np.clip(halves / 2 - np.arange(n), 0, 1)
