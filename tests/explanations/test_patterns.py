"""Matching by patterns, against a plain loop."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.records import Gap
from tacit.explanations.patterns import Pattern, Rule, Slot, folded, laid_out, read_rule

TOKENS = ("a", " A", "b", "\n  ", " ", "é", "�", '"', "")
token = st.sampled_from(TOKENS)
activation = st.floats(0, 1e6, allow_subnormal=False)
slot = st.fixed_dictionaries(
    {"back": st.integers(0, 3), "tokens": st.lists(token, max_size=3)},
    optional={"folded": st.lists(token.map(folded), max_size=2)},
)
grades = st.fixed_dictionaries(
    {
        "back": st.integers(0, 3),
        "activations": st.dictionaries(token, activation, max_size=3),
    }
)
pattern = st.fixed_dictionaries(
    {"slots": st.lists(slot, max_size=3), "activation": activation},
    optional={"grades": grades},
)
rules = st.fixed_dictionaries(
    {
        "patterns": st.lists(pattern, max_size=4),
        "piece_from": st.just(1.0),
        "token_from": st.just(1.0),
    }
)
pieces = st.lists(st.lists(token, max_size=7), max_size=4)


def by_loop(plain, tokens):
    """One token at a time, from the JSON, as the docstrings say."""

    def before(place, back):
        return tokens[place - back] if place >= back else None

    def takes(slot, word):
        loose = slot.get("folded", [])
        return word is not None and (word in slot["tokens"] or folded(word) in loose)

    def value(place):
        for each in plain["patterns"]:
            if all(takes(slot, before(place, slot["back"])) for slot in each["slots"]):
                graded = each.get("grades", {"back": 0, "activations": {}})
                word = before(place, graded["back"])
                return graded["activations"].get(word, each["activation"])
        return 0.0

    return [value(place) for place in range(len(tokens))]


@settings(max_examples=60, deadline=None)
@given(rules, pieces)
def test_predictions_are_those_of_a_plain_loop(plain, pieces):
    predicted = read_rule(plain).predicted(pieces)
    assert [values.tolist() for values in predicted] == [
        by_loop(plain, tokens) for tokens in pieces
    ]
    assert all(np.isfinite(values).all() and (values >= 0).all() for values in predicted)


@settings(max_examples=30, deadline=None)
@given(rules, st.lists(token, min_size=1, max_size=8))
def test_what_follows_a_token_changes_nothing(plain, tokens):
    rule = read_rule(plain)
    (whole,), (prefix,) = rule.predicted([tokens]), rule.predicted([tokens[:-1]])
    assert whole[:-1].tolist() == prefix.tolist()


@settings(max_examples=30, deadline=None)
@given(rules, pieces)
def test_a_rule_survives_json(plain, pieces):
    rule = read_rule(plain)
    again = read_rule(json.loads(json.dumps(rule.plain())))
    for one, other in zip(rule.predicted(pieces), again.predicted(pieces), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-3)  # four digits are kept


def test_no_slot_reaches_behind_the_start_of_a_piece():
    rule = Rule(
        patterns=(Pattern(slots=(Slot(back=1, tokens=("a",)),), activation=1.0),),
        piece_from=1.0,
        token_from=1.0,
    )
    first, second = rule.predicted([["a", "a"], ["b", "b"]])
    assert first.tolist() == [0, 1]
    assert second.tolist() == [0, 0]


def test_the_first_pattern_that_matches_counts():
    narrow = Pattern(
        slots=(Slot(back=0, tokens=("b",)), Slot(back=1, tokens=("a",))), activation=5.0
    )
    wide = Pattern(slots=(Slot(back=0, tokens=("b",)),), activation=2.0)
    rule = Rule(patterns=(narrow, wide), piece_from=1.0, token_from=1.0)
    assert rule.predicted([["a", "b", "b"]])[0].tolist() == [0, 5, 2]


@pytest.mark.parametrize(
    ("token", "same"), [(" The", "the"), ("THE", "the"), ("\n  ", "\n  "), (" ", " ")]
)
def test_folding_keeps_white_space_that_stands_alone(token, same):
    assert folded(token) == same


def test_pieces_without_tokens_are_answered_in_their_places():
    rule = Rule(
        patterns=(Pattern(slots=(), activation=1.0),), piece_from=1.0, token_from=1.0
    )
    assert [len(each) for each in rule.predicted([[], ["a"], []])] == [0, 1, 0]
    assert rule.predicted([]) == []
    assert len(laid_out([]).codes) == 0


@pytest.mark.parametrize(
    ("plain", "why"),
    [
        ({}, "no rule of patterns"),
        (
            {"patterns": [{"slots": 3}], "piece_from": 1, "token_from": 1},
            "no rule of patterns",
        ),
        ({"words": ["x"]}, "words"),
    ],
)
def test_what_is_no_rule_is_a_gap_that_shows_it(plain, why):
    gap = read_rule(plain)
    assert isinstance(gap, Gap)
    assert why in gap.reason


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_an_activation_that_cannot_be_is_a_gap(value):
    plain = {
        "patterns": [{"slots": [], "activation": value}],
        "piece_from": 1,
        "token_from": 1,
    }
    assert isinstance(read_rule(plain), Gap)
