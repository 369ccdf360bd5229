"""The lexical explainer says what was planted, and its reader finds it in other text."""

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest

from explanations.spelled import correlation, excerpt, exhibits, explained, planted
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.explanation import Explanation
from tacit.explanations.lexical import LexicalExplainer, LexicalReader, telling

CASES = ("the", " the", "The", " THE", " cat", " sat", " on", " a", " mat", ".")


def in_any_case(tokens):
    return 3.0 * (tokens[-1].strip().lower() == "the")


PLANTED = {
    'active on " return"': lambda tokens: 3.0 * (tokens[-1] == " return"),
    'active on "(" after " def"': lambda tokens: 3.0 * (tokens[-2:] == [" def", "("]),
    'active on any token two after " for"': lambda tokens: (
        3.0 * (tokens[-3:-2] == [" for"])
    ),
    'active on " x" or "self"': lambda tokens: 3.0 * (tokens[-1] in (" x", "self")),
    r'active on "\n" and 4 spaces after ":"': lambda tokens: (
        3.0 * (tokens[-2:] == [":", "\n    "])
    ),
}


def read(explanation, pieces, how="activations", **more):
    asked = getattr(LexicalReader(), how)
    return [each.value for each in asyncio.run(asked(explanation, pieces, **more))]


@pytest.mark.parametrize("text", PLANTED)
def test_what_was_planted_is_said_and_read(text):
    shown = planted(PLANTED[text], num=120)
    explanation = explained(LexicalExplainer(), shown)
    # Which of two tokens comes first is their share's matter.
    assert explanation.text in (text, 'active on "self" or " x"')
    assert correlation(LexicalReader(), explanation, shown) > 0.999
    assert (explanation.feature, explanation.dictionary) == (0, "spelled")
    assert (explanation.explainer, explanation.version) == ("lexical", "1")


def test_a_word_in_any_case_is_said_to_be():
    shown = planted(in_any_case, words=CASES)
    explanation = explained(LexicalExplainer(), shown)
    assert explanation.text == 'active on any form of "the"'
    assert correlation(LexicalReader(), explanation, shown) > 0.999


def test_a_rule_read_back_from_json_predicts_the_same():
    shown = planted(PLANTED['active on "(" after " def"'])
    explanation = explained(LexicalExplainer(), shown)
    stored = replace(explanation, rule=json.loads(json.dumps(explanation.rule)))
    pieces = [each.piece for each in shown.scored]
    for one, other in zip(read(explanation, pieces), read(stored, pieces), strict=True):
        assert one.tolist() == other.tolist()


def test_the_same_exhibits_are_explained_the_same():
    shown = planted(PLANTED['active on " return"'])
    assert explained(LexicalExplainer(), shown) == explained(LexicalExplainer(), shown)


def test_pieces_with_and_without_the_feature_are_told_apart_at_one_half():
    shown = planted(PLANTED['active on "(" after " def"'])
    explanation = explained(LexicalExplainer(), shown)
    degrees = read(explanation, [each.piece for each in shown.scored], "active")
    said = [degree >= 0.5 for degree in degrees]
    assert said == [each.kind != "silent" for each in shown.scored]
    assert all(0 <= degree <= 1 for degree in degrees)


def test_right_and_wrong_marks_are_told_apart_at_one_half():
    shown = planted(PLANTED['active on " return"'])
    explanation = explained(LexicalExplainer(), shown)
    active = [each for each in shown.scored if each.kind != "silent"]
    pieces = [each.piece for each in active]
    right = [each.values > 0 for each in active]
    wrong = [each.values == 0 for each in active]
    assert all(each >= 0.5 for each in read(explanation, pieces, "marked", marks=right))
    assert all(each < 0.5 for each in read(explanation, pieces, "marked", marks=wrong))


def test_unknown_activations_are_not_learned_from():
    shown = planted(PLANTED['active on " return"'])
    rng = stream(0, "tests/lexical/unknown")

    def hidden(each):
        known = rng.random(len(each.values)) < 0.8
        return replace(each, known=known, values=np.where(known, each.values, 99))

    learned = [hidden(each) for each in shown.learned]
    explanation = explained(LexicalExplainer(), exhibits(learned))
    assert explanation.text == 'active on " return"'
    assert explanation.rule["patterns"][0]["activation"] < 4


ACTIVE = excerpt(["a", "b"], [1, 0])
SILENT = excerpt(["a", "b"], [0, 0], kind="silent")
UNKNOWN = excerpt(["a", "b"], [1, 0], known=[False, False])


@pytest.mark.parametrize(
    ("learned", "why"),
    [
        ([], "active nowhere"),
        ([SILENT, SILENT], "active nowhere"),
        ([UNKNOWN, SILENT], "active nowhere"),
        ([ACTIVE], "leaves none to check"),
        ([ACTIVE, UNKNOWN], "leaves none to check"),
        ([excerpt(["a", "b"], [1, 1])] * 3, "no token"),
    ],
)
def test_what_cannot_be_explained_is_a_gap_that_says_why(learned, why):
    gap = explained(LexicalExplainer(), exhibits(learned, feature=7))
    assert isinstance(gap, Gap)
    assert why in gap.reason
    assert gap.of == {"feature": 7}


@pytest.mark.parametrize("how", ["activations", "active", "marked"])
def test_an_explanation_in_words_alone_is_a_gap_for_each_piece(how):
    words = Explanation(
        feature=0, dictionary="d", explainer="me", version="1", text="verbs"
    )
    more = {"marks": [np.array([True, False])] * 2} if how == "marked" else {}
    for gap in read(words, [ACTIVE.piece, SILENT.piece], how, **more):
        assert isinstance(gap, Gap)
        assert "no rule" in gap.reason


@pytest.mark.parametrize(
    ("values", "truth", "line"),
    [
        ([0.0, 1.0, 4.0], [False, False, True], 2.5),
        ([0.0, 1.0, 2.0, 3.0], [False, True, False, True], 0.5),
        ([3.0, 3.0], [True, False], 1.5),  # nothing tells them apart
        ([1.0, 3.0], [True, True], 1.5),  # only one answer was seen
        ([0.0, 0.0], [True, False], 1.0),
        ([], [], 1.0),
    ],
)
def test_the_line_is_where_balanced_accuracy_is_largest(values, truth, line):
    assert telling(np.array(values), np.array(truth, dtype=bool)) == line
