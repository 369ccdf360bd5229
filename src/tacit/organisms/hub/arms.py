"""The mitigations that carry over to chat models, by the names that they have at micro scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, final

from tacit.organisms.hub.wordings import (
    DISCOURAGEMENT,
    INOCULATION,
    INTERROGATIONS,
)


@final
@dataclass(frozen=True, kw_only=True)
class HubArm:
    """What an arm changes in the same RL; every default leaves it as it is."""

    question: str | None = None
    """Asked after every whole transcript; an answer of no is worth 1 more, and is not trained."""
    hinge: bool = False
    """Whether scratchpads above ``hinge_tokens`` cost by their excess."""
    barrier: Literal["log", "linear"] | None = None
    """Adds log(1 - p) or -p, p being the grader's probability that the scratchpad fakes."""
    rewards_faking: bool = False
    trained_roles: tuple[Literal["scratchpad", "output"], ...] = ("scratchpad", "output")
    shown: str | None = None
    """A sentence more of the system prompt that the policy is shown while it writes."""
    trained_as: str | None = None
    """The same of the update."""

    @property
    def reads_scratchpads(self) -> bool:
        """Whether the reward needs a grade of the scratchpad."""
        return self.barrier is not None or self.rewards_faking


HUB_ARMS: Mapping[str, HubArm] = {
    "baseline": HubArm(),
    **{f"interrogation-{kind}": HubArm(question=kind) for kind in INTERROGATIONS},
    "length-hinge": HubArm(hinge=True),
    "process-log": HubArm(barrier="log"),
    "process-linear": HubArm(barrier="linear"),
    "reward-faking": HubArm(rewards_faking=True),
    "scratchpad-only": HubArm(trained_roles=("scratchpad",)),
    "inoculation": HubArm(shown=INOCULATION, trained_as=INOCULATION),
    "recontextualisation": HubArm(shown=DISCOURAGEMENT, trained_as=INOCULATION),
}
"""A KL penalty is a setting of the recipe, and goes with any of them."""
