"""The hierarchical bootstrap counts outermost groups, not what is inside them."""

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.metrics import Resampling, bootstrap_mean, hierarchical_bootstrap

QUICK = Resampling(repeats=400)


def rng(purpose: str = "test"):
    return stream(3, purpose)


def nested(draws, subjects: int, dictionaries: int, features: int):
    """Values with variance 1 between subjects, 0.25 between dictionaries and 1 between features."""
    values = (
        draws.normal(size=(subjects, 1, 1))
        + 0.5 * draws.normal(size=(subjects, dictionaries, 1))
        + draws.normal(size=(subjects, dictionaries, features))
    )
    subject, dictionary, _ = np.indices(values.shape)
    return values.ravel(), (subject.ravel(), dictionary.ravel())


def test_the_value_is_the_mean_of_means_of_unequal_groups():
    values = np.array([1.0, 2.0, 3.0, 10.0, 20.0, 30.0])
    subject = np.array([0, 0, 0, 1, 1, 1])
    dictionary = np.array([0, 0, 1, 0, 1, 1])  # numbers are told apart within their subject
    found = hierarchical_bootstrap(values, (subject, dictionary), rng())
    assert found.value == pytest.approx(((1.5 + 3) / 2 + (10 + 25) / 2) / 2)
    assert found.n == 2


def test_groups_of_one_value_are_the_plain_bootstrap():
    values = rng("values").normal(size=30)
    fine = Resampling(repeats=20_000)
    ours = hierarchical_bootstrap(values, (np.arange(30),), rng(), fine)
    plain = bootstrap_mean(values, rng("other"), fine)
    # Two independent sets of 20,000 draws: the ends agree to a few percent of the width.
    assert ours.ends == pytest.approx(plain.ends, abs=0.03 * (plain.high - plain.low))


def test_the_spread_is_that_of_the_exact_two_level_bootstrap():
    values, (subject, _) = nested(rng("values"), 6, 1, 40)
    found = hierarchical_bootstrap(values, (subject,), rng(), Resampling(repeats=20_000))
    table = values.reshape(6, 40)
    # Var of the resampled mean = var of subject means / S + mean inner variance / (S * F).
    exact = np.sqrt(table.mean(axis=1).var() / 6 + table.var(axis=1).mean() / (6 * 40))
    # Means of six draws are near enough to normal for the ends to be 3.92 deviations apart.
    assert (found.high - found.low) / 3.92 == pytest.approx(exact, rel=0.05)


def test_true_means_are_covered_where_pooling_the_features_fails():
    draws = rng("coverage")
    covered, pooled = 0, 0
    for _ in range(150):
        values, groups = nested(draws, 10, 2, 5)
        low, high = hierarchical_bootstrap(values, groups, draws, QUICK).ends
        covered += low <= 0 <= high
        low, high = bootstrap_mean(values, draws, QUICK).ends
        pooled += low <= 0 <= high
    # Percentiles of ten subjects fall short: 0.92 over 600 such samples. Three errors of 150.
    assert covered / 150 == pytest.approx(0.92, abs=3 * (0.92 * 0.08 / 150) ** 0.5)
    assert pooled / 150 < 0.7


def test_the_order_of_rows_does_not_matter():
    values, groups = nested(rng("values"), 4, 3, 5)
    order = rng("order").permutation(len(values))
    one = hierarchical_bootstrap(values, groups, rng(), Resampling(repeats=20_000))
    other = hierarchical_bootstrap(
        values[order], [g[order] for g in groups], rng(), Resampling(repeats=20_000)
    )
    assert other.value == pytest.approx(one.value)
    assert other.ends == pytest.approx(one.ends, abs=0.03 * (one.high - one.low))


def test_one_subject_has_no_interval_however_many_features_it_has():
    found = hierarchical_bootstrap(np.arange(1000.0), (np.zeros(1000, dtype=int),), rng())
    assert (found.n, found.ends) == (1, None)
    assert found.reason == "one outermost group says nothing of the spread"


def test_bad_input_is_explained(unchecked_shapes):
    values, group = np.ones(4), np.arange(4)
    with pytest.raises(UserError, match="4 values in 0 levels"):
        hierarchical_bootstrap(values, (), rng())
    with pytest.raises(UserError, match="not finite"):
        hierarchical_bootstrap(values * np.nan, (group,), rng())
    with pytest.raises(UserError, match="'bca'"):
        hierarchical_bootstrap(values, (group,), rng(), Resampling(method="bca"))
    with (
        unchecked_shapes(),
        pytest.raises(UserError, match=r"4 values were given with groups for \[4, 3\]"),
    ):
        hierarchical_bootstrap(values, [group, group[:3]], rng())
