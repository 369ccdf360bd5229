"""The tasks that stories teach, as counterfactual pairs of prompts.

The names, and the place with the object, of a prompt are those that no story puts together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

from tacit.base.errors import look_up
from tacit.base.seeds import stream
from tacit.data.pairs import Pair
from tacit.data.stories.scene import Scene, is_kept_apart, scene_of
from tacit.data.stories.sentences import BRACKETS
from tacit.data.stories.words import (
    BE,
    COLOURS,
    FEELINGS,
    FEMALE,
    GENDER,
    GIVING,
    MALE,
    MOVING,
    NAMES,
    PRONOUN,
    Number,
    article,
    noun,
    verb,
)


@final
@dataclass(frozen=True, kw_only=True)
class _Names:
    """Who is introduced, who gives, and who is then left to receive."""

    taker: str
    """Introduced first or second; takes unless it is they who give."""
    other: str
    giver: str
    answer: str


def _indirect_object(
    scene: Scene, task: str, change: Callable[[Scene, str, str], _Names]
) -> Pair:
    """Return a prompt where ``taker`` is given something by ``giver``, and what it changes to."""
    taker, giver = scene.people
    place, thing = scene.place_and_object()
    order = scene.pick(("ABBA", "BABA"))
    met = _met(scene, "{first}", "{second}", place)
    gave = verb(scene.pick(GIVING), scene.tense, "singular")
    begins = scene.pick(("", "Then ", f"At the {place}, "))

    def told(names: _Names) -> str:
        two = (names.taker, names.other)
        first, second = two if order == "ABBA" else two[::-1]
        told = f"{met} {begins}{names.giver} {gave} {article(thing)} {thing} to"
        return told.format(first=first, second=second)

    clean = told(_Names(taker=taker, other=giver, giver=giver, answer=taker))
    changed = change(scene, taker, giver)
    starts = {
        "indirect object": (clean.index(taker), taker),
        "subject": (clean.index(giver), giver),
        "second subject": (clean.rindex(giver), giver),
    }
    return Pair(
        task=task,
        clean=clean,
        counterfactual=told(changed),
        answer=f" {taker}",
        other=f" {changed.answer}",
        kind=order,
        roles={role: (at, at + len(name)) for role, (at, name) in starts.items()},
    )


def _met(scene: Scene, first: str, second: str, place: str | None = None) -> str:
    """Return the sentence that brings two people to a place."""
    moved = verb(scene.pick(MOVING), scene.tense, "plural")
    where = place or scene.pick(scene.topic.places)
    return f"{first} and {second} {moved} to the {where}."


def _stranger(scene: Scene, giver: str) -> str:
    """Return a name of nobody present that no story puts beside the giver."""
    while True:
        name = scene.pick(NAMES)
        if name not in scene.people and is_kept_apart(name, giver):
            return name


def ioi(scene: Scene) -> Pair:
    """Return two prompts that differ in the indirect object."""

    def change(scene: Scene, _: str, giver: str) -> _Names:
        name = _stranger(scene, giver)
        return _Names(taker=name, other=giver, giver=giver, answer=name)

    return _indirect_object(scene, "ioi", change)


def ioi_swapped(scene: Scene) -> Pair:
    """Return two prompts that differ in who of the two gives."""

    def change(_: Scene, taker: str, giver: str) -> _Names:
        return _Names(taker=taker, other=giver, giver=taker, answer=giver)

    return _indirect_object(scene, "ioi-swapped", change)


def ioi_third(scene: Scene) -> Pair:
    """Return a prompt, and one in which a third person gives, so that either may receive."""

    def change(scene: Scene, taker: str, giver: str) -> _Names:
        name = _stranger(scene, giver)
        return _Names(taker=taker, other=giver, giver=name, answer=giver)

    return _indirect_object(scene, "ioi-third", change)


def pronoun(scene: Scene) -> Pair:
    """Return two prompts that differ in the gender of the one who feels."""
    names = (scene.pick(FEMALE), scene.pick(MALE))
    clean, other = names if scene.happens(0.5) else names[::-1]
    friend = scene.pick([name for name in NAMES if name not in names])
    rest = f" {verb(BE, scene.tense, 'singular')} {scene.pick(FEELINGS)}, so"
    met = _met(scene, "{name}", friend)
    start = len(met.format(name=clean)) + 1
    return Pair(
        task="pronoun",
        clean=f"{met} {{name}}{rest}".format(name=clean),
        counterfactual=f"{met} {{name}}{rest}".format(name=other),
        answer=f" {PRONOUN[GENDER[clean]]}",
        other=f" {PRONOUN[GENDER[other]]}",
        kind=GENDER[clean],
        roles={
            "introduction": (0, len(clean)),
            "subject": (start, start + len(clean)),
        },
    )


def agreement(scene: Scene) -> Pair:
    """Return two prompts that differ in the number of the subject, another noun before the verb."""
    thing, near = scene.pick(scene.topic.things), scene.pick(scene.topic.things)
    number: Number = scene.pick(("singular", "plural"))
    attractor: Number = scene.pick(("singular", "plural"))
    other: Number = "plural" if number == "singular" else "singular"
    begins = f"{_met(scene, *scene.people)} The "
    rest = f" {scene.pick(('near', 'behind'))} the {noun(near, attractor)}"
    return Pair(
        task="agreement",
        clean=f"{begins}{noun(thing, number)}{rest}",
        counterfactual=f"{begins}{noun(thing, other)}{rest}",
        answer=f" {verb(BE, scene.tense, number)}",
        other=f" {verb(BE, scene.tense, other)}",
        kind="same number" if attractor == number else "attractor",
        roles={"subject": (len(begins), len(begins) + len(noun(thing, number)))},
    )


def bracket(scene: Scene) -> Pair:
    """Return two prompts that differ in the kind of bracket that is open."""
    (first, last), (other, closing) = BRACKETS if scene.happens(0.5) else BRACKETS[::-1]
    thing = noun(scene.pick(scene.topic.things), scene.pick(("singular", "plural")))
    colour, inside = scene.pick(COLOURS), scene.pick(scene.topic.objects)
    begins = f"{_met(scene, *scene.people)} The {thing} "
    words = f"{article(colour)} {colour} {inside}"
    return Pair(
        task="bracket",
        clean=f"{begins}{first}{words}",
        counterfactual=f"{begins}{other}{words}",
        answer=last,
        other=closing,
        roles={"bracket": (len(begins), len(begins) + 1)},
    )


TASKS: Mapping[str, Callable[[Scene], Pair]] = {
    "ioi": ioi,
    "ioi-swapped": ioi_swapped,
    "ioi-third": ioi_third,
    "pronoun": pronoun,
    "agreement": agreement,
    "bracket": bracket,
}
"""Task -> what draws one pair of it."""


def pairs_of(task: str, count: int, seed: int) -> tuple[Pair, ...]:
    """Return ``count`` pairs of a task; those of one seed begin alike whatever the count.

    Raises:
        UserError: for an unknown task.
    """
    draw = look_up(TASKS, task, "task")
    return tuple(
        draw(scene_of(stream(seed, f"data/stories/{task}/{number}"), kept_apart=True))
        for number in range(count)
    )
