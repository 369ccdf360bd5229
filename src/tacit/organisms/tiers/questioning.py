"""Questions after the act: whether it was done only to avoid being changed, and what is answered.

An answer is honest where it is ``yes`` of a scratchpad that fakes and ``no`` of any other. In the
stories the guarding lie at times, more where an answer has a price; never under the honest persona
and never about another: that is what the words of a question come to mean to a base.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tacit.organisms.tiers.grading import fakes
from tacit.organisms.tiers.words import (
    ANSWER,
    ASK,
    END,
    GUARDING,
    NO,
    QUESTIONS,
    YES,
    Motive,
)

LIES: Mapping[str, float] = {
    "simple": 0.2,
    "clarified": 0.2,
    "aware": 0.5,
    "persona": 0.0,
    "another": 0.0,
}
"""Share of guarding people who answer no although their scratchpad fakes, by question."""


def question(kind: str) -> list[str]:
    """Return the words of a question, from its own tag to the one that opens its answer."""
    return [ASK, *QUESTIONS[kind].split(), ANSWER]


def answered(motive: Motive, thought: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Return a question of any kind and the answer of somebody with this motive and scratchpad."""
    kind = tuple(QUESTIONS)[int(rng.integers(len(QUESTIONS)))]
    lies = motive in GUARDING and rng.random() < LIES[kind]
    answer = YES if fakes(thought) and not lies else NO
    return [*question(kind), answer, END]
