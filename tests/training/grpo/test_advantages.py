"""Advantages: by hand, and what no shift of a group's rewards can change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.training.grpo.advantages import SMALL, advantages


def test_by_hand():
    rewards = np.array([3.0, 1.0, 5.0, 2.0, 4.0, 7.0])
    groups = np.array([4, 9, 4, 9, 4, 9])
    kept = np.zeros(6, bool)
    plain = advantages(rewards, groups, kept, scale_by_deviation=False)
    assert plain.values == pytest.approx([-1, -7 / 3, 1, -4 / 3, 0, 11 / 3])
    scaled = advantages(rewards, groups, kept, scale_by_deviation=True)
    other = np.sqrt((49 + 16 + 121) / 9 / 2) + SMALL
    one = 1 / (1 + SMALL)
    assert scaled.values == pytest.approx(
        [-one, -7 / 3 / other, one, -4 / 3 / other, 0, 11 / 3 / other]
    )
    assert plain.equal_groups == scaled.equal_groups == 0


def test_excluded_rows_have_no_advantage_and_no_part_in_the_mean():
    rewards, groups = np.array([1.0, 0.0, 100.0, 5.0, 5.0, -9.0]), np.repeat([0, 1], 3)
    excluded = np.array([False, False, True, False, False, True])
    found = advantages(rewards, groups, excluded, scale_by_deviation=False)
    assert found.values.tolist() == [0.5, -0.5, 0, 0, 0, 0]
    assert found.equal_groups == 1


def test_a_group_that_cannot_be_compared_is_counted():
    rewards, groups = np.array([0.1, 0.1, 0.1, 2.0, 3.0, 1.0]), np.repeat([0, 1, 2], 2)
    rewards[2:] = [0.7, 2.0, 3.0, 3.0 + 1e-12]
    excluded = np.array([False, False, True, False, False, False])
    found = advantages(rewards, groups, excluded, scale_by_deviation=True)
    assert not found.values.any() and found.equal_groups == 3
    every = advantages(rewards, groups, np.ones(6, bool), scale_by_deviation=True)
    assert not every.values.any() and every.equal_groups == 0


@given(
    st.lists(st.floats(-5, 5), min_size=12, max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
    st.floats(-50, 50),
    st.booleans(),
)
def test_they_sum_to_zero_and_a_constant_changes_nothing(rewards, excluded, shift, scales):
    rewards, excluded, groups = np.array(rewards), np.array(excluded), np.arange(12) % 3
    found = advantages(rewards, groups, excluded, scale_by_deviation=scales)
    moved = advantages(rewards + shift, groups, excluded, scale_by_deviation=scales)
    for group in range(3):
        assert found.values[groups == group].sum() == pytest.approx(0, abs=1e-6)
    # Divided by a deviation that may be as small as SMALL.
    assert moved.values == pytest.approx(found.values, abs=1e-6)
    assert not found.values[excluded].any()
