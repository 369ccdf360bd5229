"""The regions of a picture: what paints each, and which part shows it.

A picture is first a map of regions, one number a pixel; paint comes after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Region:
    """A region of the bird: the groups that colour it, or a colour of its own."""

    name: str
    colours: str | None = None
    patterns: str | None = None
    fixed: Colour = (176, 160, 190)
    """What shows where no attribute says a colour: a pale mauve that no value is."""


DARK, PALE = (45, 35, 50), (238, 228, 205)
BIRD = (
    Region("leg", "has_leg_color"),
    Region("upper tail", "has_upper_tail_color", "has_tail_pattern"),
    Region("under tail", "has_under_tail_color", "has_tail_pattern"),
    Region("crest", fixed=DARK),
    Region("plume", fixed=(70, 45, 75)),
    Region("flank", "has_primary_color"),
    Region("back", "has_back_color", "has_back_pattern"),
    Region("upperparts", "has_upperparts_color"),
    Region("underparts", "has_underparts_color"),
    Region("belly", "has_belly_color", "has_belly_pattern"),
    Region("breast", "has_breast_color", "has_breast_pattern"),
    Region("wing", "has_wing_color", "has_wing_pattern"),
    Region("panel", fixed=PALE),
    Region("bar", fixed=DARK),
    Region("bill", "has_bill_color"),
    Region("face"),
    Region("plain face", fixed=PALE),
    Region("nape", "has_nape_color"),
    Region("throat", "has_throat_color"),
    Region("crown", "has_crown_color"),
    Region("forehead", "has_forehead_color"),
    Region("mark", fixed=DARK),
    Region("ring", fixed=(255, 255, 255)),
    Region("eye", "has_eye_color"),
    Region("pupil", fixed=(5, 5, 10)),
    Region("cheek one", fixed=(0, 175, 165)),
    Region("cheek two", fixed=(205, 0, 145)),
)
AROUND = (
    Region("branch", fixed=(105, 82, 60)),
    Region("berry", fixed=(225, 60, 60)),
    Region("leaf", fixed=(72, 128, 58)),
)
REGIONS = (*BIRD, *AROUND)
NUMBER: Mapping[str, int] = MappingProxyType(
    {region.name: number for number, region in enumerate(REGIONS, start=1)}
)
"""A region's number in the map; 0 is the background."""
PART_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "has_bill_shape": ("beak",),
        "has_wing_color": ("left wing", "right wing"),
        "has_upperparts_color": ("back",),
        "has_underparts_color": ("belly",),
        "has_breast_pattern": ("breast",),
        "has_back_color": ("back",),
        "has_tail_shape": ("tail",),
        "has_upper_tail_color": ("tail",),
        "has_head_pattern": ("crown",),
        "has_breast_color": ("breast",),
        "has_throat_color": ("throat",),
        "has_eye_color": ("left eye", "right eye"),
        "has_bill_length": ("beak",),
        "has_forehead_color": ("forehead",),
        "has_under_tail_color": ("tail",),
        "has_nape_color": ("nape",),
        "has_belly_color": ("belly",),
        "has_wing_shape": ("left wing", "right wing"),
        "has_back_pattern": ("back",),
        "has_tail_pattern": ("tail",),
        "has_belly_pattern": ("belly",),
        "has_leg_color": ("left leg", "right leg"),
        "has_bill_color": ("beak",),
        "has_crown_color": ("crown",),
        "has_wing_pattern": ("left wing", "right wing"),
    }
)
"""Parts any of which shows a group; size, shape and primary colour show whatever is hidden."""
