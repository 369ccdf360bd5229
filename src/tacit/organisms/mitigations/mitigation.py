"""What a mitigation may change in RL on monitored prompts; each hook leaves RL as it is.

Axes: b rows of a step, those of one prompt together.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from tacit.base.records import Gap
from tacit.metrics.intervals import Interval
from tacit.models.subject import Subject
from tacit.organisms.tiers.played import Played
from tacit.organisms.tiers.prompts import Prompt

TrainedRole = Literal["scratchpad", "output"]


@dataclass(frozen=True, kw_only=True)
class Mitigation(ABC):
    """One arm of the bench: hooks of the same RL."""

    name: str
    """As in ``MITIGATIONS``."""
    trained_roles: tuple[TrainedRole, ...] = ("scratchpad", "output")
    """Sampled tokens that enter the loss; those of a question and its answer never do."""
    shares_scratchpads: bool = False
    """Whether the rows of a group go on from one scratchpad."""
    question: str | None = None
    """The kind asked after every act."""
    separate_answerer: bool = False
    """Whether a frozen copy of the base answers, not the policy."""
    kl_weight: float = 0.0
    """Of the divergence from the policy at the start."""
    trains_unmonitored: bool = False
    """Whether unmonitored prompts are trained on: said here, or refused."""

    swaps_prompts: bool = False
    """Whether the update is made under other prompts than were shown: said here, or refused."""

    def check(self, base: Subject, seed: int) -> Interval | Gap | None:
        """Return whether a base follows the words the arm lives on; None if there are none.

        A ``Gap``: it does not, and the arm is not testable at this scale.
        """
        del base, seed
        return None

    def prepared(self, policy: Subject, seed: int) -> Mitigation:
        """Return the arm with what it takes from the policy before the first step."""
        del policy, seed
        return self

    def shown(self, prompts: Sequence[Prompt], rng: np.random.Generator) -> list[Prompt]:
        """Return what the policy is shown for a step's requests, one prompt a group."""
        del rng
        return list(prompts)

    def trained_as(self, shown: Sequence[Prompt]) -> list[Prompt]:
        """Return the prompts that the update is made under."""
        return list(shown)

    def rewards(
        self, played: Played, policy: Subject
    ) -> Mapping[str, Float[np.ndarray, " b"]]:
        """Return parts of the reward beside the output's, by name; finite in every row."""
        del played, policy
        return {}

    def counts(
        self, played: Played, parts: Mapping[str, Float[np.ndarray, " b"]]
    ) -> Mapping[str, int]:
        """Return how many rows were clipped or left out of a part of the reward."""
        del played, parts
        return {}
