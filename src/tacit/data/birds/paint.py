"""From a map of regions to colours: bands where a group has several, and patterns over them.

Axes: n pixels, in no order.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, UInt8

from tacit.data.birds.regions import REGIONS, Colour

PALETTE: Mapping[str, Colour] = MappingProxyType(
    {
        "blue": (40, 85, 215),
        "brown": (115, 68, 30),
        "iridescent": (20, 130, 120),
        "purple": (120, 40, 165),
        "rufous": (185, 70, 20),
        "grey": (128, 128, 128),
        "yellow": (245, 220, 40),
        "olive": (120, 122, 35),
        "green": (35, 155, 50),
        "pink": (245, 140, 185),
        "orange": (252, 140, 15),
        "black": (18, 18, 20),
        "white": (248, 248, 246),
        "red": (212, 18, 28),
        "buff": (224, 194, 140),
    }
)
SHIMMER = (150, 70, 200)
"""The other colour of what is iridescent."""
BAND = 0.085
"""Width of a band in the bird's frame: two to three pixels of the smallest images."""
PATCHES = ((65, 25, 110), (250, 225, 150))
"""Of what is multi-coloured: on light ground, and on dark."""
PERIOD = 0.17
"""Of spots and stripes."""


def painted(
    regions: UInt8[np.ndarray, " n"],
    places: Float[np.ndarray, "n 2"],
    values: Mapping[str, list[str]],
) -> Float[np.ndarray, "n 3"]:
    """Return the colours of pixels, 0 to 255.

    ``places`` are in the bird's frame, to which bands and patterns keep.
    """
    x, y = places.T
    table, counts, shimmering = _tables(values)
    band = np.floor((x + y) / BAND).astype(np.int64) % counts[regions]
    rgb = table[regions, band]
    shines = shimmering[regions, band] & (np.floor((x - y) / (BAND / 2)) % 2 == 0)
    rgb[shines] = SHIMMER
    for group, numbers in PATTERNED.items():
        inside = np.isin(regions, numbers)
        if inside.any():
            _pattern(rgb, inside, x, y, values[group])
    return rgb


def _patterned() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, region in enumerate(REGIONS, start=1):
        if region.patterns is not None:
            found.setdefault(region.patterns, []).append(number)
    return found


PATTERNED: Mapping[str, list[int]] = _patterned()


def _tables(values: Mapping[str, list[str]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the colours of each region, how many it has, and which of them shimmer."""
    most = max(1, *(len(found) for found in values.values()))
    table = np.zeros((len(REGIONS) + 1, most, 3))
    counts = np.ones(len(REGIONS) + 1, np.int64)
    shimmering = np.zeros((len(REGIONS) + 1, most), bool)
    for number, region in enumerate(REGIONS, start=1):
        names = values[region.colours] if region.colours is not None else []
        colours = [PALETTE[name] for name in names] or [region.fixed]
        counts[number] = len(colours)
        table[number, : len(colours)] = colours
        shimmering[number, : len(names)] = [name == "iridescent" for name in names]
    return table, counts, shimmering


def _pattern(
    rgb: np.ndarray, inside: np.ndarray, x: np.ndarray, y: np.ndarray, kinds: list[str]
) -> None:
    """Draw patterns over a region; what is not solid is hatched finely."""
    if "solid" not in kinds:
        _blend(rgb, inside & (np.floor((x + y) / 0.03) % 2 == 0), 0.3)
    if "spotted" in kinds:
        near = (
            np.hypot((x % PERIOD) - PERIOD / 2, (y % PERIOD) - PERIOD / 2) < 0.38 * PERIOD
        )
        _blend(rgb, inside & near, 0.75)
    if "striped" in kinds:
        _blend(rgb, inside & ((x % PERIOD) < 0.4 * PERIOD), 0.75)
    if "multi-colored" in kinds:
        tiles = (np.floor(x / 0.13) + np.floor(y / 0.13)) % 2 == 0
        found = rgb[inside & tiles]
        light = found.mean(axis=1, keepdims=True) > 110
        rgb[inside & tiles] = 0.3 * found + 0.7 * np.where(light, *PATCHES)


def _blend(rgb: np.ndarray, where: np.ndarray, share: float) -> None:
    """Darken what is light and lighten what is dark."""
    found = rgb[where]
    towards = np.where(found.mean(axis=1, keepdims=True) > 90, 0.0, 255.0)
    rgb[where] = found + share * (towards - found)
