"""What it costs to draw birds, beside the bare writing of as many JPEG files of the same pixels."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np

from tacit.data.birds import BirdSettings, draw_birds
from tacit.data.birds.chunks import QUALITY, encoded
from tacit.data.cub import read_cub, read_pixels

CLASSES, IMAGES, SIDE = 20, 60, 64


def seconds_of(folder: Path, workers: int) -> float:
    """Return the seconds in which a set is drawn, written and annotated."""
    began = time.perf_counter()
    settings = BirdSettings(classes=CLASSES, images=IMAGES, side=SIDE)
    draw_birds(folder, settings, workers=workers)
    return time.perf_counter() - began


def main() -> None:
    """Print birds a second with one process and with two, and as a ratio to the bare files."""
    count = CLASSES * IMAGES
    with tempfile.TemporaryDirectory() as folder:
        one, two = (seconds_of(Path(folder) / f"of-{each}", each) for each in (1, 2))
        cub = read_cub(Path(folder) / "of-1")
        pixels = read_pixels(cub, np.arange(count), SIDE).transpose(0, 2, 3, 1)
        began = time.perf_counter()
        for number, each in enumerate(pixels):
            jpeg = encoded(
                np.ascontiguousarray(each), "JPEG", quality=QUALITY, subsampling=0
            )
            (Path(folder) / f"{number}.jpg").write_bytes(jpeg)
        bare = time.perf_counter() - began
    print(
        f"drawing {count:,} birds of {SIDE} px with their annotations: {count / one:,.0f} a second "
        f"in one process, {count / two:,.0f} in two ({one / two:.2f} times as fast); "
        f"{one / bare:.1f} times the bare writing of the same files (seed 0, load "
        f"{os.getloadavg()[0]:.1f})"
    )


if __name__ == "__main__":
    main()
