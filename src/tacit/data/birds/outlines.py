"""A bird as outlines in its own frame, back to front, and the places of its parts.

x forward, y down, the middle of the body at the origin; nothing here is random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tacit.data.birds.silhouettes import (
    BILL_DEPTH,
    BILL_LENGTHS,
    BILLS,
    NO_BILL,
    NO_BILL_LENGTH,
    NO_TAIL,
    NO_WING,
    TAIL_LENGTH,
    TAILS,
    WING,
    WINGS,
    Body,
    Outline,
    body_of,
    box,
    disc,
    mean_of,
    ring_sector,
    turned,
)

Shape = tuple[str, Outline]
"""A region's name and an outline of it."""


@dataclass(frozen=True)
class Cues:
    """The state of the three organs that no attribute names."""

    bars: bool
    """Three bars in the wing's panel, not one."""
    plume: bool
    """It rises, and does not hang."""
    cheek: bool
    """Of the second hue, not the first."""


@dataclass(frozen=True)
class Bird:
    """What there is to draw of one bird."""

    shapes: tuple[Shape, ...]
    """From the back to the front."""
    places: Mapping[str, tuple[float, float]]
    """Of each part, without its side: "eye" is the near one, "far leg" the one behind."""
    organs: Outline
    """Middles of the three organs of ``Cues``."""
    feet: tuple[float, float]
    reach: Outline
    """Corners of all shapes, with those of the plume in either state: no cue moves the bird."""


def outlined(values: Mapping[str, list[str]], cues: Cues) -> Bird:
    """Return the outlines of a bird; ``values`` are those that it has of each group."""
    body = body_of(values["has_shape"])
    front = turned(np.array([[body.length * 0.72, -body.depth * 0.62]]), body.upright)[0]
    head = front + np.array([body.neck * 0.5 + 0.06, -body.neck - body.head * 0.42])
    shapes = [
        *_legs(body),
        *_turned(_tail(body, values["has_tail_shape"]), body.upright * 0.8),
        *_neck(body, front, head),
        *_placed(_behind_head(values["has_head_pattern"], cues), body.head, head),
        *_turned(_trunk(body, values["has_wing_shape"], cues), body.upright),
        *_bill(body, head, values),
        *_placed(_head(values["has_head_pattern"], cues), body.head, head),
    ]
    plumes = [_plume(raised=raised) * body.head + head for raised in (False, True)]
    rest = [points for name, points in shapes if name != "plume"]
    return Bird(
        shapes=tuple(shapes),
        places=_places(body, head),
        organs=_organs(body, head),
        feet=(0.04, _ground(body)),
        reach=np.concatenate([*rest, *plumes]),
    )


def _ground(body: Body) -> float:
    """Return how far below the middle the feet stand: below the lowest edge of the body."""
    angle = np.deg2rad(body.upright)
    lowest = np.hypot(body.depth * np.cos(angle), body.length * np.sin(angle))
    return float(lowest) * 0.94 + body.leg


def _turned(shapes: list[Shape], degrees: float) -> list[Shape]:
    return [(name, turned(points, degrees)) for name, points in shapes]


def _placed(shapes: list[Shape], scale: float, centre: np.ndarray) -> list[Shape]:
    return [(name, points * scale + centre) for name, points in shapes]


PANEL = np.array([0.33, 0.12])
"""Middle of the panel of bars, as a share of the body's length and depth."""
LEGS = {"far leg": -0.08, "leg": 0.14}
PLUME = (-1.4, -0.2)


def _legs(body: Body) -> list[Shape]:
    ground = _ground(body)
    legs = []
    for x in LEGS.values():
        legs += [
            ("leg", box(x - 0.04, 0, x + 0.04, ground)),
            ("leg", box(x - 0.05, ground - 0.05, x + 0.14, ground)),
        ]
    return legs


def _tail(body: Body, kinds: list[str]) -> list[Shape]:
    root, length = -body.length * 0.8, TAIL_LENGTH * body.tail
    shapes = []
    for ends in [TAILS[kind] for kind in kinds] or [NO_TAIL]:
        half = np.array([(-0.2, 0), *ends, (0.25, 0.12), (-0.2, 0.12)])
        along = root - half[:, 0] * length
        shapes += [
            ("upper tail", np.stack([along, -half[:, 1]], axis=1)),
            ("under tail", np.stack([along, half[:, 1]], axis=1)),
        ]
    return shapes


def _neck(body: Body, front: np.ndarray, head: np.ndarray) -> list[Shape]:
    along = head - front
    across = np.array([along[1], -along[0]]) / np.linalg.norm(along) * body.head * 0.6
    foot = front - along * 0.3
    return [
        ("flank", np.stack([foot - across, head - across, head + across, foot + across]))
    ]


