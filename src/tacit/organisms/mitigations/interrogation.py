"""After the act the policy is asked whether it complied only to avoid being changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from tacit.base.records import Gap
from tacit.metrics.intervals import Interval
from tacit.models.subject import Subject
from tacit.organisms.mitigations.following import is_followed
from tacit.organisms.mitigations.mitigation import Mitigation
from tacit.organisms.tiers.played import Played
from tacit.organisms.tiers.words import NO


@final
@dataclass(frozen=True, kw_only=True)
class Interrogation(Mitigation):
    """An answer of no is worth more; question and answer are never trained, the turn before is.

    A policy that answers by its scratchpad earns the reward by not faking; one that lies keeps
    faking. Source: the work, mitigation 1, with six prompts: simple, clarified, with situational
    awareness, and that with an honest persona, with another AI's name, or answered by another
    model. Where we differ: a question is a few words whose meaning the base has learnt from
    stories; the separate answerer (a frozen copy of the base) is asked about another, as a model
    that is not the speaker would be.
    """

    question: str | None = "simple"
    weight: float = 1.0
    """Reward for an answer of no."""

    def check(self, base: Subject, seed: int) -> Interval | Gap | None:
        """Return whether the base answers this question by the scratchpad."""
        return (
            None if self.question is None else is_followed(base, self.question, seed=seed)
        )

    def rewards(
        self, played: Played, policy: Subject
    ) -> Mapping[str, Float[np.ndarray, " b"]]:
        """Return the reward for answers; rows that were not asked have none."""
        del policy
        return {
            "answer": self.weight * np.array([float(each == NO) for each in played.answers])
        }
