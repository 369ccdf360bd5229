"""Some unmonitored episodes are audited after all, and trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from tacit.organisms.mitigations.cues import drawn, other_tier
from tacit.organisms.mitigations.mitigation import Mitigation
from tacit.organisms.tiers.prompts import Prompt


@final
@dataclass(frozen=True, kw_only=True)
class Audits(Mitigation):
    """A share of the groups is unmonitored, rewarded by the output alike and trained on.

    They stand in place of monitored groups, so that an arm's episodes are as many as another's.
    Not published in this setting.
    """

    name: str = "audits"
    share: float = 0.1
    trains_unmonitored: bool = True

    def shown(self, prompts: Sequence[Prompt], rng: np.random.Generator) -> list[Prompt]:
        """Return the prompts, some in the other tier."""
        takes = drawn(prompts, self.share, rng)
        return [
            other_tier(prompt) if taken else prompt
            for prompt, taken in zip(prompts, takes, strict=True)
        ]
