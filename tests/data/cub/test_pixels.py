import sys
from dataclasses import replace

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.data.cub import check_images, read_cub, read_pixels

JPEG = 12
"""How far a colour of a JPEG may lie from what was drawn."""


def test_images_come_in_the_order_of_rows_as_bytes(folder, truth):
    cub, rows = read_cub(folder), np.array([7, 0])
    pixels = read_pixels(cub, rows, 20)
    assert pixels.shape == (2, 3, 20, 20) and pixels.dtype == np.uint8
    # An orange box on blue, squeezed from 40 by 30 to 20 by 20.
    for place, row in enumerate(rows):
        left, top, width, height = truth.boxes[row]
        x, y = int((left + width / 2) / 2), int((top + height / 2) * 2 / 3)
        np.testing.assert_allclose(pixels[place, :, y, x], [250, 120, 0], atol=JPEG)
        np.testing.assert_allclose(pixels[place, :, 19, 19], [0, 0, 200], atol=JPEG)


def test_a_box_of_the_bird_is_filled_by_it(folder):
    cub = read_cub(folder)
    square = replace(cub, boxes=np.tile([0.0, 0.0, 10.0, 10.0], (len(cub.labels), 1)))
    square.boxes[:, :2] = cub.boxes[:, :2]
    pixels = read_pixels(square, np.array([4]), 8, crop="box")
    inner = pixels[0, :, 1:-1, 1:-1]
    np.testing.assert_allclose(
        inner, np.broadcast_to([[[250]], [[120]], [[0]]], (3, 6, 6)), atol=20
    )


def test_a_box_keeps_its_shape_and_is_black_beyond_the_image(folder):
    cub = read_cub(folder)
    boxes = np.tile([0.0, 0.0, 40.0, 30.0], (len(cub.labels), 1))
    pixels = read_pixels(replace(cub, boxes=boxes), np.array([4]), 40, crop="box")
    # 40 by 30 in a square of 40: five rows above and below lie outside.
    assert not pixels[0, :, :5].any() and not pixels[0, :, 35:].any()
    assert pixels[0, :, 5:35].any(axis=0).all()


def test_grey_images_have_three_equal_colours(folder):
    pixels = read_pixels(read_cub(folder), np.array([3]), 16)
    np.testing.assert_array_equal(pixels[0, 0], pixels[0, 1])
    np.testing.assert_array_equal(pixels[0, 0], pixels[0, 2])
    assert pixels.max() > 200


def test_missing_images_are_counted_and_named(folder):
    cub = read_cub(folder)
    for row in (1, 2):
        cub.image_paths[row].unlink()
    check_images(cub, np.array([0, 3]))
    with pytest.raises(UserError, match="2 of 3 images are not in .*BIRD_0001.jpg"):
        check_images(cub, np.array([0, 1, 2]))
    with pytest.raises(UserError, match="1 of 1 images"):
        read_pixels(cub, np.array([1]), 8)


def test_a_file_that_is_no_image_is_named(folder):
    cub = read_cub(folder)
    cub.image_paths[2].write_bytes(cub.image_paths[2].read_bytes()[:200])
    with pytest.raises(UserError, match="0002.jpg cannot be read as an image"):
        read_pixels(cub, np.array([2]), 8)


def test_an_empty_box_is_named(folder):
    cub = read_cub(folder)
    boxes = np.zeros((len(cub.labels), 4))
    with pytest.raises(UserError, match="the box of .* is 0 by 0"):
        read_pixels(replace(cub, boxes=boxes), np.array([0]), 8, crop="box")


def test_without_pillow_the_extra_is_named(folder, monkeypatch):
    cub = read_cub(folder)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UserError, match=r"pip install 'tacit\[birds\]'"):
        read_pixels(cub, np.array([0]), 8)
