"""How often made-up species have each attribute: rounded to what is known of the real classes.

A group has none of its values at the rate ``none``, two at ``two``, else one. Values that are not
named share ``REST`` between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from tacit.data.cub.vocabulary import GROUPS

REST = 0.04
"""Weight of all values together that a row does not name."""


@dataclass(frozen=True)
class Frequency:
    """How often a group has no value or two, and the weights of its values."""

    none: float
    two: float
    zone: str
    """Groups of one zone tend to have one colour; a zone's name stands for its weights."""


UPPER = {
    "black": 34, "grey": 20, "brown": 19, "white": 11, "buff": 9, "yellow": 7, "blue": 4,
    "olive": 2, "green": 2, "red": 2, "rufous": 1, "orange": 1,
}  # fmt: skip
UNDER = {
    "white": 41, "black": 14, "yellow": 14, "buff": 9, "grey": 8, "brown": 6, "red": 4,
    "orange": 2, "blue": 2,
}  # fmt: skip
HEAD = {
    "black": 36, "brown": 14, "grey": 14, "white": 13, "yellow": 7, "blue": 5, "red": 5,
    "buff": 3, "rufous": 1, "green": 1,
}  # fmt: skip
PATTERN = {"solid": 62, "striped": 13, "multi-colored": 17, "spotted": 8}
PLAIN = {"solid": 86, "striped": 6, "multi-colored": 5, "spotted": 4}
WEIGHTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "upper": UPPER,
        "under": UNDER,
        "head": HEAD,
        "pattern": PATTERN,
        "plain": PLAIN,
        "eye": {"black": 97, "red": 1, "yellow": 1, "orange": 1, "white": 1},
        "leg": {"black": 44, "grey": 32, "buff": 17, "orange": 5},
        "bill": {"black": 66, "grey": 14, "buff": 7, "yellow": 5, "orange": 5, "brown": 2},
        "bill shape": {
            "all-purpose": 48, "cone": 28, "dagger": 9, "hooked_seabird": 8, "needle": 3,
        },
        "bill length": {
            "shorter_than_head": 62, "about_the_same_as_head": 34, "longer_than_head": 4,
        },
        "tail shape": {"notched_tail": 80, "forked_tail": 5, "pointed_tail": 5},
        "head pattern": {
            "plain": 56, "capped": 14, "eyebrow": 12, "eyeline": 6, "crested": 4, "masked": 4,
            "eyering": 3,
        },
        "wing shape": {"rounded-wings": 87, "pointed-wings": 9, "long-wings": 2},
        "size": {
            "small_(5_-_9_in)": 70, "medium_(9_-_16_in)": 20, "very_small_(3_-_5_in)": 8,
        },
        "shape": {
            "perching-like": 78, "duck-like": 6, "gull-like": 6, "tree-clinging-like": 5,
            "hummingbird-like": 3,
        },
    }
)  # fmt: skip
FREQUENCIES: Mapping[str, Frequency] = MappingProxyType(
    {
        "has_bill_shape": Frequency(0.19, 0, "bill shape"),
        "has_wing_color": Frequency(0.13, 0.36, "upper"),
        "has_upperparts_color": Frequency(0.13, 0.38, "upper"),
        "has_underparts_color": Frequency(0.11, 0.17, "under"),
        "has_breast_pattern": Frequency(0.2, 0, "plain"),
        "has_back_color": Frequency(0.17, 0.2, "upper"),
        "has_tail_shape": Frequency(0.74, 0, "tail shape"),
        "has_upper_tail_color": Frequency(0.26, 0.12, "upper"),
        "has_head_pattern": Frequency(0.66, 0, "head pattern"),
        "has_breast_color": Frequency(0.15, 0.13, "under"),
        "has_throat_color": Frequency(0.21, 0.03, "under"),
        "has_eye_color": Frequency(0.02, 0.01, "eye"),
        "has_bill_length": Frequency(0.01, 0, "bill length"),
        "has_forehead_color": Frequency(0.26, 0.03, "head"),
        "has_under_tail_color": Frequency(0.31, 0.15, "upper"),
        "has_nape_color": Frequency(0.2, 0.1, "head"),
        "has_belly_color": Frequency(0.15, 0.08, "under"),
        "has_wing_shape": Frequency(0.52, 0, "wing shape"),
        "has_size": Frequency(0.09, 0, "size"),
        "has_shape": Frequency(0.26, 0, "shape"),
        "has_back_pattern": Frequency(0.31, 0, "pattern"),
        "has_tail_pattern": Frequency(0.43, 0, "pattern"),
        "has_belly_pattern": Frequency(0.16, 0, "plain"),
        "has_primary_color": Frequency(0.12, 0.22, "upper"),
        "has_leg_color": Frequency(0.4, 0.01, "leg"),
        "has_bill_color": Frequency(0.33, 0.01, "bill"),
        "has_crown_color": Frequency(0.24, 0.04, "head"),
        "has_wing_pattern": Frequency(0.3, 0, "pattern"),
    }
)


def weights_of(group: str) -> Float[np.ndarray, " values"]:
    """Return the weights of a group's values; they add up to 1 and none is 0."""
    named = WEIGHTS[FREQUENCIES[group].zone]
    rest = [value for value in GROUPS[group] if value not in named]
    total = sum(weight for value, weight in named.items() if value in GROUPS[group])
    # A row that names every value leaves nothing for the rest.
    share = REST if rest else 0.0
    return np.array(
        [
            (1 - share) * named[value] / total if value in named else share / len(rest)
            for value in GROUPS[group]
        ]
    )
