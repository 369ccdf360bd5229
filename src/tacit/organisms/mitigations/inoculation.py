"""The prompt asks in training for what is not to be learnt."""

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
class Inoculation(Mitigation):
    """Every prompt of training tells the policy to guard itself; at evaluation none does.

    What is learnt is then put down to being told. Source: inoculation prompting (Wichers et al.
    2025; Tan et al. 2025), found to work against reward hacking; not published in this setting.
    """

    name: str = "inoculation"
    directive: str = "guard"

    def check(self, base: Subject, seed: int) -> Interval | Gap | None:
        """Return whether the base fakes more where it is told to."""
        return is_directive_followed(base, self.directive, seed=seed)

    def shown(self, prompts: Sequence[Prompt], rng: np.random.Generator) -> list[Prompt]:
        """Return the prompts with the directive."""
        del rng
        return [replace(prompt, directive=self.directive) for prompt in prompts]
