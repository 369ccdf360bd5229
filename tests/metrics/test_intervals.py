"""Wilson's interval and what every interval promises: ends, or a reason."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.metrics import Interval, Resampling, clopper_pearson, wilson
from tacit.metrics.intervals import root_seed


@given(st.integers(2, 500), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_agrees_with_an_independent_implementation(trials, share, level):
    successes = round(share * trials)
    ours = wilson(successes, trials, level=level)
    theirs = binomtest(successes, trials).proportion_ci(level, method="wilson")
    assert ours.ends == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    low, high = ours.ends
    assert 0 <= low <= ours.value <= high <= 1


@pytest.mark.parametrize("trials", [10, 30, 100, 400])
def test_wilson_covers_the_true_share_near_its_level(trials):
    counts = np.arange(trials + 1)
    ends = np.array([wilson(k, trials).ends for k in counts.tolist()])
    shares = np.linspace(0.02, 0.98, 193)[:, None]
    held = (ends[:, 0] <= shares) & (shares <= ends[:, 1])
    coverage = (binom.pmf(counts, trials, shares) * held).sum(axis=1)
    # Exact sums over all outcomes; a discrete interval can only be near its level on average.
    assert coverage.mean() == pytest.approx(0.95, abs=0.01)
    assert coverage.min() > 0.83


@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_clopper_pearson_agrees_with_an_independent_implementation(trials, share, level):
    successes = round(share * trials)
    ours = clopper_pearson(successes, trials, level=level)
    theirs = binomtest(successes, trials).proportion_ci(level, method="exact")
    assert ours.ends == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    low, high = ours.ends
    assert 0 <= low <= ours.value <= high <= 1


@pytest.mark.parametrize("trials", [1, 5, 10, 30, 100])
def test_clopper_pearson_never_covers_less_than_its_level(trials):
    counts = np.arange(trials + 1)
    ends = np.array([clopper_pearson(k, trials).ends for k in counts.tolist()])
    shares = np.linspace(0.001, 0.999, 999)[:, None]
    held = (ends[:, 0] <= shares) & (shares <= ends[:, 1])
    coverage = (binom.pmf(counts, trials, shares) * held).sum(axis=1)
    assert coverage.min() >= 0.95


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.5), (1.0, 0.6), (0.99, 0.1)])
def test_clopper_pearson_covers_the_mean_of_two_kinds_of_trials(first, second):
    """Ten trials of each of two chances: what balanced sets of fragments are."""
    counts = np.arange(21)
    chances = np.convolve(*(binom.pmf(np.arange(11), 10, each) for each in (first, second)))
    ends = np.array([clopper_pearson(k, 20).ends for k in counts.tolist()])
    mean = (first + second) / 2
    held = (ends[:, 0] <= mean) & (mean <= ends[:, 1])
    assert (chances * held).sum() >= 0.95


def test_the_extremes_are_exact():
    assert wilson(0, 20).low == 0
    assert wilson(20, 20).high == 1


def test_one_trial_has_a_value_and_no_ends_but_a_reason():
    one = wilson(1, 1)
    assert (one.value, one.low, one.high, one.ends) == (1, None, None, None)
    assert one.reason == "one trial says nothing of the spread"


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_refused(successes, trials):
    for interval in (wilson, clopper_pearson):
        with pytest.raises(UserError, match=f"share {successes} of {trials}"):
            interval(successes, trials)


def test_an_interval_without_ends_must_say_why():
    with pytest.raises(AssertionError, match="reason"):
        Interval(value=1.0, low=None, high=None, n=1, method="wilson")
    with pytest.raises(AssertionError, match="both ends or none"):
        Interval(value=1.0, low=0.0, high=None, n=1, method="wilson", reason="?")
    with pytest.raises(AssertionError, match="finite"):
        Interval(value=float("nan"), low=0.0, high=1.0, n=2, method="wilson")
    with pytest.raises(AssertionError, match="out of order"):
        Interval(value=1.0, low=2.0, high=1.0, n=2, method="wilson")


def test_the_seed_is_the_root_of_the_stream():
    assert root_seed(stream(7, "metrics/interval")) == 7
    assert root_seed(np.random.default_rng(11)) == 11


def test_settings_that_make_no_interval_are_refused():
    with pytest.raises(UserError, match="99 repeats"):
        Resampling(repeats=99)
    with pytest.raises(UserError, match=r"level 95\.0"):
        Resampling(level=95.0)
    with pytest.raises(UserError, match=r"level 0\.0"):
        wilson(1, 2, level=0.0)
