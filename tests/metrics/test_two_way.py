"""Means over seeds and units keep their word, and corrected chances theirs."""

import numpy as np
import pytest
from scipy import stats

from tacit.base.errors import UserError
from tacit.metrics.student import student_mean
from tacit.metrics.two_way import apart_mean, crossed_mean, holm


@pytest.mark.parametrize("shape", [(1, 9), (9, 1)])
def test_one_seed_or_one_unit_is_students(shape):
    values = np.random.default_rng(0).normal(0.5, 1, 9)
    found = crossed_mean(values.reshape(shape))
    assert found.interval.ends == pytest.approx(student_mean(values).ends)
    assert found.p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert found.interval.n == 9


def drawn(rng, spread, seeds, units=12):
    """Return values about 0 whose seeds, units and remainder spread so much."""
    shapes = ((seeds, 1), (1, units), (seeds, units))
    return sum(s * rng.normal(size=shape) for s, shape in zip(spread, shapes, strict=True))


@pytest.mark.parametrize(
    ("spread", "seeds", "most"),
    [
        ((1, 0.1, 0.1), 2, 0.98),
        ((1, 1, 1), 2, 0.99),
        ((0.1, 1, 0.4), 2, 1),  # two seeds alike say little: wider than it need be
        ((1, 1, 1), 5, 0.98),
        ((0.1, 1, 0.4), 5, 0.98),
    ],
)
def test_intervals_hold_other_seeds_and_other_units(spread, seeds, most):
    rng, repeats = np.random.default_rng(seeds), 400
    found = [crossed_mean(drawn(rng, spread, seeds)) for _ in range(repeats)]
    ends = np.array([each.interval.ends for each in found])
    held = ((ends[:, 0] <= 0) & (ends[:, 1] >= 0)).mean()
    assert 0.95 - 3 * (0.95 * 0.05 / repeats) ** 0.5 <= held <= most
    # The interval and the chance are of one mind, and small chances are as rare as they say.
    chance = np.array([each.p_value for each in found])
    assert (chance >= 0.05).mean() == held
    assert (chance < 0.01).mean() <= 0.01 + 3 * (0.01 * 0.99 / repeats) ** 0.5


def test_other_units_are_compared_as_welch_does():
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1, 12), rng.normal(1, 3, 7)
    found, welch = (
        apart_mean(first, second),
        stats.ttest_ind(first, second, equal_var=False),
    )
    assert found.p_value == pytest.approx(welch.pvalue)
    assert found.interval.ends == pytest.approx(tuple(welch.confidence_interval()))
    assert found.interval.n == 7


def test_what_has_no_spread_has_no_ends():
    alike = crossed_mean(np.full((3, 4), 0.2))
    assert alike.interval.ends is None and alike.p_value is None
    assert crossed_mean(np.array([[0.2]])).interval.reason == "one unit has no spread"
    assert apart_mean(np.array([1.0]), np.array([1.0, 2.0])).interval.ends is None
    with pytest.raises(UserError, match="empty sample"):
        apart_mean(np.array([]), np.array([1.0]))
    with pytest.raises(UserError, match="give one value"):
        crossed_mean(np.zeros((0, 3)))


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_lets_one_family_in_twenty_raise_a_false_alarm():
    rng = np.random.default_rng(3)
    alarms = sum(min(holm(rng.random(10).tolist())) < 0.05 for _ in range(1_000))
    assert alarms / 1_000 <= 0.05 + 3 * (0.05 * 0.95 / 1_000) ** 0.5
