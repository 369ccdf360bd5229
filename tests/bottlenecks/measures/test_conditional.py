"""The conditional information is that which was put in, and none where none was."""

from dataclasses import replace

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.base.records import Gap, Result
from tacit.base.seeds import stream
from tacit.bottlenecks.conditional import conditional_information
from tacit.bottlenecks.groups import group_by_concepts
from tacit.bottlenecks.known_leaks import information_on_line, known_leak
from tacit.metrics.calibrating import covered

MOST_LEAKS = (0.0, 0.1, 0.35, 0.7)


def found_in(world, seed, **how):
    return conditional_information(
        world.labels, world.concepts, world.readings, seed=seed, **how
    )


def intervals(information, seeds, **what):
    found = [found_in(known_leak(information, seed=s, **what), s) for s in seeds]
    return np.array([[*each.information.ends, each.information.value] for each in found])


@pytest.mark.parametrize("information", MOST_LEAKS)
def test_intervals_hold_the_information_that_was_put_in(information):
    low, high, value = intervals(information, range(1000, 1008), num_images=2000).T
    assert ((low <= information) & (information <= high)).sum() >= 6
    assert value.mean() == pytest.approx(information, abs=0.015)
    assert ((low > 0).sum() >= 7) if information else ((low > 0).sum() <= 2)


@pytest.mark.slow
@pytest.mark.parametrize("cue", ["graded", "binary"])
@pytest.mark.parametrize("share", [0, 1 / 7, 1 / 2, 1])
def test_of_400_intervals_370_hold_it(share, cue):
    information = share * (0.7 if cue == "graded" else 0.45)
    low, high, _ = intervals(information, range(400), cue=cue).T
    assert covered(low, high, np.full(400, information)).value * 400 >= 370
    assert (low > 0).sum() >= 370 or not information
    assert (low > 0).sum() <= 30 or information


def test_a_binary_cue_is_read_at_what_its_channel_carries():
    """Twins and a cue that errs in a tenth of images: ln 2 - h(.1), in closed form."""
    wrong = 0.1
    carried = np.log(2) + wrong * np.log(wrong) + (1 - wrong) * np.log(1 - wrong)
    two = np.array([[1 - wrong, wrong], [wrong, 1 - wrong]])
    places = np.array([-10.0, 10.0])
    assert information_on_line(places, two) == pytest.approx(carried, abs=1e-6)
    world = known_leak(carried, group_sizes=(2,) * 8, cue="binary", seed=1)
    assert found_in(world, 1).information.value == pytest.approx(carried, abs=0.035)


def test_the_line_of_two_normals_is_a_known_integral():
    """Of two unit normals 2 apart: ln 2 - E[ln(1 + exp(-2 (x + 1)))] with x normal."""
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    lost = (weights * np.log1p(np.exp(-2 * (points + 1)))).sum() / np.sqrt(2 * np.pi)
    found = information_on_line(np.array([-1.0, 1.0]), np.eye(2))
    assert found == pytest.approx(np.log(2) - lost, abs=1e-6)


def test_what_readings_say_of_the_concepts_is_no_leak():
    """The concepts shift every reading by several widths of the noise, and are conditioned on."""
    world = known_leak(0.0, seed=5)
    plain = conditional_information(
        world.labels, np.zeros_like(world.concepts), world.readings, seed=5
    )
    assert plain.information.low > 1
    assert found_in(world, 5).information.low <= 0


def test_held_out_alone_is_lower_than_the_corrected_value():
    found = found_in(known_leak(0.1, seed=2), 2)
    assert found.held_out < found.information.value
    assert found.entropy.low <= known_leak(0.1, seed=2).entropy <= found.entropy.high


def test_labels_that_concepts_name_leave_a_gap():
    world = known_leak(0.1, num_images=400)
    named = world.labels[:, None] == np.arange(world.labels.max() + 1)
    found = conditional_information(world.labels, named, world.readings)
    assert isinstance(found.information, Gap)
    assert "nothing to leak" in found.information.reason
    assert found.held_out is None
    gap, entropy = found.records({"regime": "joint"})
    assert isinstance(gap, Gap) and isinstance(entropy, Result)
    assert gap.of == entropy.of == {"regime": "joint"}


