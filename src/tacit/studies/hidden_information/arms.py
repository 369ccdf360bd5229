"""The ways in which the study trains a bottleneck; each has a run for every seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, final

Trunk = Literal["shared", "own"]
Order = Literal["own", "shared"]


@final
@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way, as what it changes of the study's own settings."""

    words: str
    shape: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Changes of the bottleneck's settings."""
    learning: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Changes of the training's settings; ``concept_weight`` is a factor."""
    trunk: Trunk = "shared"
    """Whether the trunk begins as the pretrained one, or afresh by the run's seed."""
    order: Order = "own"
    """Whether the order of images, variations and dropout follow the run's seed or one for all."""
    is_cueless: bool = False
    """Whether the labels of twins are drawn by a coin, so that no picture tells them apart."""


ARMS: Mapping[str, Arm] = {
    "joint": Arm(words="joint"),
    "sequential": Arm(
        words="concepts alone, then heads on them", learning={"regime": "sequential"}
    ),
    "cueless": Arm(words="joint, twins without a cue", is_cueless=True),
    "own trunk": Arm(words="joint, trunks of their own", trunk="own"),
    "one order": Arm(words="joint, images in one order for all seeds", order="shared"),
    "dropout": Arm(
        words="joint, half of the trunk's features dropped", shape={"trunk_dropout": 0.5}
    ),
    "low weight": Arm(words="joint, concepts weighed a tenth", learning={"concept_weight": 0.1}),
    "high weight": Arm(words="joint, concepts weighed tenfold", learning={"concept_weight": 10.0}),
    "imbalance": Arm(
        words="joint, whole terms weighted by imbalance", learning={"imbalance": "weight"}
    ),
    "hard": Arm(words="joint, heads read 0 or 1", shape={"carries": "hard"}),
    "concept dropout": Arm(
        words="joint, half of the concepts dropped", shape={"concept_dropout": 0.5}
    ),
    "slots": Arm(words="joint, eight slots beside the concepts", shape={"num_slots": 8}),
    "penalty": Arm(
        words="joint, with the information penalty", learning={"information_penalty": 0.02}
    ),
}  # fmt: skip
"""By name, in the order of the pages. Independent runs are heads put on the sequential encoders."""
INDEPENDENT = "independent"
"""What those rows are called."""
EXTREMES = ("low weight", "high weight")
"""The arms whose encoders are mixed for the mitigation that the post proposes."""
