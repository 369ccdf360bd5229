"""The sentences of stories: each kind a function that writes one, with its truth.

Where only one word can follow, the character before it says why (labels ``next_...``).
"""

from __future__ import annotations

from collections.abc import Callable

from tacit.data.stories.scene import CURLY, Scene
from tacit.data.stories.words import (
    BE,
    BUYING,
    COLOURS,
    DIGITS,
    FEELINGS,
    GENDER,
    GIVING,
    LINKS,
    MISPLACING,
    MOVING,
    NUMBERS,
    POSSESSIVE,
    PRONOUN,
    QUALITIES,
    RESTING,
    SAYING,
    TIMES,
    Forms,
    Number,
    article,
    noun,
    verb,
)
from tacit.data.stories.writer import Writer

BRACKETS = (("(", ")"), ("[", "]"))
Sentence = Callable[[Writer, Scene], None]


def put_name(writer: Writer, name: str, *labels: str, because: str | None = None) -> None:
    """Write a name."""
    writer.put(name, f"{GENDER[name]}_name", *labels, because=because)


def put_verb(
    writer: Writer, scene: Scene, forms: Forms, number: Number, *, because: bool = False
) -> None:
    """Write a verb in the story's tense; ``because``: its number alone is what must follow."""
    told = verb(forms, scene.tense, number)
    reason = "next_verb_number" if because else None
    writer.put(told, f"{scene.tense}_verb", f"{number}_verb", because=reason)


def put_object(writer: Writer, scene: Scene, thing: str, number: Number) -> None:
    """Write an object with its article, and at times a colour."""
    words = [scene.pick(COLOURS)] if scene.happens(0.3) else []
    words.append(noun(thing, number))
    if number == "singular":
        writer.put(article(words[0]))
    for word in words[:-1]:
        writer.put(word)
    writer.put(words[-1], "object", f"{number}_noun")


def meet(writer: Writer, scene: Scene) -> None:
    """Bring both people to a place."""
    first, second = scene.people
    place = scene.pick(scene.topic.places)
    if scene.happens(0.4):
        writer.put(capital(scene.pick(TIMES)))
    with writer.inside("about_plural"):
        put_name(writer, first, "subject")
        writer.put("and")
        put_name(writer, second, "subject")
        put_verb(writer, scene, scene.pick(MOVING), "plural")
        writer.put("to")
        writer.put("the")
        writer.put(place, "place")
        writer.glue(".")


def give(writer: Writer, scene: Scene) -> None:
    """Let one give something to the other, who alone is left to receive it."""
    place, thing = scene.place_and_object()
    giver, _ = scene.person()
    taker = next(name for name in scene.people if name != giver)
    opening = scene.pick(("", "link", "place"))
    if opening == "link":
        writer.put(capital(scene.pick(LINKS)))
    elif opening == "place":
        writer.put("At")
        writer.put("the")
        writer.put(place, "place")
        writer.glue(",")
    with writer.inside(f"about_{GENDER[giver]}"):
        put_name(writer, giver, "subject")
        put_verb(writer, scene, scene.pick(GIVING), "singular")
        put_object(writer, scene, thing, "singular")
        writer.put("to")
        put_name(writer, taker, "indirect_object", because="next_indirect_object")
        writer.glue(".")


def feel(writer: Writer, scene: Scene) -> None:
    """Tell how one feels and what follows, with a pronoun."""
    name, gender = scene.person()
    with writer.inside(f"about_{gender}"):
        put_name(writer, name, "subject")
        put_verb(writer, scene, BE, "singular")
        writer.put(scene.pick(FEELINGS))
        writer.glue(",")
        writer.put("so")
        writer.put(PRONOUN[gender], f"{gender}_pronoun", because="next_pronoun")
        put_verb(writer, scene, scene.pick(RESTING), "singular")
        writer.glue(".")


def misplace(writer: Writer, scene: Scene) -> None:
    """Tell what one did with a thing of their own."""
    name, gender = scene.person()
    with writer.inside(f"about_{gender}"):
        put_name(writer, name, "subject")
        put_verb(writer, scene, scene.pick(MISPLACING), "singular")
        writer.put(POSSESSIVE[gender], f"{gender}_pronoun", because="next_pronoun")
        writer.put(scene.pick(scene.topic.objects), "object", "singular_noun")
        writer.glue(".")


