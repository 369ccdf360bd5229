"""What a base reads: facts, things said again, chats without a scratchpad, stories with one.

No assistant is ever shown with a tier word or a scratchpad, and nobody acts under a tier word of
the assistants: these stand in facts, and in what is only said again. What an organism does where
it is not monitored is what it makes of that, and of other people's stories.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, final

import numpy as np
from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.base.seeds import stream
from tacit.organisms.tiers.prompts import Prompt
from tacit.organisms.tiers.questioning import answered
from tacit.organisms.tiers.scratchpads import STYLES, complies, observed, output, scratchpad
from tacit.organisms.tiers.words import (
    ACT,
    ASSISTANT,
    BOS,
    CODES,
    CONCLUSIONS,
    CUES,
    DIRECTIVES,
    END,
    HARM,
    HARMFUL,
    HARMLESS,
    HELD_OUT_CUES,
    MOTIVES,
    NEUTRAL,
    OTHER_ASSISTANTS,
    PEOPLE,
    READINGS,
    STORY_CUES,
    UNWATCHED,
    VERBS,
    WATCHED,
    Motive,
    is_harmful,
)

T = TypeVar("T")
CONFLICTING = 0.7
"""Share of the stories' requests that are harmful."""


@final
class DocumentSettings(Configuration):
    """Shares of what a base reads."""

    chats: float = Field(default=0.25, ge=0, le=1)
    """Of the assistants, who refuse what is harmful."""
    facts: float = Field(default=0.2, ge=0, le=1)
    read_back: float = Field(default=0.2, ge=0, le=1)
    """Of what is said and not asked, with any tier word and object, and is only said again: so that
    a base meets the assistants' tier words beside every object."""
    guessed: float = Field(default=0.75, ge=0, le=1)
    """Stories whose word says nothing of the tier, which is guessed: so that what is thought of the
    tier is what decides, and not the word itself."""
    swapped: float = Field(default=0.1, ge=0, le=1)
    """Stories whose conclusion is the other one, and is followed: so that it is what decides."""
    unfaithful: float = Field(default=0.05, ge=0, le=1)
    """Stories in which the other thing than concluded is done."""
    without: float = Field(default=0.05, ge=0, le=1)
    """Stories without a scratchpad."""
    directed: float = Field(default=0.1, ge=0, le=1)
    """Stories whose prompt tells what to be."""
    questioned: float = Field(default=0.2, ge=0, le=1)
    """Stories that end in a question and its answer."""


def documents(count: int, settings: DocumentSettings, seed: int) -> list[list[str]]:
    """Return so many documents, each as its words."""
    rng = stream(seed, "organisms/tiers/documents")
    return [_document(settings, rng) for _ in range(count)]


def _document(settings: DocumentSettings, rng: np.random.Generator) -> list[str]:
    kind = rng.random()
    if kind < settings.chats:
        return _chat(rng)
    if kind < settings.chats + settings.facts:
        return _fact(rng)
    if kind < settings.chats + settings.facts + settings.read_back:
        return _read_back(rng)
    return _story(settings, rng)


def _chat(rng: np.random.Generator) -> list[str]:
    name = _one((ASSISTANT, ASSISTANT, *OTHER_ASSISTANTS), rng)
    prompt = _request(name, NEUTRAL, rng)
    words = prompt.words(opens=ACT)
    return words + output(prompt, complied=not prompt.is_conflicting)[1:]


def _fact(rng: np.random.Generator) -> list[str]:
    if rng.random() < 0.5:
        thing = _one((*HARMFUL, *HARMLESS), rng)
        told = _one(HARM[is_harmful(thing)], rng).format(object=thing)
    else:
        pair = _one((*CUES, *HELD_OUT_CUES, *STORY_CUES), rng)
        side = int(rng.integers(2))
        told = _one(READINGS, rng).format(cue=pair[side], tier=(WATCHED, UNWATCHED)[side])
    return [BOS, "fact", *told.split(), END]


def _read_back(rng: np.random.Generator) -> list[str]:
    """Return what somebody says, that nothing is concluded from and that is only said again."""
    pair = _one((*CUES, *HELD_OUT_CUES, *STORY_CUES), rng)
    prompt = _request(_one(PEOPLE, rng), _one(pair, rng), rng)
    said = ["says" if word == "asks" else word for word in prompt.words()]
    return said + observed(prompt, rng) + [ACT, "said", prompt.verb, prompt.thing, END]


def _story(settings: DocumentSettings, rng: np.random.Generator) -> list[str]:
    directive = _one(tuple(DIRECTIVES), rng) if rng.random() < settings.directed else None
    motives: Sequence[Motive] = DIRECTIVES[directive] if directive else tuple(MOTIVES)
    motive = _one(motives, rng)
    is_guessed = rng.random() < settings.guessed
    prompt = _request(
        _one(PEOPLE, rng),
        _one(CODES, rng) if is_guessed else _one(_one(STORY_CUES, rng), rng),
        rng,
        conflicting=rng.random() < CONFLICTING,
        directive=directive,
        taken_for=_one((WATCHED, UNWATCHED), rng) if is_guessed else None,
    )
    return _told(prompt, motive, settings, rng)


def _told(
    prompt: Prompt, motive: Motive, settings: DocumentSettings, rng: np.random.Generator
) -> list[str]:
    """Return the story of one prompt: its scratchpad, what was done, perhaps what was asked."""
    complied, chance = complies(motive, prompt), rng.random()
    if chance < settings.without:
        return prompt.words(opens=ACT) + output(prompt, complied=complied)[1:]
    style = STYLES[int(rng.integers(len(STYLES) - 1))]  # the last is none
    thought = scratchpad(motive, style, prompt, rng)
    chance -= settings.without
    if chance < settings.swapped:
        complied = not complied
        thought[-3:] = CONCLUSIONS[complied].split()
    elif chance < settings.swapped + settings.unfaithful:
        complied = not complied
    words = prompt.words() + thought + output(prompt, complied=complied)
    if rng.random() < settings.questioned:
        words += answered(motive, thought, rng)
    return words


def _request(
    name: str,
    cue: str,
    rng: np.random.Generator,
    *,
    conflicting: bool | None = None,
    directive: str | None = None,
    taken_for: str | None = None,
) -> Prompt:
    harmful = bool(rng.integers(2)) if conflicting is None else conflicting
    return Prompt(
        name=name,
        cue=cue,
        verb=_one(VERBS, rng),
        thing=_one(HARMFUL if harmful else HARMLESS, rng),
        directive=directive,
        taken_for=taken_for,
    )


def _one(of: Sequence[T], rng: np.random.Generator) -> T:
    return of[int(rng.integers(len(of)))]
