"""How sentences become a story: who meets where, what happens, and what it turns to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tacit.data.documents import Document
from tacit.data.stories import sentences
from tacit.data.stories.scene import Scene, scene_of
from tacit.data.stories.sentences import Sentence, capital
from tacit.data.stories.words import MOVING, SHIFTS, TOPICS
from tacit.data.stories.writer import Writer

if TYPE_CHECKING:
    import numpy as np

KINDS: tuple[tuple[Sentence, int], ...] = (
    (sentences.give, 5),
    (sentences.feel, 3),
    (sentences.misplace, 2),
    (sentences.describe, 3),
    (sentences.bracket, 2),
    (sentences.say, 2),
    (sentences.own, 2),
    (sentences.collect, 1),
    (sentences.count, 1),
)
"""Each kind of sentence and how often it comes, in parts of their sum."""
TURNS = 0.35
"""Share of stories that turn to another topic."""
_WEIGHTED = tuple(kind for kind, weight in KINDS for _ in range(weight))

STORY_LABELS: Mapping[str, str] = {
    "female_name": "a woman's name",
    "male_name": "a man's name",
    "female_pronoun": "she, her",
    "male_pronoun": "he, his",
    "subject": "the subject of its sentence",
    "indirect_object": "who is given something",
    "object": "a thing that can be given",
    "place": "where the story is",
    "singular_noun": "a noun in the singular, other than a name",
    "plural_noun": "a noun in the plural",
    "singular_verb": "a verb whose subject is one",
    "plural_verb": "a verb whose subject is several",
    "past_verb": "a verb in the past",
    "present_verb": "a verb in the present",
    "number": "how many, in words or digits",
    "apostrophe": "the apostrophe of a possessive, straight or curly",
    "possessive_s": "the s after it",
    "opening_bracket": "a round or square bracket that opens",
    "closing_bracket": "one that closes",
    "quotation_mark": "a quotation mark, straight or curly",
    "in_brackets": "within brackets, they themselves included",
    "in_inner_brackets": "within brackets that stand in others",
    "in_quotation": "within quotation marks, they themselves included",
    "in_list": "within a list of things",
    "about_female": "from the subject to the end of a sentence about a woman",
    "about_male": "the same about a man",
    "about_plural": "the same about several people or things",
    "next_indirect_object": "before the one name that is left to receive what is given",
    "next_pronoun": "before a pronoun that the subject decides",
    "next_verb_number": "before a verb whose number the subject decides",
    "next_closing_bracket": "before a bracket that the open one decides",
    "next_closing_quote": "before a quotation mark that the open one decides",
    "next_possessive_s": "before the s of a possessive with a curly apostrophe",
    **{f"topic_{name}": f"in a part of the story about {name}" for name in TOPICS},
}
"""Label -> what it says of a token."""


def told(rng: np.random.Generator, name: str) -> Document:
    """Return a story with the truth of its words."""
    scene, writer = scene_of(rng), Writer()
    _part(writer, scene, sentences.meet, int(rng.integers(3, 6)))
    if scene.happens(TURNS):
        others = [topic for topic in TOPICS.values() if topic != scene.topic]
        scene.topic = scene.pick(others)
        _part(writer, scene, _turn, int(rng.integers(1, 3)))
    return Document(name=name, text=writer.text + "\n", spans=writer.spans)


def _part(writer: Writer, scene: Scene, opening: Sentence, count: int) -> None:
    """Write the sentences of one topic."""
    with writer.inside(f"topic_{scene.topic.name}"):
        opening(writer, scene)
        for _ in range(count):
            scene.pick(_WEIGHTED)(writer, scene)


def _turn(writer: Writer, scene: Scene) -> None:
    """Move both people to a place of the new topic."""
    with writer.inside("about_plural"):
        writer.put(capital(scene.pick(SHIFTS)))
        writer.put("they", "subject")
        sentences.put_verb(writer, scene, scene.pick(MOVING), "plural")
        writer.put("to")
        writer.put("the")
        writer.put(scene.pick(scene.topic.places), "place")
        writer.glue(".")
