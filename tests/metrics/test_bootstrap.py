"""Bootstrap intervals: an independent implementation, coverage where the truth is known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, t

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.metrics import (
    Resampling,
    VarianceUnexplained,
    bootstrap_mean,
    bootstrap_ratio,
    bootstrap_rows,
    bootstrap_sums,
)

QUICK = Resampling(repeats=400)
# 300 samples: an honest 95 % interval misses 15 of them, give or take 4; three deviations.
COVERED_BY_CHANCE = 3 * (0.05 * 0.95 / 300) ** 0.5


def rng(purpose: str = "test"):
    return stream(3, purpose)


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("chunk", [50, 2_000_000])
def test_a_mean_agrees_draw_for_draw_with_an_independent_implementation(
    method, chunk, monkeypatch
):
    monkeypatch.setattr("tacit.metrics.bootstrap._DRAWS_AT_ONCE", chunk)
    values = rng("values").exponential(size=40)
    ours = bootstrap_mean(values, np.random.default_rng(5), Resampling(method=method))
    theirs = bootstrap(
        (values,), np.mean, n_resamples=2000, method=method, rng=np.random.default_rng(5)
    ).confidence_interval
    assert ours.value == pytest.approx(values.mean())
    assert ours.ends == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_a_ratio_agrees_with_an_independent_implementation(method):
    above, below = rng("a").exponential(size=30), 1 + rng("b").exponential(size=30)

    def ratio(x, y, axis=-1):
        return x.sum(axis=axis) / y.sum(axis=axis)

    ours = bootstrap_ratio(
        above, below, np.random.default_rng(5), Resampling(method=method)
    )
    theirs = bootstrap(
        (above, below),
        ratio,
        paired=True,
        vectorized=True,
        method=method,
        n_resamples=2000,
        rng=np.random.default_rng(5),
    ).confidence_interval
    assert ours.ends == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_the_quick_way_and_the_general_way_agree(method):
    values = rng("values").normal(size=25)
    resampling = Resampling(method=method, repeats=500)
    quick = bootstrap_mean(values, rng(), resampling)
    general = bootstrap_rows(
        values[:, None], lambda rows: rows[:, :, 0].mean(axis=1), rng(), resampling
    )
    assert quick.ends == pytest.approx(general.ends, abs=1e-9)
    assert (quick.n, quick.method, quick.seed) == (25, f"{method} 500", 3)


def test_a_mean_of_normals_is_covered_near_the_level():
    draws = rng("coverage")
    samples = draws.normal(5, 2, (300, 60))
    ends = np.array([bootstrap_mean(row, draws).ends for row in samples])
    covered = ((ends[:, 0] <= 5) & (ends[:, 1] >= 5)).mean()
    # In the limit of many draws the ends lie 1.96 plug-in deviations from the mean, which is
    # Student's t with 59 degrees at 1.96 sqrt(59 / 60): 0.943.
    theory = 1 - 2 * t.sf(1.96 * np.sqrt(59 / 60), 59)
    assert covered == pytest.approx(theory, abs=COVERED_BY_CHANCE)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_a_ratio_of_skewed_sums_is_covered_near_the_level(method):
    draws = rng("ratio coverage")
    # Documents of unequal length, each with its own share: the truth is 2 / 10.
    lengths = draws.gamma(2, 5, (300, 80))
    counts = lengths * draws.beta(2, 8, (300, 80))
    resampling = Resampling(repeats=400, method=method)
    ends = np.array(
        [
            bootstrap_ratio(x, y, draws, resampling).ends
            for x, y in zip(counts, lengths, strict=True)
        ]
    )
    covered = ((ends[:, 0] <= 0.2) & (ends[:, 1] >= 0.2)).mean()
    # 400 draws put the ends a little too close: 0.923 over 3,000 such samples, by either method.
    assert covered == pytest.approx(0.923, abs=COVERED_BY_CHANCE)


def test_a_median_is_covered_near_the_level():
    draws = rng("median coverage")
    samples = draws.exponential(size=(300, 61, 1))
    ends = np.array(
        [
            bootstrap_rows(row, lambda r: np.median(r[:, :, 0], axis=1), draws, QUICK).ends
            for row in samples
        ]
    )
    covered = ((ends[:, 0] <= np.log(2)) & (np.log(2) <= ends[:, 1])).mean()
    assert covered == pytest.approx(0.94, abs=COVERED_BY_CHANCE)


def test_the_fvu_of_documents_has_an_interval_around_it():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 8, generator=generator)
    rebuilt = x + 0.5 * torch.randn(4000, 8, generator=generator)
    sample = VarianceUnexplained()
    sample.add(x, rebuilt, torch.arange(4000) // 50)
    sums = sample.unit_sums()
    found = bootstrap_ratio(sums.numerators, sums.denominators, rng())
    assert found.value == pytest.approx(sample.value(), rel=1e-12)
    assert found.n == 80
    assert found.low < 0.25 < found.high  # noise of a quarter of the variance
    assert found.high - found.low < 0.02


@given(st.integers(2, 30), st.integers(0, 2**31))
def test_ends_lie_within_the_values(n, seed):
    values = np.random.default_rng(seed).normal(size=n)
    low, high = bootstrap_mean(values, rng(), Resampling(repeats=100)).ends
    slack = 1e-12
    assert values.min() - slack <= low <= high <= values.max() + slack


def test_the_same_stream_gives_the_same_interval_and_another_seed_another():
    values = rng("values").normal(size=20)
    assert bootstrap_mean(values, rng()) == bootstrap_mean(values, rng())
    assert (
        bootstrap_mean(values, rng()).ends != bootstrap_mean(values, stream(4, "test")).ends
    )


def test_one_unit_has_no_interval():
    found = bootstrap_ratio(np.array([1.0]), np.array([4.0]), rng())
    assert (found.value, found.ends, found.n) == (0.25, None, 1)
    assert found.reason == "one unit says nothing of the spread"


def test_a_denominator_that_may_turn_its_sign_has_no_interval():
    found = bootstrap_ratio(np.ones(4), np.array([-1.0, -1.0, 1.0, 1.5]), rng())
    assert found.value == 8
    assert found.ends is None
    assert "of 2000 resamples have no value" in found.reason


def test_a_resample_without_a_value_is_counted_and_leaves_no_interval():
    columns = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    found = bootstrap_sums(columns, lambda s: s[:, 0] / s[:, 1], rng())
    missing = int(found.reason.split(" of 2000")[0])
    assert found.ends is None
    assert missing / 2000 == pytest.approx((2 / 3) ** 3, abs=0.05)  # the third never drawn


def test_a_bias_that_cannot_be_corrected_is_said():
    bca = Resampling(method="bca")
    found = bootstrap_rows(
        np.arange(5.0)[:, None], lambda rows: rows.shape[1] * np.ones(len(rows)), rng(), bca
    )
    assert found.ends is not None  # ties count half, so a constant has no bias
    found = bootstrap_rows(
        np.arange(60.0)[:, None],
        lambda rows: np.array([len(np.unique(row)) for row in rows], dtype=float),
        rng(),
        bca,
    )
    assert found.ends is None
    assert "one side" in found.reason


def test_two_ratios_on_the_same_units_compare_in_pairs():
    shared = rng("shared").exponential(size=50)
    first, second = shared * 1.1, shared
    below = np.ones(50)
    found = bootstrap_sums(
        np.stack([first, below, second, below], axis=1),
        lambda s: s[:, 0] / s[:, 1] - s[:, 2] / s[:, 3],
        rng(),
    )
    alone = bootstrap_ratio(first, below, rng())
    assert found.value == pytest.approx(0.1 * shared.mean())
    assert found.low > 0
    assert found.high - found.low < (alone.high - alone.low) / 5


def test_bad_input_is_explained(unchecked_shapes):
    values = np.ones(4)
    with pytest.raises(UserError, match="no units"):
        bootstrap_mean(values[:0], rng())
    with pytest.raises(UserError, match="1 of the 4 units"):
        bootstrap_mean(np.array([1, 2, np.nan, 3]), rng())
    with (
        unchecked_shapes(),
        pytest.raises(UserError, match="4 numerators were given with 3"),
    ):
        bootstrap_ratio(values, values[:3], rng())
    with pytest.raises(UserError, match="is inf on its 4 units"):
        bootstrap_ratio(values, np.array([1.0, -1.0, 1.0, -1.0]), rng())
