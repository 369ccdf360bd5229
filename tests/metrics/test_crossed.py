"""The crossed bootstrap: seeds and the documents they share are drawn, both sides together."""

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.metrics import (
    Resampling,
    bootstrap_mean,
    bootstrap_ratio,
    crossed_bootstrap,
    hierarchical_bootstrap,
)

FINE, QUICK = Resampling(repeats=20_000), Resampling(repeats=400)


def rng(purpose: str = "test"):
    return stream(3, purpose)


def ratio(sums):
    return sums[:, 0] / sums[:, 1]


def sums_of(values):
    """Values (s n) as sums whose ratio is their mean over n."""
    return np.stack([values, np.ones_like(values)], axis=2)


def by_hand(first, second, draws, repeats=4000, *, in_pairs=False):
    """Ends from a loop that draws seeds and documents by index."""
    found = []
    for _ in range(repeats):
        documents = draws.integers(0, first.shape[1], first.shape[1])
        seeds = [draws.integers(0, len(side), len(side)) for side in (first, second)]
        if in_pairs:
            seeds[1] = seeds[0]
        means = [
            np.mean([side[seed][documents].sum(axis=0)[0] / side[seed][documents].sum(axis=0)[1]
                     for seed in chosen])
            for side, chosen in zip((first, second), seeds, strict=True)
        ]  # fmt: skip
        found.append(means[0] - means[1])
    return np.quantile(found, [0.025, 0.975])


@pytest.mark.parametrize("in_pairs", [False, True])
def test_ends_are_those_of_a_loop_over_drawn_seeds_and_documents(in_pairs):
    draws = rng("values")
    first, second = draws.gamma(2, size=(4, 15, 2)), draws.gamma(2, size=(4, 15, 2))
    found = crossed_bootstrap(first, second, ratio, rng(), FINE, in_pairs=in_pairs)
    low, high = by_hand(first, second, rng("loop"), in_pairs=in_pairs)
    # 4,000 draws of the loop leave its ends off by a few percent of the width.
    assert found.ends == pytest.approx((low, high), abs=0.06 * (high - low))
    whole = [
        np.mean([ratio(seed.sum(axis=0)[None])[0] for seed in s]) for s in (first, second)
    ]
    assert found.value == pytest.approx(whole[0] - whole[1])
    assert found.n == 4


def test_one_seed_is_the_bootstrap_over_documents():
    sums = rng("values").gamma(2, size=(1, 30, 2))
    found = crossed_bootstrap(sums, None, ratio, rng(), FINE)
    plain = bootstrap_ratio(sums[0, :, 0], sums[0, :, 1], rng("other"), FINE)
    assert (found.value, found.n) == (pytest.approx(plain.value), 30)
    assert found.ends == pytest.approx(plain.ends, abs=0.03 * (plain.high - plain.low))


def test_one_document_is_the_bootstrap_over_seeds():
    values = rng("values").normal(size=(12, 1))
    found = crossed_bootstrap(sums_of(values), None, ratio, rng(), FINE)
    plain = bootstrap_mean(values[:, 0], rng("other"), FINE)
    assert found.ends == pytest.approx(plain.ends, abs=0.03 * (plain.high - plain.low))


def test_a_sample_and_itself_differ_by_exactly_nothing():
    sums = rng("values").gamma(2, size=(1, 30, 2))
    found = crossed_bootstrap(sums, sums.copy(), ratio, rng())
    assert (found.value, found.ends) == (0.0, (0.0, 0.0))
    many = rng("values").gamma(2, size=(3, 30, 2))
    found = crossed_bootstrap(many, many.copy(), ratio, rng(), in_pairs=True)
    assert (found.value, found.ends) == (0.0, (0.0, 0.0))


def test_what_documents_have_in_common_cancels():
    draws = rng("values")
    hard = 10 * draws.normal(size=(1, 40))
    one, other = (hard + 0.1 * draws.normal(size=(3, 40)) for _ in range(2))
    apart = crossed_bootstrap(sums_of(one), sums_of(other + 1), ratio, rng())
    alone = crossed_bootstrap(sums_of(one), None, ratio, rng())
    assert apart.high - apart.low < 0.05 * (alone.high - alone.low)
    assert apart.low < -1 < apart.high


def test_true_means_are_covered_where_nesting_documents_in_seeds_fails():
    """All seeds read the same documents: drawn anew inside each seed, their spread averages out."""
    draws, covered, nested = rng("coverage"), 0, 0
    num_seeds, num_documents = 10, 20
    seed = np.repeat(np.arange(num_seeds), num_documents)
    for _ in range(150):
        values = 0.1 * draws.normal(size=(num_seeds, 1)) + draws.normal(
            size=(1, num_documents)
        )
        low, high = crossed_bootstrap(sums_of(values), None, ratio, draws, QUICK).ends
        covered += low <= 0 <= high
        low, high = hierarchical_bootstrap(values.ravel(), (seed,), draws, QUICK).ends
        nested += low <= 0 <= high
    # Three standard errors of 150 below what percentiles of twenty documents reach, .93.
    assert covered / 150 > 0.93 - 3 * (0.93 * 0.07 / 150) ** 0.5
    assert nested / 150 < 0.75


def test_n_counts_the_seeds_of_the_side_that_has_fewer():
    of = {num: rng(f"{num}").gamma(2, size=(num, 9, 2)) for num in (1, 3, 5)}
    assert crossed_bootstrap(of[3], of[5], ratio, rng()).n == 3
    assert crossed_bootstrap(of[1], of[5], ratio, rng()).n == 5
    assert crossed_bootstrap(of[1], of[1], ratio, rng()).n == 9


def test_one_unit_has_no_interval():
    found = crossed_bootstrap(np.ones((1, 1, 2)), None, ratio, rng())
    assert (found.ends, found.reason) == (None, "one unit says nothing of the spread")


def test_resamples_without_a_value_leave_none():
    sums = np.array([[[1.0, 1.0], [1.0, 0.0]]])
    found = crossed_bootstrap(sums, None, ratio, rng())
    assert found.value == 2 and found.ends is None
    assert "resamples have no value" in found.reason


@pytest.mark.parametrize(
    ("first", "second", "words", "message"),
    [
        (np.ones((2, 3, 2)), np.ones((2, 4, 2)), {}, "the same inner units on both sides"),
        (np.ones((0, 3, 2)), None, {}, "at least one outer"),
        (np.ones((2, 3, 2)), np.ones((3, 3, 2)), {"in_pairs": True}, r"\[2, 3\] of them"),
        (np.full((2, 3, 2), np.nan), None, {}, "not finite"),
        (np.zeros((2, 3, 2)), None, {}, "not defined there"),
        (np.ones((2, 3, 2)), None, {"resampling": Resampling(method="bca")}, "'bca'"),
    ],
)
def test_bad_input_is_explained(unchecked_shapes, first, second, words, message):
    with unchecked_shapes(), pytest.raises(UserError, match=message):
        crossed_bootstrap(first, second, ratio, rng(), **words)
