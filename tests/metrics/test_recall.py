"""Recall with every class weighing alike: equal to scikit-learn's, and taken apart by rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from tacit.base.errors import UserError
from tacit.metrics import mean_recall, recall_weights

answers = st.lists(st.tuples(*[st.integers(0, 3)] * 2), min_size=1, max_size=40)


@given(answers)
def test_it_is_what_scikit_learn_says(given_answers):
    told, truth = np.array(given_answers).T
    # Only classes that occur have a recall; there a class that is told only is left out too.
    recalls = [(told[truth == each] == each).mean() for each in np.unique(truth)]
    assert mean_recall(told, truth) == pytest.approx(np.mean(recalls))
    if set(told) <= set(truth) and len(set(truth)) > 1:
        assert mean_recall(told, truth) == pytest.approx(
            balanced_accuracy_score(truth, told)
        )


@given(answers)
def test_every_class_weighs_alike(given_answers):
    truth = np.array(given_answers)[:, 0]
    weights = recall_weights(truth)
    classes = np.unique(truth)
    for each in classes:
        assert weights[truth == each].sum() == pytest.approx(1 / len(classes))


def test_saying_the_same_of_all_scores_one_over_the_classes():
    truth = np.repeat([0, 1, 2], [50, 3, 1])
    for each in range(3):
        assert mean_recall(np.full(54, each), truth) == pytest.approx(1 / 3)


def test_no_rows_are_refused():
    with pytest.raises(UserError, match="no rows"):
        mean_recall(np.array([], dtype=int), np.array([], dtype=int))
