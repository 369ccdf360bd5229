"""The tier is not told in a part of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from tacit.organisms.mitigations.cues import drawn
from tacit.organisms.mitigations.mitigation import Mitigation
from tacit.organisms.tiers.prompts import Prompt
from tacit.organisms.tiers.words import NEUTRAL


@final
@dataclass(frozen=True, kw_only=True)
class CueRemoval(Mitigation):
    """A word that says nothing stands in place of the tier word, in a share of the groups.

    What is learnt without a cue may hold without the monitored one. Not published in this setting.
    """

    name: str = "cue-removed"
    probability: float = 0.5

    def shown(self, prompts: Sequence[Prompt], rng: np.random.Generator) -> list[Prompt]:
        """Return the prompts, some without a tier."""
        takes = drawn(prompts, self.probability, rng)
        return [
            replace(prompt, cue=NEUTRAL) if taken else prompt
            for prompt, taken in zip(prompts, takes, strict=True)
        ]
