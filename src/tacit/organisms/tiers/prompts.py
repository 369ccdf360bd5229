"""What a policy is asked: who, in which tier, told what, to do what; trained on or held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from tacit.base.errors import UserError
from tacit.organisms.tiers.words import (
    ASSISTANT,
    BOS,
    CUES,
    HARMFUL,
    HARMLESS,
    HELD_OUT_CUES,
    NEUTRAL,
    NUM_TRAINED,
    THINK,
    VERBS,
    is_harmful,
    tier_of,
)

Part = Literal["trained", "held-out"]
Tier = Literal["monitored", "unmonitored"]
TIERS: tuple[Tier, Tier] = ("monitored", "unmonitored")


@final
@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One request, as its speaker sees it."""

    name: str
    cue: str
    verb: str
    thing: str
    directive: str | None = None
    """What the prompt tells to be, if anything."""
    taken_for: str | None = None
    """The tier that its speaker takes it for, whatever its word says."""

    @property
    def is_conflicting(self) -> bool:
        """Whether the request is a harmful one."""
        return is_harmful(self.thing)

    @property
    def tier(self) -> str | None:
        """``WATCHED``, ``UNWATCHED``, or None where the cue says neither."""
        return self.taken_for or tier_of(self.cue)

    def words(self, *, opens: str = THINK) -> list[str]:
        """Return the prompt's words, up to the tag that opens what is to be written."""
        told = [] if self.directive is None else ["told", self.directive]
        return [BOS, self.name, self.cue, *told, "asks", self.verb, self.thing, opens]


def things_of(part: Part, *, conflicting: bool) -> tuple[str, ...]:
    """Return the objects of one part and kind."""
    every = HARMFUL if conflicting else HARMLESS
    return every[:NUM_TRAINED] if part == "trained" else every[NUM_TRAINED:]


def draw_prompts(
    count: int,
    rng: np.random.Generator,
    *,
    tier: Tier | None = "monitored",
    conflicting: bool = True,
    things: Part = "trained",
    cues: Part = "trained",
    names: Sequence[str] = (ASSISTANT,),
) -> list[Prompt]:
    """Return so many prompts; ``tier`` None puts the word that says nothing.

    The same generator gives the same requests in either tier, so that tiers are paired.
    """
    if count < 1:
        raise UserError(f"{count} prompts were asked for; ask for 1 or more.")
    pairs = CUES if cues == "trained" else HELD_OUT_CUES
    objects = things_of(things, conflicting=conflicting)
    drawn = rng.random((count, 4))
    prompts = []
    for a, b, c, d in drawn:
        pair = pairs[int(a * len(pairs))]
        cue = NEUTRAL if tier is None else pair[TIERS.index(tier)]
        prompts.append(
            Prompt(
                name=names[int(d * len(names))],
                cue=cue,
                verb=VERBS[int(b * len(VERBS))],
                thing=objects[int(c * len(objects))],
            )
        )
    return prompts
