"""What is said of a picture: exact without noise, as noisy as the real set with it."""

import numpy as np
import pytest

from tacit.base.seeds import stream
from tacit.data.birds.annotators import annotate, habits
from tacit.data.birds.settings import BirdSettings
from tacit.data.birds.species import COLUMNS, draw_species
from tacit.data.cub.vocabulary import ATTRIBUTES, PARTS, PUBLISHED

ALL = set(PARTS)
LOOKS = draw_species(BirdSettings(classes=60, twins=False))


def said(noise, species, visible=ALL, images=60):
    ways = habits(len(LOOKS), noise, 0)
    return [
        annotate(
            LOOKS[species, image % 2],
            species,
            ways,
            visible,
            stream(image, f"test/{species}"),
        )
        for image in range(images)
    ]


def test_without_noise_annotations_are_what_is_drawn():
    for image, each in enumerate(said(0.0, 3, images=4)):
        np.testing.assert_array_equal(each.present, LOOKS[3, image % 2])
        assert each.certainty.min() >= 2


def test_noise_is_that_of_the_real_set():
    shares = np.stack(
        [
            np.mean([each.present for each in said(1.0, species)], axis=0)
            for species in range(30)
        ]
    )
    published = shares[:, list(PUBLISHED)]
    majority = np.maximum(published, 1 - published)
    assert majority.mean() == pytest.approx(0.826, abs=0.02)
    assert ((published > 0.3) & (published < 0.7)).mean() == pytest.approx(0.25, abs=0.07)
    assert published.sum(axis=1).mean() == pytest.approx(28.8, abs=2)  # said of an image
    assert (published >= 0.5).sum(axis=1).mean() == pytest.approx(21.6, abs=2)


def test_twice_the_noise_errs_more_and_never_more_often_than_not():
    mild, strong = habits(5, 0.5, 0), habits(5, 2.0, 0)
    assert (strong.missed >= mild.missed).all()
    assert strong.missed.max() <= 0.5
    assert strong.imagined.max() <= 0.5


def test_what_no_part_shows_is_not_visible_and_the_rest_is_judged():
    drawn = np.ones(len(ATTRIBUTES), bool)
    ways = habits(1, 0.0, 0)
    seen = ALL - {"tail", "left eye"}
    each = annotate(drawn, 0, ways, seen, stream(0, "test"))
    for group, columns in COLUMNS.items():
        hidden = "tail" in group
        assert (each.certainty[columns] == 1).all() == hidden, group
        assert each.present[columns].any() != hidden


def test_times_are_one_a_group_and_positive():
    each = said(1.0, 0, images=1)[0]
    for columns in COLUMNS.values():
        assert len(set(each.seconds[columns])) == 1
    assert each.seconds.min() > 0