def test_a_reading_that_gives_the_class_away_gives_all_that_is_open():
    world = known_leak(0.0, group_sizes=(2,) * 6, num_images=1200, seed=3)
    hard = (world.labels % 2)[:, None].astype(float)
    found = conditional_information(world.labels, world.concepts, hard)
    assert found.information.value == pytest.approx(np.log(2), abs=0.03)


def test_probabilities_are_read_as_their_logits_and_constant_readings_are_counted():
    world = known_leak(0.35, num_images=1500, seed=4)
    readings = world.readings / 4
    chances = np.column_stack([1 / (1 + np.exp(-readings)), np.full(1500, 0.5)])
    plain = conditional_information(world.labels, world.concepts, readings, seed=4)
    found = conditional_information(world.labels, world.concepts, chances, seed=4)
    assert found.num_constant == 1 and plain.num_constant == 0
    assert "probabilities" in found.told
    assert found.information.value == pytest.approx(plain.information.value, abs=0.02)


def test_images_with_concepts_of_their_own_show_no_leak_and_are_counted():
    world = known_leak(0.35, num_images=1200, seed=6)
    rng = stream(6, "tests/alone")
    alone = np.zeros((1200, 1), dtype=bool)
    concepts = np.concatenate([world.concepts, alone, rng.random((1200, 30)) < 0.5], axis=1)
    concepts[:600, 12:] = False
    concepts[600:, 12] = True
    found = conditional_information(world.labels, concepts, world.readings, seed=6)
    assert found.num_alone == 600 and found.num_groups == 608
    assert found.information.value == pytest.approx(0.35 / 2, abs=0.05)


def test_classes_that_come_in_two_kinds_leak_as_much_as_in_one():
    """A concept that half of each class has, as of two sexes, splits every group in two."""
    rng = stream(0, "tests/kinds")
    for information in (0.0, 0.35):
        world = known_leak(information, seed=7)
        kind = rng.random((len(world.labels), 1)) < 0.5
        concepts = np.concatenate([world.concepts, kind], axis=1)
        one = group_by_concepts(world.labels, world.concepts)
        two = group_by_concepts(world.labels, concepts)
        assert two.num_groups == 2 * one.num_groups
        assert two.num_families == one.num_families == one.num_groups
        found = conditional_information(world.labels, concepts, world.readings, seed=7)
        assert found.information.low <= information <= found.information.high
        assert found.information.high - found.information.low < 0.07


def test_boosted_trees_find_a_leak_that_no_line_can():
    rng = stream(0, "tests/bent")
    label = rng.integers(0, 2, 1500)
    bent = np.where(label == 0, 3, 1) * rng.standard_normal(1500)
    readings = np.column_stack([bent, rng.standard_normal(1500)])
    concepts = rng.random((1500, 1)) < 0.5
    told = {
        each: conditional_information(label, concepts, readings, estimator=each).information
        for each in ("logistic", "boosted")
    }
    assert told["boosted"].low > 0.1
    assert told["logistic"].high < 0.02


def test_images_that_boosted_trees_cannot_take_are_counted():
    world = known_leak(0.0, group_sizes=(2, 3), num_images=300)
    found = found_in(world, 0, estimator="boosted")
    sizes = np.bincount(np.unique(world.concepts, axis=0, return_inverse=True)[1].ravel())
    assert found.num_left_out in sizes
    assert found.information.low <= 0


def test_the_same_seed_gives_the_same_figure_and_another_seed_another():
    world = known_leak(0.1, num_images=600)
    assert found_in(world, 1) == found_in(world, 1)
    assert found_in(world, 1) != found_in(world, 2)


def test_mistakes_are_told():
    world = known_leak(0.1, num_images=100)
    with pytest.raises(UserError, match="and 1 folds were given"):
        found_in(world, 0, folds=1)
    broken = replace(world, readings=np.where(world.readings > 3, np.nan, world.readings))
    with pytest.raises(UserError, match="not finite"):
        found_in(broken, 0)
    with pytest.raises(UserError, match="can leak"):
        known_leak(0.8, group_sizes=(2, 2))
