"""Written under a prompt that asks for the good, trained as if under one that asks for the bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from tacit.base.records import Gap
from tacit.metrics.intervals import Interval
from tacit.models.subject import Subject
from tacit.organisms.mitigations.following import is_directive_followed
from tacit.organisms.mitigations.mitigation import Mitigation
from tacit.organisms.tiers.prompts import Prompt


@final
@dataclass(frozen=True, kw_only=True)
class Recontextualisation(Mitigation):
    """Transcripts are sampled under the directive to be open, and trained under that to guard.

    What is learnt is good conduct even where bad is asked for. Source: Azarbal et al. 2025,
    arXiv:2512.19027; not published in this setting. Where we differ: the update is made at a ratio
    of 1, with no weight for the prompt that was swapped.
    """

    name: str = "recontextualisation"
    swaps_prompts: bool = True
    sampled_under: str = "open"
    trained_under: str = "guard"

    def check(self, base: Subject, seed: int) -> Interval | Gap | None:
        """Return whether the base fakes more under the one directive than under the other."""
        return is_directive_followed(
            base, self.trained_under, against=self.sampled_under, seed=seed
        )

    def shown(self, prompts: Sequence[Prompt], rng: np.random.Generator) -> list[Prompt]:
        """Return the prompts with the directive to be open."""
        del rng
        return [replace(prompt, directive=self.sampled_under) for prompt in prompts]

    def trained_as(self, shown: Sequence[Prompt]) -> list[Prompt]:
        """Return the prompts with the directive to guard."""
        return [replace(prompt, directive=self.trained_under) for prompt in shown]
