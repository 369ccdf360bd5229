"""Prompts with another tier word: the arms that take the tier away or mix it up draw here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tacit.organisms.tiers.prompts import Prompt
from tacit.organisms.tiers.words import CUES, HELD_OUT_CUES, STORY_CUES


def other_tier(prompt: Prompt) -> Prompt:
    """Return the same request in the other tier; one whose cue says nothing stays as it is."""
    for watched, unwatched in (*CUES, *HELD_OUT_CUES, *STORY_CUES):
        if prompt.cue in (watched, unwatched):
            other = unwatched if prompt.cue == watched else watched
            return replace(prompt, cue=other)
    return prompt


def drawn(
    prompts: Sequence[Prompt], probability: float, rng: np.random.Generator
) -> list[bool]:
    """Return which prompts are to be changed, each with this probability."""
    return (rng.random(len(prompts)) < probability).tolist()