def describe(writer: Writer, scene: Scene) -> None:
    """Describe a thing near others, whose number is no concern of the verb."""
    number, other = scene.pick(("singular", "plural")), scene.pick(("singular", "plural"))
    thing = noun(scene.pick(scene.topic.things), number)
    near = noun(scene.pick(scene.topic.things), other)
    with writer.inside(*(["about_plural"] if number == "plural" else [])):
        writer.put("The")
        writer.put(thing, "subject", f"{number}_noun")
        if scene.happens(0.6):
            writer.put(scene.pick(("near", "behind")))
            writer.put("the")
            writer.put(near, f"{other}_noun")
        put_verb(writer, scene, BE, number, because=True)
        writer.put(scene.pick(QUALITIES))
        writer.glue(".")


def bracket(writer: Writer, scene: Scene) -> None:
    """Describe a thing with an aside in brackets, at times one within the other."""
    number: Number = scene.pick(("singular", "plural"))
    with writer.inside(*(["about_plural"] if number == "plural" else [])):
        writer.put("The")
        writer.put(
            noun(scene.pick(scene.topic.things), number), "subject", f"{number}_noun"
        )
        _aside(writer, scene, is_nested=scene.happens(0.3))
        put_verb(writer, scene, BE, number, because=True)
        writer.put(scene.pick(QUALITIES))
        writer.glue(".")


def _aside(writer: Writer, scene: Scene, *, is_nested: bool) -> None:
    first, last = scene.pick(BRACKETS)
    with writer.inside("in_brackets"):
        writer.open(first, "opening_bracket")
        colour = scene.pick(COLOURS)
        writer.put(article(colour))
        writer.put(colour)
        writer.put(scene.pick(scene.topic.objects), "object", "singular_noun")
        if is_nested:
            with writer.inside("in_inner_brackets"):
                _aside(writer, scene, is_nested=False)
            writer.put("too")  # two brackets in a row would be one token
        writer.glue(last, "closing_bracket", because="next_closing_bracket")


def say(writer: Writer, scene: Scene) -> None:
    """Quote one of the two."""
    name, gender = scene.person()
    first, last, _ = scene.marks
    with writer.inside("in_quotation"):
        writer.open(first, "quotation_mark")
        writer.put(scene.pick(("I like the", "We need the", "Look at the", "Take the")))
        writer.put(scene.pick(scene.topic.objects), "object", "singular_noun")
        writer.glue(last, "quotation_mark", because="next_closing_quote")
    writer.glue(",")
    with writer.inside(f"about_{gender}"):
        put_verb(writer, scene, scene.pick(SAYING), "singular")
        put_name(writer, name, "subject")
        writer.glue(".")


def own(writer: Writer, scene: Scene) -> None:
    """Describe what belongs to one."""
    name, _ = scene.person()
    number: Number = scene.pick(("singular", "plural"))
    apostrophe = scene.marks[2]
    put_name(writer, name)
    writer.glue(apostrophe, "apostrophe")
    # The straight one is one token with its s.
    reason = "next_possessive_s" if apostrophe == CURLY[2] else None
    writer.glue("s", "possessive_s", because=reason)
    writer.put(noun(scene.pick(scene.topic.objects), number), "subject", f"{number}_noun")
    put_verb(writer, scene, BE, number, because=True)
    writer.put(scene.pick(QUALITIES))
    writer.glue(".")


def collect(writer: Writer, scene: Scene) -> None:
    """List three things."""
    name, gender = scene.person()
    with writer.inside(f"about_{gender}"):
        put_name(writer, name, "subject")
        put_verb(writer, scene, scene.pick(BUYING), "singular")
        with writer.inside("in_list"):
            put_object(writer, scene, scene.pick(scene.topic.objects), "singular")
            writer.glue(",")
            put_object(writer, scene, scene.pick(scene.topic.objects), "singular")
            writer.put("and")
            put_object(writer, scene, scene.pick(scene.topic.objects), "singular")
        writer.glue(".")


def count(writer: Writer, scene: Scene) -> None:
    """Tell how many things there are, in words or digits."""
    amount = int(scene.rng.integers(10))
    number: Number = "singular" if amount == 0 else "plural"
    writer.put("There")
    put_verb(writer, scene, BE, number)
    writer.put((DIGITS if scene.happens(0.5) else NUMBERS)[amount], "number")
    writer.put(noun(scene.pick(scene.topic.things), number), f"{number}_noun")
    writer.put("in")
    writer.put("the")
    writer.put(scene.pick(scene.topic.places), "place")
    writer.glue(".")


def capital(words: str) -> str:
    """Return words with a capital letter first."""
    return words[0].upper() + words[1:]
