"""What stands fixed while a story is told: who is in it, its tense, topic and quotation marks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tacit.data.stories.words import GENDER, NAMES, TOPICS, Gender, Tense, Topic

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
HELD_OUT_ONE_IN = 5
"""Pairs of names, and of a place and an object, that no story uses."""
STRAIGHT, CURLY = ('"', '"', "'"), ("“", "”", "’")
"""Opening and closing quotation mark, and apostrophe."""


def is_kept_apart(*words: str) -> bool:
    """Return whether words that stand together here never do in a story, in any order."""
    digest = hashlib.sha256(" ".join(sorted(words)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % HELD_OUT_ONE_IN == 0


@dataclass(kw_only=True)
class Scene:
    """The state of a story."""

    rng: np.random.Generator
    people: tuple[str, str]
    tense: Tense
    topic: Topic
    marks: tuple[str, str, str]
    kept_apart: bool = False
    """Whether words that no story puts together are drawn, for prompts; else never."""

    def pick(self, items: Sequence[T]) -> T:
        """Return one of several, each as likely."""
        return items[int(self.rng.integers(len(items)))]

    def happens(self, chance: float) -> bool:
        """Return whether something of this chance happens."""
        return bool(self.rng.random() < chance)

    def person(self) -> tuple[str, Gender]:
        """Return one of the two with their gender."""
        name = self.pick(self.people)
        return name, GENDER[name]

    def place_and_object(self) -> tuple[str, str]:
        """Return a place and an object of the topic that may stand together."""
        while True:
            place, thing = self.pick(self.topic.places), self.pick(self.topic.objects)
            if is_kept_apart(place, thing) == self.kept_apart:
                return place, thing


def scene_of(rng: np.random.Generator, *, kept_apart: bool = False) -> Scene:
    """Return a scene drawn at random."""
    while True:
        first, second = (NAMES[int(n)] for n in rng.integers(len(NAMES), size=2))
        if first != second and is_kept_apart(first, second) == kept_apart:
            break
    topics = list(TOPICS.values())
    return Scene(
        rng=rng,
        people=(first, second),
        tense="past" if rng.random() < 0.6 else "present",
        topic=topics[int(rng.integers(len(topics)))],
        marks=STRAIGHT if rng.random() < 0.5 else CURLY,
        kept_apart=kept_apart,
    )
