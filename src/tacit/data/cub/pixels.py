"""The pixels of images, as one array of bytes.

Axes: r images, 3 colours (red, green, blue), then height and width, which are one side.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt8

from tacit.base.errors import UserError
from tacit.data.cub.folder import Cub

Crop = Literal["whole", "box"]


def check_images(cub: Cub, rows: Int[np.ndarray, " r"]) -> None:
    """Refuse images that are not on disk, saying how many and which are the first."""
    missing = [path for row in rows if not (path := cub.image_paths[row]).is_file()]
    if missing:
        first = ", ".join(str(path.relative_to(cub.root)) for path in missing[:3])
        raise UserError(
            f"{len(missing)} of {len(rows)} images are not in {cub.root}, such as {first}; take "
            "the folder images from the archive again."
        )


def read_pixels(
    cub: Cub, rows: Int[np.ndarray, " r"], side: int, *, crop: Crop = "whole"
) -> UInt8[np.ndarray, "r 3 side side"]:
    """Return images as squares of ``side`` pixels, grey ones with three equal colours.

    ``whole`` squeezes the image into the square, so that nothing is lost; ``box`` takes the
    square around the bird's box, with black where it leaves the image, so that shapes stay.

    Raises:
        UserError: where Pillow is not installed, a file is missing or is no image, or a box is
            empty.
    """
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise UserError(
            "images were asked for, and Pillow, which reads them, is not installed; run pip "
            "install 'tacit[birds]'."
        ) from error
    check_images(cub, rows)
    pixels = np.empty((len(rows), 3, side, side), dtype=np.uint8)

    def fill(place: int, row: int) -> None:
        box = cub.boxes[row] if crop == "box" else None
        pixels[place] = _square(cub.image_paths[row], side, box)

    # Pillow leaves the interpreter to others while it decodes.
    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, range(len(rows)), rows.tolist()))
    return pixels


def _square(
    path: Path, side: int, box: Float[np.ndarray, " 4"] | None
) -> UInt8[np.ndarray, "3 side side"]:
    """Return one image, cut and scaled."""
    from PIL import Image

    try:  # Pillow calls a broken PNG a SyntaxError.
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    except (OSError, SyntaxError) as error:
        raise UserError(f"{path} cannot be read as an image ({error}).") from error
    if box is not None:
        left, top, width, height = box.tolist()
        if width <= 0 or height <= 0:
            raise UserError(f"the box of {path} is {width:g} by {height:g} pixels.")
        reach = max(width, height) / 2
        x, y = left + width / 2, top + height / 2
        edges = (round(x - reach), round(y - reach), round(x + reach), round(y + reach))
        image = image.crop(edges)
    scaled = image.resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(scaled).transpose(2, 0, 1)
