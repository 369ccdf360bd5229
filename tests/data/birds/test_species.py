"""Species: all looks differ, families are alike, and the spectrum is near the real one."""

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.data.birds.frequencies import FREQUENCIES, weights_of
from tacit.data.birds.settings import BirdSettings
from tacit.data.birds.species import COLUMNS, draw_species
from tacit.data.cub.vocabulary import ATTRIBUTES, GROUPS, PUBLISHED

MANY = BirdSettings(classes=200, twins=False, morphs=2)


@pytest.fixture(scope="module")
def many():
    return draw_species(MANY)


def test_no_look_is_drawn_twice_as_the_published_attributes_tell(many):
    told = many[:, :, list(PUBLISHED)].reshape(400, -1)
    assert len(np.unique(told, axis=0)) == 400


def test_the_spectrum_is_near_that_of_the_real_classes(many):
    first = many[:, 0]
    published = first[:, list(PUBLISHED)]
    # The real figure is of annotations, which add more than they miss.
    assert 18 < published.sum(axis=1).mean() < 22
    prevalence = published.mean(axis=0)
    assert np.median(prevalence) == pytest.approx(0.134, abs=0.04)
    assert prevalence[list(PUBLISHED).index(ATTRIBUTES.index("has_eye_color::black"))] > 0.8
    apart = (published[:, None] != published[None]).sum(axis=2)[np.triu_indices(200, 1)]
    assert np.median(apart) == pytest.approx(29, abs=5)
    per_group = np.stack([first[:, columns].sum(axis=1) for columns in COLUMNS.values()])
    assert per_group.max() <= 3


def test_species_of_a_family_are_more_alike_than_others(many):
    first = many[:, 0]
    apart = (first[:, None] != first[None]).sum(axis=2)
    family = np.arange(200) // MANY.family
    same = (family[:, None] == family[None]) & ~np.eye(200, dtype=bool)
    assert apart[same].mean() < 0.65 * apart[family[:, None] != family[None]].mean()


def test_likeness_of_one_leaves_looks_to_tell_species_apart():
    alike = draw_species(BirdSettings(classes=8, family=4, likeness=1.0, twins=False))
    assert len(np.unique(alike.reshape(16, -1), axis=0)) == 16


def test_one_look_a_species_needs_no_second():
    assert draw_species(BirdSettings(classes=6, morphs=1)).shape == (3, 1, len(ATTRIBUTES))


def test_weights_add_up_and_leave_no_value_out():
    assert set(FREQUENCIES) == set(GROUPS)
    for group, values in GROUPS.items():
        weights = weights_of(group)
        assert len(weights) == len(values)
        assert weights.sum() == pytest.approx(1)
        assert weights.min() > 0


def class_file(tmp_path, rows):
    path = tmp_path / "class_attribute_labels_continuous.txt"
    np.savetxt(path, rows, fmt="%.4f")
    return path


def test_species_of_a_file_have_what_half_of_its_annotations_say(tmp_path):
    rng = np.random.default_rng(0)
    shares = rng.choice([10.0, 50.0, 90.0], size=(7, len(ATTRIBUTES)), p=[0.92, 0.03, 0.05])
    settings = BirdSettings(classes=10, class_file=class_file(tmp_path, shares))
    found = draw_species(settings)[:, 0]
    real = shares >= 50
    assert len(found) == 5
    assert all(any(np.array_equal(each, row) for row in real) for each in found)


@pytest.mark.parametrize("shape", [(3, 312), (40, 311)])
def test_a_file_with_too_little_is_refused(tmp_path, shape):
    settings = BirdSettings(classes=10, class_file=class_file(tmp_path, np.zeros(shape)))
    with pytest.raises(UserError, match=f"holds {shape[0]} of {shape[1]}"):
        draw_species(settings)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"none\.txt cannot be read"):
        draw_species(BirdSettings(class_file=tmp_path / "none.txt"))
