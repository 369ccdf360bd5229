"""Splits, absorbed rows and targeted drops, on cases that can be counted by hand."""

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.metrics import absorbed, split_count, targeted_drops


def test_the_count_of_a_split_ends_at_the_first_gain_that_is_too_small():
    assert split_count([0.6], least_gain=0.03) == 1
    assert split_count([0.6, 0.62], least_gain=0.03) == 1
    assert split_count([0.6, 0.7, 0.8], least_gain=0.03) == 3
    # What comes after a small gain does not count, however large.
    assert split_count([0.6, 0.7, 0.71, 0.9], least_gain=0.03) == 2
    with pytest.raises(UserError, match="no atom"):
        split_count([], least_gain=0.03)


def test_a_row_is_absorbed_where_its_own_atoms_are_silent_and_another_gives_enough():
    found = absorbed(
        np.array([False, False, True]), np.array([0.4, 0.39, 2.0]), least_share=0.4
    )
    assert found.tolist() == [True, False, False]


def test_harming_all_classes_alike_scores_zero_and_one_alone_its_drop():
    assert targeted_drops(np.full((3, 3), 0.3)) == pytest.approx([0, 0, 0])
    assert targeted_drops(0.5 * np.eye(4)) == pytest.approx([0.5] * 4)
    # 0.5 of its own, 0.2 and 0.1 of the others.
    drops = np.array([[0.5, 0.2, 0.1], [0, 0, 0], [0, 0, 0]])
    assert targeted_drops(drops)[0] == pytest.approx(0.35)
    with pytest.raises(UserError, match="two or more"):
        targeted_drops(np.zeros((1, 1)))
