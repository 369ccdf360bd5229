"""The difference of two shares has the interval that Newcombe printed."""

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.metrics.proportions import difference_of_shares


@pytest.mark.parametrize(
    ("counts", "ends"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((10, 10, 0, 20), (0.6791, 1.0000)),
        ((0, 10, 0, 10), (-0.2775, 0.2775)),
    ],
)
def test_ends_are_those_of_the_published_table(counts, ends):
    """Newcombe 1998, Table II, method 10, examples a, b, f (as 10/10 - 0/20) and g."""
    found = difference_of_shares(*counts)
    assert found.ends == pytest.approx(ends, abs=6e-5)


def test_ends_hold_the_true_difference_as_often_as_they_say():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(2_000):
        one, two = rng.binomial(1_000, 0.95), rng.binomial(1_000, 0.3)
        low, high = difference_of_shares(int(one), 1_000, int(two), 1_000).ends
        inside += low <= 0.65 <= high
    assert 0.935 <= inside / 2_000 <= 0.965


def test_a_thousand_prompts_a_tier_bound_a_gap_within_four_and_a_half_points():
    low, high = difference_of_shares(500, 1_000, 500, 1_000).ends
    assert (high - low) / 2 < 0.045


def test_one_trial_has_no_interval():
    assert difference_of_shares(1, 1, 3, 5).ends is None


def test_more_successes_than_trials_are_refused():
    with pytest.raises(UserError):
        difference_of_shares(6, 5, 1, 5)
