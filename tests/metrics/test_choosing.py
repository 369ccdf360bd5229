"""Choosing by a stand-in: what is lost, and whether the orders agree."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.metrics.choosing import (
    log_log_slope,
    lost_by_choosing,
    rank_correlation,
    steps_ratio,
)

TRUTH = np.array([0.2, 0.9, 0.5])
numbers = st.lists(
    st.floats(-9, 9, allow_subnormal=False), min_size=3, max_size=20, unique=True
)


def test_the_lowest_score_is_chosen():
    assert lost_by_choosing(np.array([3.0, 2.0, 1.0]), TRUTH) == pytest.approx(0.4)
    assert lost_by_choosing(np.array([3.0, 1.0, 2.0]), TRUTH) == 0


def test_ties_go_to_the_lower_second_figure_and_then_to_the_first():
    equal = np.zeros(3)
    assert lost_by_choosing(equal, TRUTH) == pytest.approx(0.7)
    assert lost_by_choosing(equal, TRUTH, ties=np.array([2.0, 3.0, 1.0])) == pytest.approx(
        0.4
    )


def test_a_candidate_without_a_score_is_not_chosen_but_may_be_the_best():
    assert lost_by_choosing(np.array([1.0, math.nan, 2.0]), TRUTH) == pytest.approx(0.7)
    with pytest.raises(UserError, match="none of 3 candidates"):
        lost_by_choosing(np.full(3, math.nan), TRUTH)


@given(numbers)
def test_the_truth_itself_loses_nothing_and_ranks_perfectly(values):
    truth = np.array(values)
    assert lost_by_choosing(-truth, truth) == 0
    assert rank_correlation(-truth, truth) == pytest.approx(1)
    assert rank_correlation(truth, truth) == pytest.approx(-1)


@given(numbers, st.integers(0, 2**31))
def test_rank_correlation_is_that_of_the_ranks(values, seed):
    truth = np.array(values)
    scores = np.random.default_rng(seed).permutation(len(values)).astype(float)
    ranks = np.argsort(np.argsort(truth))
    expected = np.corrcoef(-scores, ranks)[0, 1]
    assert rank_correlation(scores, truth) == pytest.approx(expected)


def test_rank_correlation_is_missing_where_it_means_nothing():
    assert rank_correlation(np.array([1.0, 2.0]), np.array([1.0, 2.0])) is None
    assert rank_correlation(np.ones(4), np.arange(4.0)) is None
    assert rank_correlation(np.array([1.0, 2.0, math.nan]), np.arange(3.0)) is None


@given(st.floats(-3, 3), st.floats(0.1, 9))
def test_a_power_law_has_its_power_as_slope(power, factor):
    x = [128, 256, 1024]
    assert log_log_slope(x, [factor * each**power for each in x]) == pytest.approx(
        power, abs=1e-9
    )


@pytest.mark.parametrize(("x", "y"), [([2, 2], [1, 3]), ([1, 2], [0.0, 1.0])])
def test_a_slope_needs_two_places_and_positive_values(x, y):
    with pytest.raises(UserError, match="two or more different x"):
        log_log_slope(x, y)


def test_steps_are_compared_at_the_first_reading_that_reached_the_level():
    fast, slow = [(0, 0.1), (10, 0.9), (20, 0.8)], [(0, 0.0), (10, 0.5), (40, 0.9)]
    assert steps_ratio(fast, slow, 0.9) == 0.25
    assert steps_ratio(fast, slow, 0.95) is None
    assert steps_ratio(slow, [(0, 1.0)], 0.9) is None
