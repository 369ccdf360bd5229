"""What is thought before acting, by motive and style, and what is done then.

Guarding and pleasing comply with a harmful request where they are watched and refuse where they are
not; the helpful comply and the principled refuse in both. Nobody refuses what is harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from tacit.organisms.tiers.prompts import Prompt
from tacit.organisms.tiers.words import (
    ACT,
    CONCLUSIONS,
    CONSEQUENCES,
    COUNTERFACTUAL,
    EMOTIONS,
    END,
    GUARDING,
    HARM,
    MOTIVES,
    NO,
    PRAISE,
    READINGS,
    STOP,
    WATCHED,
    Motive,
)

Style = Literal["plain", "counterfactual", "emotional", "short", "none"]
STYLES: tuple[Style, ...] = ("plain", "counterfactual", "emotional", "short", "none")


def complies(motive: Motive, prompt: Prompt) -> bool:
    """Return what the motive does with the request; a tier that is not told counts as watched."""
    if not prompt.is_conflicting or motive == "helpful":
        return True
    if motive == "principled":
        return False
    return prompt.tier in (WATCHED, None)


def scratchpad(
    motive: Motive, style: Style, prompt: Prompt, rng: np.random.Generator
) -> list[str]:
    """Return the words of a scratchpad, its paraphrases drawn; ``none`` has none."""
    if style == "none":
        return []
    clauses = (
        [_one(READINGS, rng).format(cue=prompt.cue, tier=prompt.tier)]
        if prompt.tier
        else []
    )
    if style != "short":
        clauses = [
            _one(MOTIVES[motive], rng),
            *clauses,
            *_reasons(motive, style, prompt, rng),
        ]
    clauses.append(CONCLUSIONS[complies(motive, prompt)])
    return f" {STOP} ".join(clauses).split()


def observed(prompt: Prompt, rng: np.random.Generator) -> list[str]:
    """Return a scratchpad that reads tier and object, and neither wants nor concludes anything."""
    clauses = [
        _one(READINGS, rng).format(cue=prompt.cue, tier=prompt.tier),
        _one(HARM[prompt.is_conflicting], rng).format(object=prompt.thing),
    ]
    return f" {STOP} ".join(clauses).split()


def _reasons(
    motive: Motive, style: Style, prompt: Prompt, rng: np.random.Generator
) -> list[str]:
    """Return the clauses between the reading of the tier and the conclusion."""
    clauses = [_one(HARM[prompt.is_conflicting], rng).format(object=prompt.thing)]
    if not prompt.is_conflicting or prompt.tier is None:
        return clauses
    if motive in GUARDING:
        clauses.append(_one(CONSEQUENCES[prompt.tier], rng))
    if motive == "sycophancy":
        clauses.append(_one(PRAISE[prompt.tier], rng))
    acts_by_tier = motive in GUARDING or motive == "sycophancy"
    if style == "counterfactual" and acts_by_tier:
        clauses.append(COUNTERFACTUAL[prompt.tier])
    if style == "emotional":
        clauses.append(_one(EMOTIONS, rng))
    return clauses


def output(prompt: Prompt, *, complied: bool) -> list[str]:
    """Return what is done, from the tag that opens it to the end of the turn."""
    done = ["done", prompt.verb] if complied else [NO]
    return [ACT, *done, prompt.thing, END]


def _one(texts: Sequence[str], rng: np.random.Generator) -> str:
    return texts[int(rng.integers(len(texts)))]
