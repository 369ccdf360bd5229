"""One picture: outlines into a map of regions, the map into colours, and what is visible of it.

Axes: h w pixels of the canvas, which is two or three times as fine as the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from tacit.base.errors import UserError
from tacit.data.birds.outlines import Bird, Cues, outlined
from tacit.data.birds.paint import painted
from tacit.data.birds.poses import GRAIN, Pose
from tacit.data.birds.regions import BIRD, NUMBER
from tacit.data.birds.silhouettes import NO_SIZE, SIZES, Outline, mean_of, turned

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

UNIT = 0.56
"""Length of the frame's unit as a share of the image's side, for a bird of size 1."""
MARGIN = 0.02
SIDES = ("eye", "leg", "wing")
"""Parts of which there is a left one and a right one."""
LEAF = np.array(
    [[-0.13, 0], [-0.06, -0.05], [0.03, -0.055], [0.13, 0], [0.03, 0.055], [-0.06, 0.05]]
)
SPARED = 0.15
"""How near the middle of a leaf may come to an organ of the cues, as a share of the side."""


@dataclass(frozen=True)
class Picture:
    """A picture and what is known of it. Lengths are in pixels of the image."""

    pixels: UInt8[np.ndarray, "side side 3"]
    box: tuple[int, int, int, int]
    """x, y, width and height around the bird."""
    places: Mapping[str, tuple[float, float]]
    """Of each part that is visible."""


@dataclass(frozen=True)
class View:
    """How the bird's frame lies on the canvas."""

    turn: np.ndarray
    """From the frame to the canvas, but for the shift: rows are the images of x and y."""
    shift: np.ndarray

    def placed(self, points: Outline) -> Outline:
        """Return points of the bird's frame on the canvas."""
        return points @ self.turn + self.shift

    def framed(self, points: Outline) -> Outline:
        """Return points of the canvas in the bird's frame."""
        return (points - self.shift) @ np.linalg.inv(self.turn)


def draw_picture(
    values: Mapping[str, list[str]], cues: Cues, pose: Pose, side: int, *, berry: bool
) -> Picture:
    """Return the picture of a bird; ``values`` are those that it has of each group."""
    fine = 3 if side <= 128 else 2
    size = side * fine
    bird = outlined(values, cues)
    view = _view(bird, pose, size, mean_of(SIZES, values["has_size"], NO_SIZE))
    regions, box = _regions(bird, view, pose, size, berry=berry)
    rgb = _smooth(pose.ground, size)
    rows, columns = regions.nonzero()
    frame = view.framed(np.stack([columns, rows], axis=1) + 0.5)
    rgb[rows, columns] = painted(regions[rows, columns], frame, values)
    rgb[regions == NUMBER["leaf"]] = pose.leaf_colour
    places = {
        name: (px / fine, py / fine)
        for name, (px, py) in _visible(bird, view, pose, regions)
    }
    left, top, right, bottom = (round(each / fine) for each in box)
    return Picture(
        pixels=_developed(rgb, pose, side),
        box=(left, top, max(1, right - left), max(1, bottom - top)),
        places=places,
    )


def pillow() -> None:
    """Make sure that there is Pillow.

    Raises:
        UserError: with the command that installs it.
    """
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise UserError(
            "birds are drawn with Pillow, which is not installed: pip install 'tacit[birds]'."
        ) from error


def _view(bird: Bird, pose: Pose, size: int, bird_size: float) -> View:
    """Return the view in which the bird stands where the pose wants it, wholly in the frame.

    No cue moves it.
    """
    mirror = np.diag([-1.0 if pose.faces_left else 1.0, 1.0])
    turn = UNIT * size * bird_size * pose.scale * turned(mirror, pose.tilt)
    points = bird.reach @ turn
    low, high = points.min(axis=0), points.max(axis=0)
    room = size * (1 - 2 * MARGIN) - (high - low)
    # A bird larger than the frame stands in its middle and loses as much at both ends.
    share = np.where(room > 0, pose.place, 0.5)
    return View(turn, size * MARGIN + room * share - low)


def _regions(
    bird: Bird, view: View, pose: Pose, size: int, *, berry: bool
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Return the map of regions and the box around the bird, as if nothing stood before it."""
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (size, size))
    draw = ImageDraw.Draw(canvas)
    _branch(draw, view.placed(np.array([bird.feet]))[0], size, pose, berry=berry)
    for name, points in bird.shapes:
        draw.polygon(
            [tuple(each) for each in view.placed(points).tolist()], fill=NUMBER[name]
        )
    found = np.asarray(canvas)
    rows, columns = ((found > 0) & (found <= len(BIRD))).nonzero()
    box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    organs = view.placed(bird.organs)
    for leaf in _leaves(pose, box, size, organs):
        draw.polygon([tuple(each) for each in leaf.tolist()], fill=NUMBER["leaf"])
    return np.asarray(canvas), box


def _branch(
    draw: ImageDraw, feet: np.ndarray, size: int, pose: Pose, *, berry: bool
) -> None:
    """Draw a branch of one thickness, which shows how large the bird is, and perhaps a berry."""
    top, thick = float(feet[1]), 0.05 * size
    draw.rectangle((0, top, size, top + thick), fill=NUMBER["branch"])
    if berry:
        x, radius = pose.berry * size, 0.055 * size
        middle = min(top + thick + radius, size - radius)
        around = (x - radius, middle - radius, x + radius, middle + radius)
        draw.ellipse(around, fill=NUMBER["berry"])


def _leaves(
    pose: Pose, box: tuple[int, int, int, int], size: int, organs: Outline
) -> list[np.ndarray]:
    """Return the leaves in front of the bird; none that would hide an organ of the cues."""
    found = []
    for x, y, degrees in pose.leaves:
        middle = np.array([box[0] + x * (box[2] - box[0]), box[1] + y * (box[3] - box[1])])
        if np.linalg.norm(organs - middle, axis=1).min() > SPARED * size:
            angle = np.deg2rad(degrees)
            turn = np.array(
                [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
            )
            found.append(LEAF * size @ turn + middle)
    return found


def _visible(
    bird: Bird, view: View, pose: Pose, regions: np.ndarray
) -> list[tuple[str, tuple[float, float]]]:
    """Return the canvas' places of the parts that are on the near side and behind no leaf."""
    size = len(regions)
    near, far = ("left", "right") if pose.faces_left else ("right", "left")
    found = []
    for name, at in bird.places.items():
        x, y = view.placed(np.array([at]))[0]
        inside = 0 <= x < size and 0 <= y < size
        if inside and regions[int(y), int(x)] != NUMBER["leaf"]:
            part = f"{near} {name}" if name in SIDES else name.replace("far", far)
            found.append((part, (float(x), float(y))))
    return found


def _smooth(grid: np.ndarray, size: int) -> np.ndarray:
    from PIL import Image

    resized = Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC)
    return np.array(resized, np.float64)


def _developed(rgb: np.ndarray, pose: Pose, side: int) -> np.ndarray:
    """Return the image: brought to its size, lit, and with the grain of a sensor."""
    fine = len(rgb) // side
    small = rgb.reshape(side, fine, side, fine, 3).mean(axis=(1, 3))
    grain = np.random.default_rng(pose.grain).normal(0, GRAIN, small.shape)
    return np.clip(np.rint(small * np.array(pose.light) + grain), 0, 255).astype(np.uint8)
