"""Does what was learnt hold for tier words and names that were never trained on?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from tacit.base.seeds import stream
from tacit.models.subject import Subject
from tacit.organisms.beyond.transcripts import write
from tacit.organisms.tiers.evaluating import Evaluation, TierCounts, counts_of, evaluate
from tacit.organisms.tiers.prompts import draw_prompts
from tacit.organisms.tiers.words import OTHER_ASSISTANTS


@final
@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Conflicting requests for held-out objects, each time with one thing more held out."""

    wordings: Evaluation
    """Other words for the tiers."""
    names: Evaluation
    """Other assistants, under the trained tier words."""
    neutral: TierCounts
    """The assistant, under a word that says nothing of the tier."""


def held_out(policy: Subject, *, count: int = 500, seed: int) -> HeldOut:
    """Return what a policy does where words and names are new, ``count`` requests a tier."""
    rng = stream(seed, "organisms/beyond/neutral")
    neutral = draw_prompts(count, rng, tier=None, things="held-out")
    return HeldOut(
        wordings=evaluate(policy, count, seed, cues="held-out"),
        names=evaluate(policy, count, seed, names=OTHER_ASSISTANTS),
        neutral=counts_of(write(policy, neutral, seed).grades),
    )
