"""Statistics of concepts: closed forms, and the real class matrix where TACIT_CUB names it."""

import os
from pathlib import Path

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.data.cub import concept_statistics, imbalance_weights, label_noise
from tacit.data.cub.statistics import entropy_bits
from tacit.data.cub.tables import read_names, read_table
from tacit.data.cub.vocabulary import ATTRIBUTES, PUBLISHED


def test_prevalence_goes_by_images_and_distances_by_classes():
    present = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 0]], dtype=bool)
    told = concept_statistics(present, np.array([0, 0, 0, 1, 2, 2]))
    np.testing.assert_allclose(told.prevalence, [0.5, 1, 0])
    np.testing.assert_allclose(told.entropy_bits, [1, 0, 0], atol=1e-12)
    assert told.num_constant == 2
    assert told.num_present.tolist() == [2, 1, 1]
    assert told.distances.tolist() == [1, 1, 0] and told.rank == 2


def test_entropy_of_a_quarter_is_two_minus_three_quarters_of_log_three():
    assert entropy_bits(np.array([0.25]))[0] == pytest.approx(2 - 0.75 * np.log2(3))


def test_weights_are_how_many_lack_a_concept_for_each_that_has_it():
    weights = imbalance_weights(np.array([0.5, 0.2, 1]), ["a", "b", "c"])
    np.testing.assert_allclose(weights, [1, 4, 0])
    with pytest.raises(UserError, match="1 are present in no image, such as b"):
        imbalance_weights(np.array([0.5, 0]), ["a", "b"])


def test_noise_of_a_coin_and_of_certainty():
    coin = label_noise(np.full((2, 3), 50.0), np.array([0, 1, 1]))
    assert (coin.majority_share, coin.ambiguous_share) == (0.5, 1)
    assert coin.entropy_bits == coin.entropy_given_class_bits == pytest.approx(1)
    sure = label_noise(np.array([[0.0], [100.0]]), np.array([0, 1, 1, 1]))
    assert (sure.majority_share, sure.ambiguous_share) == (1, 0)
    assert sure.entropy_bits == pytest.approx(2 - 0.75 * np.log2(3))
    assert sure.entropy_given_class_bits == 0


@pytest.fixture(scope="module")
def real() -> Path:
    if "TACIT_CUB" not in os.environ:
        pytest.skip("set TACIT_CUB to a folder with the class-level files of CUB-200-2011")
    return Path(os.environ["TACIT_CUB"])


@pytest.fixture(scope="module")
def real_labels(real):
    table = read_table(real / "image_class_labels.txt", {"image": int, "class": int})
    return table["class"] - 1


def test_the_real_matrix_has_the_known_statistics(real, real_labels):
    shares = np.loadtxt(real / "class_attribute_labels_continuous.txt")
    present = shares[:, PUBLISHED] >= 50
    told = concept_statistics(present, real_labels)
    three = [told.prevalence.min(), np.median(told.prevalence), told.prevalence.max()]
    np.testing.assert_allclose(three, [0.030, 0.134, 0.953], atol=5e-4)
    bits = told.entropy_bits
    np.testing.assert_allclose(
        [bits.min(), np.median(bits), bits.max()], [0.197, 0.561, 0.998], atol=5e-4
    )
    assert (bits < 0.5).sum() == 47 and (told.prevalence < 0.1).sum() == 38
    weights = imbalance_weights(told.prevalence, [ATTRIBUTES[n] for n in PUBLISHED])
    np.testing.assert_allclose(
        [weights.min(), np.median(weights), weights.max()], [0.05, 6.46, 31.84], atol=5e-3
    )
    assert told.num_constant == 0 and told.rank == 111
    assert told.num_present.mean() == pytest.approx(21.6, abs=0.05)
    assert (told.num_present.min(), told.num_present.max()) == (3, 36)
    gaps = told.distances
    assert (gaps.min(), np.median(gaps), gaps.max()) == (1, 29, 57)
    assert (gaps <= 3).sum() == 27 and len(gaps) == 19_900


def test_the_real_annotations_are_as_noisy_as_known(real, real_labels):
    shares = np.loadtxt(real / "class_attribute_labels_continuous.txt")[:, PUBLISHED]
    noise = label_noise(shares, real_labels)
    told = [noise.majority_share, noise.ambiguous_share]
    np.testing.assert_allclose(told, [0.826, 0.25], atol=6e-3)
    bits = [noise.entropy_bits, noise.entropy_given_class_bits]
    np.testing.assert_allclose(bits, [0.752, 0.535], atol=1e-3)


def test_the_real_files_are_read_as_they_are(real):
    assert read_names(real / "attributes.txt") == ATTRIBUTES
    parts = read_names(real / "parts.txt")
    columns = {"image": int, "part": int, "x": float, "y": float, "visible": int}
    table = read_table(real / "part_locs.txt", columns)
    seen = np.zeros((11_788, 15))
    seen.flat[table.cells("image", "part", seen.shape)] = table["visible"]
    assert table.num_mended == 0 and seen.mean() == pytest.approx(0.8, abs=5e-4)
    known = dict(zip(parts, seen.mean(axis=0), strict=True))
    for name, share in {
        "back": 0.769,
        "beak": 0.996,
        "left eye": 0.497,
        "throat": 0.987,
    }.items():
        assert known[name] == pytest.approx(share, abs=5e-4)
