import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tacit.base.errors import UserError
from tacit.data.cub import (
    ConceptLabels,
    check_varied,
    concepts_by_rule,
    constant_concepts,
    count_votes,
    instance_labels,
    majority_labels,
    read_cub,
)

EVERY = np.arange(4)
LABELS = [0, 1, 2, 0, 1, 2, 0, 1]


def koh(present, certainty, labels, min_classes):
    """The rule in loops over lists: counts of no and yes, and which of the two is larger."""
    num_classes, num_attributes = max(labels) + 1, len(present[0])
    class_labels = [[0] * num_attributes for _ in range(num_classes)]
    for number in range(num_classes):
        for a in range(num_attributes):
            counts = [0, 0]
            for row, label in enumerate(labels):
                told = int(present[row][a])
                if label == number and not (told == 0 and certainty[row][a] == 1):
                    counts[told] += 1
            class_labels[number][a] = (
                1 if counts[0] == counts[1] else int(np.argmax(counts))
            )
    kept = [
        a
        for a in range(num_attributes)
        if sum(row[a] for row in class_labels) >= min_classes
    ]
    return class_labels, kept


@given(
    npst.arrays(bool, (8, 4)),
    npst.arrays(np.int8, (8, 4), elements=st.integers(1, 4)),
    st.integers(0, 4),
)
def test_class_labels_and_the_choice_follow_the_published_rule(
    cub_of, present, certainty, min_classes
):
    cub, rows = cub_of(present, certainty, LABELS), np.arange(8)
    expected, kept = koh(present.tolist(), certainty.tolist(), LABELS, min_classes)
    assert majority_labels(cub, rows, EVERY).astype(int).tolist() == expected
    assert concepts_by_rule(cub, rows, min_classes=min_classes).tolist() == kept


def test_ties_and_empty_cells_are_present_unless_told_otherwise(cub_of):
    # One class; columns: tied, without votes, all present, all absent.
    cub = cub_of([[1, 0, 1, 0], [0, 0, 1, 0]], [[4, 1, 4, 4], [4, 1, 4, 4]], [0, 0])
    rows = np.arange(2)
    assert majority_labels(cub, rows, EVERY).tolist() == [[True, True, True, False]]
    strict = majority_labels(cub, rows, EVERY, ties_present=False)
    assert strict.tolist() == [[False, False, True, False]]
    counted = majority_labels(cub, rows, EVERY, count_unknown=True)
    assert counted.tolist() == [[True, False, True, False]]
    votes = count_votes(cub, rows, EVERY)
    assert (votes.num_tied, votes.num_empty) == (1, 1)


def test_only_the_rows_given_vote(cub_of):
    cub = cub_of([[1], [0], [0], [1]], np.full((4, 1), 4), [0, 0, 0, 1])
    column = np.array([0])
    assert majority_labels(cub, np.array([0, 3]), column).tolist() == [[True], [True]]
    assert majority_labels(cub, np.arange(4), column).tolist() == [[False], [True]]
    with pytest.raises(UserError, match="none is of class class 1"):
        majority_labels(cub, np.array([0, 1]), column)


def test_absent_and_not_visible_is_unknown(folder, truth):
    cub, columns = read_cub(folder), np.array([5, 0, 300])
    labels = instance_labels(cub, columns)
    present, certainty = truth.present[:, columns], truth.certainty[:, columns]
    np.testing.assert_array_equal(labels.values, present)
    np.testing.assert_array_equal(labels.known, present | (certainty > 1))
    assert not labels.known.all()


def test_soft_labels_are_those_of_the_published_table(cub_of):
    cub = cub_of([[1] * 4, [0] * 4], [[1, 2, 3, 4]] * 2, [0, 0])
    labels = instance_labels(cub, EVERY, soft=True)
    assert labels.values.tolist() == [[0, 0.5, 0.75, 1], [0, 0.5, 0.25, 0]]
    assert labels.known.tolist() == [[True] * 4, [False, True, True, True]]


def test_constant_concepts_are_found_among_what_is_known(cub_of):
    # Columns: varied; all present; varied only where unknown; never known.
    cub = cub_of([[1, 1, 1, 0], [0, 1, 0, 0]], [[4, 4, 4, 1], [4, 4, 1, 1]], [0, 0])
    labels = instance_labels(cub, EVERY)
    assert constant_concepts(labels, EVERY).tolist() == [1, 2, 3]
    with pytest.raises(UserError, match="3 of 4 concepts .* all 2 images.*group 1::1"):
        check_varied(labels, EVERY, cub.attributes)
    columns = np.array([0])
    check_varied(instance_labels(cub, columns), columns, cub.attributes)


def test_labels_of_classes_go_to_every_image():
    present = np.array([[True, False], [False, False]])
    labels = ConceptLabels.of_classes(present, np.array([1, 0, 0]))
    assert labels.values.tolist() == [[0, 0], [1, 0], [1, 0]] and labels.known.all()
    assert constant_concepts(labels.take(np.array([1, 2])), np.array([7, 8])).tolist() == [
        7,
        8,
    ]
