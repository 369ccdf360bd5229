"""A probe tells runs apart only by what is in their rows."""

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.bottlenecks.telling_apart import tell_apart

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((300, 4))


@pytest.mark.parametrize("probe", ["logistic", "mlp"])
def test_runs_that_differ_by_a_shift_are_told_apart(probe):
    found = tell_apart([ROWS, ROWS + [3, 0, 0, 0]], seed=0, probe=probe)
    # Two normals three apart: a threshold half-way is right in 93 of 100.
    assert found.accuracy.value == pytest.approx(0.933, abs=0.03)
    assert found.chance == 0.5


@pytest.mark.parametrize("probe", ["logistic", "mlp"])
def test_runs_that_are_the_same_are_told_by_chance(probe):
    """The same rows get the same answer, so that exactly one of three is right."""
    found = tell_apart([ROWS] * 3, seed=0, probe=probe)
    assert (found.right.sum(axis=0) == 1).all()
    assert found.accuracy.value == pytest.approx(1 / 3)


def test_another_draw_of_noise_is_told_by_chance():
    other = RNG.standard_normal(ROWS.shape)
    low, high = tell_apart([ROWS, other], seed=0).accuracy.ends
    assert low < 0.5 < high


def test_only_images_that_the_probe_has_not_seen_count():
    """A key of its own for each image would tell all of them, had it been seen."""
    keys = np.eye(60)
    found = tell_apart([keys, np.roll(keys, 1, axis=1)], seed=0)
    assert found.accuracy.value <= 0.6


def test_a_single_run_is_refused():
    with pytest.raises(UserError, match="1 runs on 300 images"):
        tell_apart([ROWS], seed=0)
    with pytest.raises(UserError, match="5 images"):
        tell_apart([ROWS[:3]] * 2, seed=0)
