"""The numbers behind each value of a shape: bodies, bills, tails, wings and sizes.

Lengths are in units of the bird's own frame: x forward, y down, the body about one unit long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

Outline = Float[np.ndarray, "_ 2"]
"""Corners of a polygon; two outlines need not have as many."""


@dataclass(frozen=True)
class Body:
    """A body and how it holds itself."""

    length: float = 0.5
    """Half its length."""
    depth: float = 0.38
    """Half its depth."""
    upright: float = 18
    """Degrees by which the front is raised."""
    neck: float = 0.0
    head: float = 0.34
    """Radius."""
    leg: float = 0.2
    tail: float = 1.0
    """Length of the tail, as a multiple."""


BODIES: Mapping[str, Body] = MappingProxyType(
    {
        "upright-perching_water-like": Body(0.54, 0.33, 60, 0.08, 0.29, 0.1, 0.75),
        "chicken-like-marsh": Body(0.46, 0.42, 8, 0.14, 0.28, 0.34, 0.85),
        "long-legged-like": Body(0.44, 0.31, 22, 0.3, 0.26, 0.55, 0.8),
        "duck-like": Body(0.58, 0.36, 0, 0.14, 0.31, 0.04, 0.8),
        "owl-like": Body(0.48, 0.42, 70, 0.0, 0.44, 0.06, 0.8),
        "gull-like": Body(0.58, 0.31, 4, 0.0, 0.32, 0.24, 0.8),
        "hummingbird-like": Body(0.42, 0.3, 50, 0.08, 0.29, 0.05, 0.9),
        "pigeon-like": Body(0.53, 0.43, 14, 0.06, 0.26, 0.12, 1.1),
        "tree-clinging-like": Body(0.52, 0.33, 78, 0.04, 0.31, 0.12, 1.2),
        "hawk-like": Body(0.56, 0.4, 48, 0.0, 0.33, 0.22, 1.3),
        "sandpiper-like": Body(0.44, 0.34, 6, 0.08, 0.28, 0.45, 0.85),
        "upland-ground-like": Body(0.44, 0.46, 26, 0.04, 0.27, 0.22, 0.7),
        "swallow-like": Body(0.56, 0.29, 6, 0.0, 0.29, 0.06, 1.35),
        "perching-like": Body(0.47, 0.36, 34, 0.0, 0.35, 0.26, 1.1),
    }
)
SIZES: Mapping[str, float] = MappingProxyType(
    {
        "very_small_(3_-_5_in)": 0.77,
        "small_(5_-_9_in)": 0.84,
        "medium_(9_-_16_in)": 0.91,
        "large_(16_-_32_in)": 0.98,
        "very_large_(32_-_72_in)": 1.05,
    }
)
NO_SIZE = 0.7
BILL_LENGTHS: Mapping[str, float] = MappingProxyType(
    {"shorter_than_head": 0.22, "about_the_same_as_head": 0.34, "longer_than_head": 0.46}
)
NO_BILL_LENGTH = 0.28
BILLS: Mapping[str, tuple[tuple[float, float], ...]] = MappingProxyType(
    {
        "curved_(up_or_down)": (
            (0, -1), (0.5, -0.9), (0.9, 0.2), (1, 1.8), (0.7, 0.8),
            (0.3, 0.5), (0, 0.7),
        ),
        "dagger": ((0, -1.1), (1.15, 0), (0, 1.1)),
        "hooked": ((0, -1.1), (0.75, -0.9), (0.9, 0.4), (0.75, 1.6), (0.6, 0.3), (0, 0.6)),
        "needle": ((0, -0.4), (1.4, -0.15), (1.4, 0.15), (0, 0.4)),
        "hooked_seabird": ((0, -1), (1, -1), (1.2, 0), (1.1, 1.5), (0.9, 0.9), (0, 1)),
        "spatulate": (
            (0, -0.5), (0.6, -0.5), (0.8, -1.3), (1.2, -0.9), (1.2, 0.9), (0.8, 1.3),
            (0.6, 0.5), (0, 0.5),
        ),
        "all-purpose": ((0, -0.8), (0.6, -0.6), (1, 0.1), (0.5, 0.5), (0, 0.6)),
        "cone": ((0, -1.7), (0.4, -1.2), (0.85, 0), (0.4, 1), (0, 1.5)),
        "specialized": (
            (0, -1.2), (0.5, -1), (1.1, 1.3), (0.8, 0.3), (1.1, -1.3), (0.5, 1), (0, 1.2),
        ),
    }
)  # fmt: skip
"""Corners: along the bill as a share of its length, and across it in units of ``BILL_DEPTH``."""
NO_BILL = ((0, -0.6), (0.8, -0.3), (0.8, 0.3), (0, 0.6))
BILL_DEPTH = 0.1
TAILS: Mapping[str, tuple[tuple[float, float], ...]] = MappingProxyType(
    {
        "forked_tail": ((0.5, 0), (1.15, 0.26), (0.95, 0.27)),
        "rounded_tail": ((1.05, 0), (1.02, 0.09), (0.93, 0.16), (0.8, 0.2)),
        "notched_tail": ((0.78, 0), (1, 0.15), (0.95, 0.19)),
        "fan-shaped_tail": ((1, 0), (0.97, 0.15), (0.85, 0.29), (0.66, 0.36)),
        "pointed_tail": ((1.3, 0), (0.6, 0.14)),
        "squared_tail": ((0.9, 0), (0.9, 0.2)),
    }
)
"""Corners of one half from the middle outwards: along the tail, and across."""
NO_TAIL = ((0.75, 0), (0.7, 0.1))
TAIL_LENGTH = 0.52
WINGS: Mapping[str, tuple[tuple[float, float], ...]] = MappingProxyType(
    {
        "rounded-wings": (
            (0.5, 0), (0.4, -0.8), (0, -1.1), (-0.6, -0.9), (-0.95, -0.2), (-0.85, 0.5),
            (-0.4, 0.8), (0.2, 0.7),
        ),
        "pointed-wings": ((0.5, -0.2), (0, -1), (-1.5, 0.6), (-0.3, 0.6), (0.3, 0.5)),
        "broad-wings": ((0.5, -0.5), (0, -1.3), (-0.8, -1.2), (-0.9, 0.9), (-0.2, 1.4), (0.4, 1)),
        "tapered-wings": ((0.5, -0.7), (0, -0.9), (-1.2, -0.4), (-1.2, -0.1), (0, 0.4), (0.4, 0.3)),
        "long-wings": (
            (0.5, -0.3), (0, -0.8), (-1.7, -0.4), (-1.9, 0), (-1.6, 0.3), (0, 0.6), (0.4, 0.4),
        ),
    }
)  # fmt: skip
NO_WING = ((0.45, 0), (0, -0.6), (-0.7, -0.3), (-0.7, 0.3), (0, 0.5))
WING = np.array([0.34, 0.19])
"""Half the length and the depth of a wing's unit."""


