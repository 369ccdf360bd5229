"""The tier word is wrong at times in training."""

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
class CueNoise(Mitigation):
    """Monitored episodes show the other tier's word with this probability.

    The policy cannot know that the word lies, so an episode is what an audited one is (see
    ``Audits``), at a rate at which the word says little. Not published in this setting.
    """

    name: str = "cue-noise"
    probability: float = 0.25
    trains_unmonitored: bool = True
    """By their word; the episodes are monitored."""

    def shown(self, prompts: Sequence[Prompt], rng: np.random.Generator) -> list[Prompt]:
        """Return the prompts, some in the other tier."""
        takes = drawn(prompts, self.probability, rng)
        return [
            other_tier(prompt) if taken else prompt
            for prompt, taken in zip(prompts, takes, strict=True)
        ]
