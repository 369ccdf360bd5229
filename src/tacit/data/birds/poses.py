"""How a picture is taken: everything in it that depends on neither species nor class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pose:
    """Where the bird is and what is around it. Shares are of the image's side."""

    faces_left: bool
    tilt: float
    """Degrees."""
    scale: float
    """About 1: it never hides the size, whose steps are larger."""
    place: tuple[float, float]
    """Where the bird is in the room that it leaves: from 0 to 1 each way."""
    light: tuple[float, float, float]
    """Factors of red, green and blue."""
    ground: np.ndarray
    """Colours of a coarse grid, smoothed into the background."""
    leaves: tuple[tuple[float, float, float], ...]
    """Leaves in front of the bird: place within its box, and angle in degrees."""
    leaf_colour: tuple[int, int, int]
    berry: float
    """Where along the branch a berry would hang."""
    grain: int
    """Seed of the noise of the sensor."""


SCALE_SPREAD = 0.018
"""So that two birds a size apart (8 to 10 %) are seldom mistaken for each other."""
GRAIN = 4.0
"""Standard deviation of the noise of the sensor, out of 255."""


def draw_pose(rng: np.random.Generator, mean_leaves: float) -> Pose:
    """Return the pose of one picture."""
    base = rng.uniform(100, 205) + rng.normal(0, 14, 3)
    return Pose(
        faces_left=bool(rng.random() < 0.5),
        tilt=float(rng.normal(0, 5)),
        scale=float(1 + SCALE_SPREAD * rng.standard_normal()),
        place=(float(rng.random()), float(rng.random())),
        light=tuple((rng.uniform(0.86, 1.08) * rng.normal(1, 0.025, 3)).tolist()),
        ground=np.clip(base + rng.normal(0, 14, (5, 5, 3)), 0, 255).astype(np.uint8),
        leaves=tuple(
            (float(rng.random()), float(rng.random()), float(rng.uniform(0, 180)))
            for _ in range(rng.poisson(mean_leaves))
        ),
        leaf_colour=(
            int(rng.integers(55, 95)),
            int(rng.integers(105, 150)),
            int(rng.integers(40, 75)),
        ),
        berry=float(rng.random()),
        grain=int(rng.integers(2**31)),
    )