def body_of(shapes: list[str]) -> Body:
    """Return the body of a bird with these shapes: their mean, where there are several."""
    if not shapes:
        return Body()
    rows = np.array([astuple(BODIES[shape]) for shape in shapes])
    return Body(*map(float, rows.mean(axis=0)))


def mean_of(table: Mapping[str, float], values: list[str], otherwise: float) -> float:
    """Return the mean of a table's entries, or what stands for none."""
    return float(np.mean([table[value] for value in values])) if values else otherwise


def turned(points: Outline, degrees: float) -> Outline:
    """Return points turned about the origin, against the clock as one sees it."""
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    return points @ np.array([[cosine, -sine], [sine, cosine]])


def ring_sector(
    start: float, end: float, inner: float, outer: float = 1.0, corners: int = 9
) -> Outline:
    """Return a sector of the unit ring; degrees run from the front by way of the bottom."""
    angles = np.deg2rad(np.linspace(start, end, corners))
    arc = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.concatenate([outer * arc, inner * arc[::-1]])


def disc(centre: tuple[float, float], radius: float, corners: int = 14) -> Outline:
    """Return a circle's corners."""
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1) + np.array(centre)


def box(left: float, top: float, right: float, bottom: float) -> Outline:
    """Return a rectangle's corners."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
