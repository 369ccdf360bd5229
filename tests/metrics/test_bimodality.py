"""One mode or two: against samples whose modes are known, and against scipy's own density."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gaussian_kde

from tacit.base.errors import UserError
from tacit.metrics.bimodality import _density, _least_width, _peaks, modes_of, valley


def two_groups(rng, n=400, apart=1.0):
    return np.concatenate([rng.normal(0, 0.1, n), rng.normal(apart, 0.05, n // 2)])


def test_two_groups_are_told_apart_from_one():
    rng = np.random.default_rng(0)
    two = modes_of(two_groups(rng), rng, repeats=200)
    assert two.p_value == pytest.approx(1 / 201)
    assert two.valley < 0.05
    assert (two.low, two.high) == (
        pytest.approx(0, abs=0.05),
        pytest.approx(1, abs=0.05),
    )
    one = modes_of(rng.normal(size=500), rng, repeats=200)
    assert one.p_value > 0.05


def test_one_mode_is_rarely_rejected():
    rng = np.random.default_rng(1)
    rejected = [
        modes_of(rng.normal(size=100), rng, repeats=60).p_value < 0.05 for _ in range(40)
    ]
    assert np.mean(rejected) <= 0.1  # Silverman's test is conservative


def test_a_deeper_valley_is_lower():
    rng = np.random.default_rng(2)
    depths = [valley(two_groups(rng, apart=apart)) for apart in (0.35, 0.5, 0.8)]
    assert depths[0] > depths[1] > depths[2]


def test_the_density_is_scipys():
    rng = np.random.default_rng(3)
    sample = two_groups(rng)
    places, density = _density(sample, 0.08)
    kernel = gaussian_kde(sample, bw_method=0.08 / sample.std(ddof=1))
    np.testing.assert_allclose(density, kernel(places), atol=0.01 * density.max())
    assert np.trapezoid(density, places) == pytest.approx(1, abs=1e-3)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_modes_fall_with_width_and_the_least_width_is_the_edge(seed):
    sample = two_groups(np.random.default_rng(seed), n=30, apart=0.5)
    counts = [
        len(_peaks(_density(sample, width)[1])) for width in np.geomspace(0.01, 1, 12)
    ]
    assert counts == sorted(counts, reverse=True)
    for few in (1, 2):
        edge = _least_width(sample, few)
        assert len(_peaks(_density(sample, edge)[1])) <= few
        assert len(_peaks(_density(sample, edge * 0.98)[1])) > few


@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-5, 5))
@settings(max_examples=25)
def test_scale_and_place_do_not_matter(seed, scale, place):
    sample = two_groups(np.random.default_rng(seed), n=40)
    assert valley(sample * scale + place) == pytest.approx(valley(sample), abs=1e-3)


@pytest.mark.parametrize("sample", [np.arange(7.0), np.ones(20), np.full(20, np.nan)])
def test_samples_without_modes_are_refused(sample):
    with pytest.raises(UserError, match="the modes of"):
        modes_of(sample, np.random.default_rng(0))
