"""AUROC and F1 against scikit-learn, and the sparse forms against the dense ones."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, roc_auc_score

from tacit.base.errors import UserError
from tacit.metrics import (
    auroc,
    auroc_sparse,
    best_f1_threshold,
    best_f1_threshold_sparse,
    f1,
    f1_sparse,
)


@st.composite
def scored(draw, *, negative: bool = True):
    """Scores with many ties and zeros, and labels of both kinds."""
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    n = draw(st.integers(2, 60))
    scores = np.round(random.normal(size=n), draw(st.integers(0, 3)))
    scores[random.random(n) < draw(st.floats(0, 1))] = 0
    scores = scores if negative else np.abs(scores)
    labels = random.random(n) < draw(st.floats(0.1, 0.9))
    assume(0 < labels.sum() < n)
    return scores, labels


@given(scored())
def test_auroc_agrees_with_an_independent_implementation(rows):
    scores, labels = rows
    assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@given(scored())
def test_auroc_of_the_rows_that_fire_is_that_of_all_rows(rows):
    scores, labels = rows
    fires = scores != 0
    sparse = auroc_sparse(
        scores[fires], labels[fires], int(labels.sum()), int((~labels).sum())
    )
    assert sparse == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_auroc_of_known_rankings():
    labels = np.array([False, False, True, True])
    assert auroc(np.array([1.0, 2.0, 3.0, 4.0]), labels) == 1
    assert auroc(np.array([4.0, 3.0, 2.0, 1.0]), labels) == 0
    assert auroc(np.zeros(4), labels) == 0.5
    assert auroc(np.array([1.0, 3.0, 2.0, 4.0]), labels) == 0.75


def test_a_feature_that_never_fires_tells_nothing():
    nothing = np.zeros(0), np.zeros(0, dtype=bool)
    assert auroc_sparse(*nothing, 10, 1000) == 0.5
    assert best_f1_threshold_sparse(*nothing, 10).f1 == 0


def test_counts_of_a_large_corpus_lose_no_digits():
    values, labels = np.array([1.0, 2.0], dtype=np.float32), np.array([False, True])
    found = auroc_sparse(values, labels, 10**9, 10**9)
    # One positive above all but itself, one negative above all but one positive.
    wins = 10**9 + (10**9 - 1) * (10**9 - 1) / 2
    assert found == pytest.approx(wins / 10**18, rel=1e-12)


@given(scored(), st.floats(-2, 2))
def test_f1_agrees_with_an_independent_implementation(rows, threshold):
    scores, labels = rows
    expected = f1_score(labels, scores > threshold)
    assert f1(scores, labels, threshold) == pytest.approx(expected)
    fires = scores != 0
    at = abs(threshold)
    sparse = f1_sparse(scores[fires], labels[fires], at, int(labels.sum()))
    assert sparse == pytest.approx(f1(scores, labels, at))


@given(scored())
def test_no_threshold_beats_the_best(rows):
    scores, labels = rows
    best = best_f1_threshold(scores, labels)
    assert f1(scores, labels, best.threshold) == pytest.approx(best.f1)
    cuts = np.concatenate([scores, [scores.min() - 1]])
    assert best.f1 == pytest.approx(max(f1(scores, labels, float(cut)) for cut in cuts))


@given(scored(negative=False))
def test_no_threshold_of_zero_or_more_beats_the_best_of_the_rows_that_fire(rows):
    scores, labels = rows
    fires, positives = scores != 0, int(labels.sum())
    best = best_f1_threshold_sparse(scores[fires], labels[fires], positives)
    assert best.threshold >= 0
    assert f1(scores, labels, best.threshold) == pytest.approx(best.f1)
    cuts = np.concatenate([scores, [0.0]])
    assert best.f1 == pytest.approx(max(f1(scores, labels, float(cut)) for cut in cuts))


def test_negative_values_do_not_count_as_firing_for_f1():
    values, labels = np.array([-3.0, 2.0]), np.array([True, True])
    best = best_f1_threshold_sparse(values, labels, 2)
    assert (best.threshold, best.f1) == (0, pytest.approx(2 / 3))


def test_a_clean_threshold_is_found_half_way_and_carries_over():
    scores = np.array([0.0, 1.0, 3.0, 4.0])
    labels = np.array([False, False, True, True])
    best = best_f1_threshold(scores, labels)
    assert (best.threshold, best.f1) == (2, 1)
    assert f1(np.array([1.9, 2.1]), np.array([False, True]), best.threshold) == 1


def test_a_threshold_between_neighbouring_floats_still_separates():
    low = 1.0
    high = float(np.nextafter(low, 2))
    best = best_f1_threshold(np.array([low, high]), np.array([False, True]))
    assert low <= best.threshold < high


def test_bad_input_is_explained():
    scores, labels = np.array([1.0, 2.0]), np.array([True, True])
    with pytest.raises(UserError, match="every row has"):
        auroc(scores, labels)
    with pytest.raises(UserError, match="no row has"):
        auroc(scores, ~labels)
    with pytest.raises(UserError, match="no row has"):
        f1(scores, ~labels, 0.0)
    with pytest.raises(UserError, match="num_positive says 1"):
        auroc_sparse(scores, labels, 1, 5)
    with pytest.raises(UserError, match="num_negative says 1"):
        auroc_sparse(scores, ~labels, 5, 1)
    with pytest.raises(UserError, match="threshold -1"):
        f1_sparse(scores, labels, -1.0, 2)
    with pytest.raises(UserError, match="1 of 2 scores are not finite"):
        auroc(np.array([1.0, np.nan]), np.array([True, False]))


def test_a_threshold_between_neighbouring_single_precision_scores_holds():
    scores = np.array([1.0000001, 1.0000002], dtype=np.float32)
    labels = np.array([False, True])
    fitted = best_f1_threshold(scores, labels)
    assert fitted.f1 == f1(scores, labels, fitted.threshold) == 1.0
