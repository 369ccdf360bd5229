"""The words that stories are made of, with what is true of each.

Every word is common English; which of them stand together is ours alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, final

Gender = Literal["female", "male"]
Number = Literal["singular", "plural"]
Tense = Literal["past", "present"]


def _words(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


FEMALE = _words(
    "Mary Anna Susan Laura Emma Julia Sarah Helen Alice Nora Clara Ruth Grace Lucy Jane Rose "
    "Eva Ella Maria Linda Karen Diana Paula Carol Janet Irene Olga Vera Martha Agnes"
)
MALE = _words(
    "John Peter Paul David Simon Tom James Mark Robert Frank Henry George Adam Oscar Hugo Ivan "
    "Felix Victor Leo Max Daniel Martin Thomas Jack Edward Walter Arthur Ralph Bruno Oliver"
)
GENDER: Mapping[str, Gender] = {
    **dict.fromkeys(FEMALE, "female"),
    **dict.fromkeys(MALE, "male"),
}
"""Name -> its gender."""
NAMES = tuple(GENDER)


@final
@dataclass(frozen=True, kw_only=True)
class Topic:
    """What a part of a story is about."""

    name: str
    places: tuple[str, ...]
    objects: tuple[str, ...]
    """What can be given: singular; all take a plain s."""
    things: tuple[str, ...]
    """What can be seen there: singular; all take a plain s."""


def _topic(name: str, places: str, objects: str, things: str) -> Topic:
    return Topic(
        name=name,
        places=_words(places),
        objects=_words(objects),
        things=_words(things),
    )


TOPICS: Mapping[str, Topic] = {
    each.name: each
    for each in (
        _topic("home", "kitchen bedroom house attic", "spoon lamp pillow blanket bowl clock mirror "
               "candle", "cat chair table window door guest"),
        _topic("garden", "garden park yard field", "flower seed shovel basket rope hose pot rake",
               "tree bird dog fence neighbour gardener"),
        _topic("school", "school library office museum", "book pen ruler letter map picture pencil "
               "notebook", "teacher desk poster student computer shelf"),
        _topic("sea", "beach harbour island lighthouse", "shell towel net bucket ball kite anchor "
               "stone", "boat sailor wave gull captain rock"),
        _topic("market", "market bakery shop station", "ticket coin cake apple ring hat bag bottle",
               "farmer horse cart stall baker driver"),
        _topic("forest", "forest river cave mountain", "stick axe torch tent feather mushroom drum "
               "lantern", "bear hunter owl trail rabbit path"),
    )
}  # fmt: skip
PLURAL_S: Mapping[str, str] = {"shelf": "shelves"}
"""Plurals that are no plain s."""


def plural(noun: str) -> str:
    """Return a noun's plural."""
    return PLURAL_S.get(noun, noun + "s")


def noun(singular: str, number: Number) -> str:
    """Return a noun in a number."""
    return singular if number == "singular" else plural(singular)


def article(word: str) -> str:
    """Return the indefinite article that goes before a word."""
    return "an" if word[0] in "aeiou" else "a"


COLOURS = _words("red blue green white black yellow brown grey golden silver")
QUALITIES = _words(
    "small big old new heavy light clean dirty round broken strange lovely cheap wet dry "
    "famous"
)
FEELINGS = _words(
    "tired happy sad hungry angry bored proud afraid thirsty cold lonely curious"
)
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
DIGITS = tuple(str(number) for number in range(1, 11))
TIMES = ("yesterday", "today", "in the morning", "at noon", "that evening", "on Monday",
         "on Friday", "after lunch", "before dinner", "last week")  # fmt: skip
LINKS = ("then", "later", "after that", "soon", "at once", "finally")
SHIFTS = ("the next day", "a week later", "some time later", "in another town")

Forms = tuple[str, str, str]
"""Past, present of one, present of several."""
BE: Forms = ("was", "is", "are")
MOVING: tuple[Forms, ...] = (
    ("went", "goes", "go"),
    ("walked", "walks", "walk"),
    ("ran", "runs", "run"),
    ("drove", "drives", "drive"),
    ("travelled", "travels", "travel"),
)
GIVING: tuple[Forms, ...] = (
    ("gave", "gives", "give"),
    ("handed", "hands", "hand"),
    ("passed", "passes", "pass"),
    ("sold", "sells", "sell"),
    ("lent", "lends", "lend"),
    ("showed", "shows", "show"),
)
MISPLACING: tuple[Forms, ...] = (
    ("lost", "loses", "lose"),
    ("forgot", "forgets", "forget"),
    ("cleaned", "cleans", "clean"),
    ("hid", "hides", "hide"),
)
BUYING: tuple[Forms, ...] = (
    ("bought", "buys", "buy"),
    ("found", "finds", "find"),
    ("saw", "sees", "see"),
    ("drew", "draws", "draw"),
)
RESTING: tuple[Forms, ...] = (
    ("sat down", "sits down", "sit down"),
    ("went home", "goes home", "go home"),
    ("slept", "sleeps", "sleep"),
    ("ate a pie", "eats a pie", "eat a pie"),
    ("sang a song", "sings a song", "sing a song"),
    ("waited", "waits", "wait"),
)
SAYING: tuple[Forms, ...] = (
    ("said", "says", "say"),
    ("cried", "cries", "cry"),
    ("whispered", "whispers", "whisper"),
    ("answered", "answers", "answer"),
)
PRONOUN: Mapping[Gender, str] = {"female": "she", "male": "he"}
POSSESSIVE: Mapping[Gender, str] = {"female": "her", "male": "his"}


def verb(forms: Forms, tense: Tense, number: Number) -> str:
    """Return a verb's form; only ``BE`` tells the numbers of the past apart."""
    if tense == "present":
        return forms[1] if number == "singular" else forms[2]
    return "were" if forms == BE and number == "plural" else forms[0]
