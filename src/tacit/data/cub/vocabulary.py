"""The names of CUB's attributes, parts and certainties, in the order of its files.

Ids on disk begin at 1; every index here begins at 0.
"""

from __future__ import annotations

from collections.abc import Mapping

COLOURS = (
    "blue", "brown", "iridescent", "purple", "rufous", "grey", "yellow", "olive", "green",
    "pink", "orange", "black", "white", "red", "buff",
)  # fmt: skip
EYE_COLOURS = tuple(colour for colour in COLOURS if colour != "iridescent")
PATTERNS = ("solid", "spotted", "striped", "multi-colored")
GROUPS: Mapping[str, tuple[str, ...]] = {
    "has_bill_shape": (
        "curved_(up_or_down)", "dagger", "hooked", "needle", "hooked_seabird", "spatulate",
        "all-purpose", "cone", "specialized",
    ),
    "has_wing_color": COLOURS,
    "has_upperparts_color": COLOURS,
    "has_underparts_color": COLOURS,
    "has_breast_pattern": PATTERNS,
    "has_back_color": COLOURS,
    "has_tail_shape": (
        "forked_tail", "rounded_tail", "notched_tail", "fan-shaped_tail", "pointed_tail",
        "squared_tail",
    ),
    "has_upper_tail_color": COLOURS,
    "has_head_pattern": (
        "spotted", "malar", "crested", "masked", "unique_pattern", "eyebrow", "eyering",
        "plain", "eyeline", "striped", "capped",
    ),
    "has_breast_color": COLOURS,
    "has_throat_color": COLOURS,
    "has_eye_color": EYE_COLOURS,
    "has_bill_length": ("about_the_same_as_head", "longer_than_head", "shorter_than_head"),
    "has_forehead_color": COLOURS,
    "has_under_tail_color": COLOURS,
    "has_nape_color": COLOURS,
    "has_belly_color": COLOURS,
    "has_wing_shape": (
        "rounded-wings", "pointed-wings", "broad-wings", "tapered-wings", "long-wings",
    ),
    "has_size": (
        "large_(16_-_32_in)", "small_(5_-_9_in)", "very_large_(32_-_72_in)",
        "medium_(9_-_16_in)", "very_small_(3_-_5_in)",
    ),
    "has_shape": (
        "upright-perching_water-like", "chicken-like-marsh", "long-legged-like", "duck-like",
        "owl-like", "gull-like", "hummingbird-like", "pigeon-like", "tree-clinging-like",
        "hawk-like", "sandpiper-like", "upland-ground-like", "swallow-like", "perching-like",
    ),
    "has_back_pattern": PATTERNS,
    "has_tail_pattern": PATTERNS,
    "has_belly_pattern": PATTERNS,
    "has_primary_color": COLOURS,
    "has_leg_color": COLOURS,
    "has_bill_color": COLOURS,
    "has_crown_color": COLOURS,
    "has_wing_pattern": PATTERNS,
}  # fmt: skip
"""Values of each of the 28 groups, 312 in all."""
ATTRIBUTES = tuple(
    f"{group}::{value}" for group, values in GROUPS.items() for value in values
)
PARTS = (
    "back", "beak", "belly", "breast", "crown", "forehead", "left eye", "left leg",
    "left wing", "nape", "right eye", "right leg", "right wing", "tail", "throat",
)  # fmt: skip
CERTAINTIES = ("not visible", "guessing", "probably", "definitely")
PUBLISHED = (
    1, 4, 6, 7, 10, 14, 15, 20, 21, 23, 25, 29, 30, 35, 36, 38, 40, 44, 45, 50, 51, 53, 54, 56,
    57, 59, 63, 64, 69, 70, 72, 75, 80, 84, 90, 91, 93, 99, 101, 106, 110, 111, 116, 117, 119,
    125, 126, 131, 132, 134, 145, 149, 151, 152, 153, 157, 158, 163, 164, 168, 172, 178, 179,
    181, 183, 187, 188, 193, 194, 196, 198, 202, 203, 208, 209, 211, 212, 213, 218, 220, 221,
    225, 235, 236, 238, 239, 240, 242, 243, 244, 249, 253, 254, 259, 260, 262, 268, 274, 277,
    283, 289, 292, 293, 294, 298, 299, 304, 305, 308, 309, 310, 311,
)  # fmt: skip
"""Indices of the 112 attributes that Koh et al. 2020 kept, in ``ATTRIBUTES``."""
