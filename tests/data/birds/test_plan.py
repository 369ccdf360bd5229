"""What a set shows: twins alike in all but their cue, and nothing else that tells a class."""

import numpy as np
import pytest
from pydantic import ValidationError

from tacit.data.birds.plan import make_plan
from tacit.data.birds.settings import CUES, BirdSettings

PLAN = make_plan(BirdSettings(classes=12, images=200, seed=2))


def test_twins_show_the_same_looks_equally_often():
    rendered = PLAN.rendered
    for label in range(0, 12, 2):
        assert PLAN.twin_of[label] == label + 1
        assert PLAN.twin_of[label + 1] == label
        one, other = (
            np.sort(PLAN.morph[PLAN.labels == each]) for each in (label, label + 1)
        )
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(
            rendered[PLAN.labels == label], rendered[PLAN.labels == label + 1]
        )


def test_given_what_is_rendered_the_cue_tells_the_class_and_half_a_bit_less_does_not():
    """H(y | rendered) is ln 2, H(y | rendered, cue) is 0."""
    groups = np.unique(PLAN.rendered, axis=0, return_inverse=True)[1].ravel()
    assert groups.max() + 1 == 6 * 2
    for group in range(groups.max() + 1):
        labels = PLAN.labels[groups == group]
        names, counts = np.unique(labels, return_counts=True)
        assert len(names) == 2
        assert counts[0] == counts[1]
        for state in (False, True):
            assert len(set(labels[PLAN.cue[groups == group] == state])) == 1


def test_organs_that_are_no_cue_and_the_berry_depend_on_nothing():
    for at, kind in enumerate(CUES):
        free = np.array([each != kind for each in PLAN.cue_kinds])[PLAN.labels]
        for label in np.unique(PLAN.labels[free]):
            share = PLAN.organs[PLAN.labels == label, at].mean()
            assert share == pytest.approx(0.5, abs=0.16)  # 4.5 standard errors of 200
    for label in range(12):
        assert PLAN.nuisance[PLAN.labels == label].mean() == pytest.approx(0.5, abs=0.16)


def test_kinds_of_cue_go_round_and_either_twin_may_have_it():
    assert PLAN.cue_kinds[::2] == tuple(CUES) * 2
    assert PLAN.cue_kinds[::2] == PLAN.cue_kinds[1::2]
    wide = make_plan(BirdSettings(classes=60, images=2, cues=("plume",)))
    states = wide.cue[::4]
    assert set(wide.cue_kinds) == {"plume"}
    assert 0 < states.mean() < 1


def test_without_twins_concepts_name_the_class_and_no_organ_does():
    plan = make_plan(BirdSettings(classes=7, images=200, twins=False))
    assert set(plan.cue_kinds) == {None}
    assert (plan.twin_of == -1).all()
    groups = np.unique(plan.rendered, axis=0, return_inverse=True)[1].ravel()
    for group in range(groups.max() + 1):
        assert len(set(plan.labels[groups == group])) == 1
    for label in range(7):
        assert abs(plan.organs[plan.labels == label].mean(axis=0) - 0.5).max() < 0.16


def test_the_split_takes_as_many_of_every_class():
    for label in range(12):
        assert PLAN.is_train[PLAN.labels == label].sum() == 102  # 51 % of 200


def test_names_are_unique_and_numbered():
    names = make_plan(BirdSettings(classes=450, images=2, morphs=1)).classes
    assert len(set(names)) == 450
    assert names[0].startswith("001.")
    assert names[449].startswith("450.")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"classes": 7}, "cannot be pairs of twins"),
        ({"cues": ()}, "one kind or more"),
        ({"cues": ("bars", "bars")}, "each once"),
        ({"cues": ("beak",)}, "bars"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        BirdSettings(**settings)
