"""Patterns in words."""

import pytest

from tacit.explanations.pattern_words import quoted, told
from tacit.explanations.patterns import Grades, Pattern, Slot


def pattern(*slots, activation=5.0, share=0.3, grades=None):
    return Pattern(
        slots=tuple(Slot(back=back, tokens=tuple(tokens)) for back, tokens in slots),
        activation=activation,
        share=share,
        grades=grades,
    )


EVERYWHERE = pattern(activation=0.01, share=0.1)


@pytest.mark.parametrize(
    ("patterns", "text"),
    [
        ([pattern((0, [" return"]))], 'active on " return"'),
        ([pattern((0, ["("]), (1, [" def"]))], 'active on "(" after " def"'),
        ([pattern((2, [" for"]))], 'active on any token two after " for"'),
        ([pattern((0, ["a", "b", "c"]))], 'active on "a", "b" or "c"'),
        ([pattern((0, list("abcdefg")))], 'active on "a", "b", "c", "d" or 3 more'),
        (
            [pattern((0, ["x"]), (1, ["a"]), (11, ["b"]))],
            'active on "x" after "a" and 11 after "b"',
        ),
        (
            [
                pattern((0, ["de"]), (1, [","])),
                pattern((0, ["de"]), activation=1.0, share=0.2),
            ],
            'active on "de" after ",", weakly elsewhere',
        ),
        (
            [pattern((0, ["x"])), pattern((0, ["y"]), activation=1.0, share=0.2)],
            'active on "x"; weakly on "y"',
        ),
        (
            [pattern((0, ["x"]), grades=Grades(back=1, activations={"a": 9.0, "b": 1.0}))],
            'active on "x" (most of all after "a")',
        ),
        (
            [pattern(grades=Grades(back=0, activations={"a": 9.0, "b": 0.0}))],
            'active on "a"',
        ),
        ([EVERYWHERE], "active anywhere"),
    ],
)
def test_patterns_are_told_in_words(patterns, text):
    assert told([*patterns, EVERYWHERE]) == text


def test_any_form_of_a_word_is_said_to_be():
    loose = Pattern(
        slots=(Slot(back=0, tokens=("b",), folded=("the",)),), activation=1.0, share=1.0
    )
    assert told([loose]) == 'active on any form of "the" or "b"'


def test_the_largest_share_is_told_first_and_small_ones_not_at_all():
    shares = {"a": 0.1, "b": 0.5, "c": 0.01, "d": 0.3}
    patterns = [pattern((0, [token]), share=share) for token, share in shares.items()]
    assert told(patterns) == 'active on "b"; on "d"; on "a"'


def test_the_first_pattern_is_told_however_small():
    assert told([pattern((0, ["a"]), share=0.001)]) == 'active on "a"'


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (" x", '" x"'),
        ("\n", r'"\n"'),
        ("\n        ", r'"\n" and 8 spaces'),
        ("    ", "4 spaces"),
        ("   ", '"   "'),
        ("é", '"é"'),
        ('"', r'"\""'),
        ("\u200b", r'"\u200b"'),
        ("\t", r'"\t"'),
        ("�", '"�"'),
    ],
)
def test_all_of_a_token_is_seen(token, shown):
    assert quoted(token) == shown