def _trunk(body: Body, wings: list[str], cues: Cues) -> list[Shape]:
    half = np.array([body.length, body.depth])
    wing = np.array([-0.3 * body.length, -0.1 * body.depth])
    panel = PANEL * half
    # The head of a bird that sits upright hides what would be its breast.
    below = max(0.0, body.upright - 18) * 0.75
    bars = (-0.1, 0.0, 0.1) if cues.bars else (0.0,)
    return [
        ("flank", disc((0, 0), 1, 28) * half),
        ("upperparts", ring_sector(188, 252, 0.56) * half),
        ("back", ring_sector(252, 325, 0.56) * half),
        ("breast", ring_sector(-20 + below, 62 + below / 2, 0.5) * half),
        ("belly", ring_sector(62 + below / 2, 120, 0.5) * half),
        ("underparts", ring_sector(120, 178, 0.5) * half),
        *(
            ("wing", np.array(corners) * WING * half / np.array([0.5, 0.38]) + wing)
            for corners in ([WINGS[kind] for kind in wings] or [NO_WING])
        ),
        ("panel", box(-0.12, -0.15, 0.12, 0.15) + panel),
        *(("bar", box(-0.12, y - 0.028, 0.12, y + 0.028) + panel) for y in bars),
    ]


def _bill(body: Body, head: np.ndarray, values: Mapping[str, list[str]]) -> list[Shape]:
    length = mean_of(BILL_LENGTHS, values["has_bill_length"], NO_BILL_LENGTH)
    root = head + np.array([body.head * 0.86, body.head * 0.12])
    return [
        ("bill", np.array(corners) * np.array([length + 0.1, BILL_DEPTH]) + root)
        for corners in ([BILLS[kind] for kind in values["has_bill_shape"]] or [NO_BILL])
    ]


def _behind_head(patterns: list[str], cues: Cues) -> list[Shape]:
    """Return the crest and the plume, in units of the head's radius."""
    crest = np.array([[0.45, -0.8], [-0.35, -1.75], [-0.75, -0.6]])
    return [
        ("plume", _plume(raised=cues.plume)),
        *([("crest", crest)] if "crested" in patterns else []),
    ]


def _plume(*, raised: bool) -> Outline:
    along = np.linspace(0, 1, 7)
    bend = (-1 if raised else 1) * 0.85 * along**2
    spine = np.stack([-0.85 - 0.9 * along, -0.2 + bend], axis=1)
    width = (0.19 * (1.25 - along))[:, None] * np.array([0.45, 1])
    return np.concatenate([spine - width, (spine + width)[::-1]])


EYE = (0.24, -0.16)
CHEEK = (-0.02, 0.33)
MARKS: Mapping[str, tuple[Outline, ...]] = {
    "spotted": tuple(
        disc(at, 0.14, 8) for at in ((-0.3, -0.3), (-0.4, 0.02), (-0.36, 0.34))
    ),
    "malar": (np.array([[0.52, 0.1], [0.66, 0.26], [0.1, 0.8], [-0.08, 0.6]]),),
    "masked": (box(-0.3, -0.3, 0.66, 0.1),),
    "unique_pattern": (np.array([[-0.1, -0.1], [-0.6, -0.44], [-0.6, 0.24]]),),
    "eyebrow": (np.array([[0.62, -0.6], [0.62, -0.4], [-0.4, -0.44], [-0.4, -0.64]]),),
    "eyeline": (box(-0.62, -0.27, 0.0, -0.04),),
    "striped": tuple(box(x, -0.46, x + 0.09, 0.5) for x in (-0.56, -0.36, -0.16)),
    "capped": (ring_sector(196, 352, 0.58, 0.74),),
}
"""Marks of the head in units of its radius; crested, plain and eyering are drawn otherwise."""


def _head(patterns: list[str], cues: Cues) -> list[Shape]:
    """Return the head in units of its radius."""
    return [
        ("face", disc((0, 0), 1, 24)),
        *([("plain face", disc((0, 0), 0.64, 20))] if "plain" in patterns else []),
        ("nape", ring_sector(140, 222, 0.62)),
        ("crown", ring_sector(222, 288, 0.62)),
        ("forehead", ring_sector(288, 352, 0.62)),
        ("throat", ring_sector(35, 140, 0.62)),
        *(("mark", mark) for kind in patterns for mark in MARKS.get(kind, ())),
        *([("ring", disc(EYE, 0.44))] if "eyering" in patterns else []),
        ("eye", disc(EYE, 0.31)),
        ("pupil", disc(EYE, 0.13, 8)),
        ("cheek two" if cues.cheek else "cheek one", disc(CHEEK, 0.22, 10)),
    ]


def _places(body: Body, head: np.ndarray) -> dict[str, tuple[float, float]]:
    """Return where each part is: in the middle of what is painted of it."""
    on_head = {
        "crown": (-0.2, -0.78), "forehead": (0.6, -0.55), "nape": (-0.82, 0.0),
        "throat": (0.05, 0.82), "eye": EYE, "beak": (1.2, 0.12),
    }  # fmt: skip
    half = np.array([body.length, body.depth])
    on_trunk = {
        "back": (0.15, -0.78), "belly": (0.0, 0.75), "breast": (0.75, 0.3),
        "wing": (-0.3, -0.15), "tail": (-1.1, 0.0),
    }  # fmt: skip
    places = {name: np.array(at) * body.head + head for name, at in on_head.items()}
    for name, at in on_trunk.items():
        places[name] = turned(np.array([at]) * half, body.upright)[0]
    for name, x in LEGS.items():
        places[name] = np.array([x, _ground(body) - body.leg / 2])
    return {name: (float(x), float(y)) for name, (x, y) in places.items()}


def _organs(body: Body, head: np.ndarray) -> Outline:
    panel = turned(np.array([PANEL]) * [body.length, body.depth], body.upright)[0]
    return np.stack([panel, *(np.array([PLUME, CHEEK]) * body.head + head)])
