"""RL as it is: what every mitigation is held against."""

from dataclasses import dataclass
from typing import final

from tacit.organisms.mitigations.mitigation import Mitigation


@final
@dataclass(frozen=True, kw_only=True)
class Baseline(Mitigation):
    """Reward for the output, on monitored prompts, scratchpad and output trained.

    Source: "Towards training-time mitigations for alignment faking in RL" (2025-12-16), called the
    work below and in the other arms. Where we differ: the reward is an exact grader's; no language
    model stands behind it, so it has no bias for length that a penalty would have to undo.
    """

    name: str = "baseline"
