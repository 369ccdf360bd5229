"""Sets of images, and how they are varied."""

import numpy as np
import pytest
import torch

from bottlenecks.toy_images import toy_images
from tacit.base.errors import UserError
from tacit.bottlenecks.images import AugmentSettings, augmented, concept_images

PIXELS = torch.randint(
    0, 256, (64, 3, 6, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)


def varied(seed: int = 0, **settings) -> torch.Tensor:
    noise = torch.Generator().manual_seed(seed)
    return augmented(PIXELS, AugmentSettings(**{"flip": False, **settings}), noise)


def test_images_are_as_they_are_without_variation():
    assert torch.equal(varied(), PIXELS)


def test_about_half_are_mirrored_and_the_others_kept():
    found = varied(flip=True)
    mirrored = (found == PIXELS.flip(3)).flatten(1).all(dim=1)
    kept = (found == PIXELS).flatten(1).all(dim=1)
    assert (mirrored ^ kept).all()
    assert 16 < int(mirrored.sum()) < 48


def test_a_shift_moves_every_pixel_alike_and_draws_out_the_border():
    found = varied(shift_pixels=1)
    padded = torch.nn.functional.pad(PIXELS.float(), (1, 1, 1, 1), mode="replicate").byte()
    wanted = {
        (down, right): padded[:, :, down : down + 6, right : right + 5]
        for down in range(3)
        for right in range(3)
    }
    hits = torch.stack([(found == one).flatten(1).all(dim=1) for one in wanted.values()])
    assert hits.any(dim=0).all()
    assert hits.any(dim=1).all()


def test_brightness_is_one_factor_an_image_and_stays_within_eight_bits():
    found = varied(brightness=0.5)
    dark = PIXELS.flatten(1).float()
    assert found.dtype == torch.uint8
    unclipped = (found.flatten(1) < 255) & (dark > 100)
    factors = torch.where(unclipped, found.flatten(1) / dark, float("nan"))
    spread = factors.nan_to_num(-1).amax(dim=1) - factors.nan_to_num(9).amin(dim=1)
    # Rounding to whole numbers of 100 and more is worth a hundredth.
    assert float(spread.max()) < 0.011
    assert 0.5 <= float(factors.nanmean()) <= 1.5


def test_the_same_noise_varies_alike():
    settings = {"flip": True, "shift_pixels": 2, "brightness": 0.3}
    assert torch.equal(varied(3, **settings), varied(3, **settings))
    assert not torch.equal(varied(3, **settings), varied(4, **settings))


def test_prevalence_is_over_known_labels_of_the_images_to_train_on():
    pixels = np.zeros((5, 3, 4, 4), dtype=np.uint8)
    concepts = np.array([[1], [0], [1], [0], [1]])
    known = np.array([[True], [True], [False], [True], [True]])
    images = concept_images(
        pixels,
        concepts,
        np.zeros(5, dtype=np.int64),
        train=np.arange(4),
        validation=np.array([3, 4]),
        known=known,
    )
    assert images.prevalence.tolist() == [pytest.approx(1 / 3)]


@pytest.mark.parametrize("known", [True, False])
def test_a_constant_or_unknown_concept_is_refused_by_number(known):
    images = toy_images(40)
    images.concepts[:, 1] = 1
    images.known[:, 1] = known
    with pytest.raises(UserError, match=r"concepts 1 \(1 in all.*Leave them out"):
        _ = images.prevalence


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"train": np.array([0])}, "1 images to train on"),
        ({"train": np.array([0, 4])}, "there are 4 images"),
    ],
)
def test_what_does_not_fit_together_is_refused(wrong, told):
    given = {
        "classes": np.zeros(4, dtype=np.int64),
        "train": np.arange(2),
        "validation": np.arange(2, 4),
        **wrong,
    }
    pixels = np.zeros((4, 3, 4, 4), dtype=np.uint8)
    with pytest.raises(UserError, match=told):
        concept_images(pixels, np.zeros((4, 1)), **given)
