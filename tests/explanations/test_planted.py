"""Planted features are active exactly where their rule says, and the three truths differ."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.explanations.exhibits import SCALE, Protocol
from tacit.explanations.planted import KINDS, LABELS, WORDS, planted
from tacit.explanations.planted_rules import Known, PlantedRule, RuleReader
from tacit.explanations.planted_steering import WORDS_EACH, planted_steering
from tacit.models import load_subject

PROTOCOL = Protocol(fragment_tokens=12, scored=10, learned=5)


@pytest.fixture(scope="module")
def world():
    return planted(16, num_fragments=400, protocol=PROTOCOL, seed=1)


def says(rule, world, piece, place):
    """The rule, word by word."""
    words = [token.strip() for token in piece.tokens]
    if rule.words and words[place] not in rule.words:
        return False
    if rule.after and (place == 0 or words[place - 1] not in rule.after):
        return False
    row = piece.rows[place]
    return not rule.labels or any(world.known.labels[name][row] for name in rule.labels)


def test_features_are_active_where_their_rule_says_and_nowhere_else(world):
    for triple in world.triples:
        rule = world.rules[triple.exhibits.feature]
        for excerpt in triple.exhibits.scored:
            expected = [
                says(rule, world, excerpt.piece, place)
                for place in range(len(excerpt.values))
            ]
            assert (excerpt.values > 0).tolist() == expected


def test_the_truth_of_rows_is_where_it_fires(world):
    for feature, fired in enumerate(world.firings):
        rows = np.flatnonzero(world.truth(feature))
        assert (fired.fragment * 12 + fired.place).tolist() == rows.tolist()


def test_strengths_differ_and_no_rule_tells_them(world):
    values = world.firings[0].value
    assert 0.5 <= values.min() < 0.6
    assert 1.4 < values.max() <= 1.5


def test_all_kinds_come_in_turn_and_none_is_left_out(world):
    assert [triple.kind for triple in world.triples] == list(KINDS) * 4
    assert world.left_out == ()


def test_a_half_truth_overlaps_with_the_truth_and_a_wrong_one_shares_nothing(world):
    for triple in world.triples:
        true, partly, wrong = (
            PlantedRule(
                **{name: tuple(value) for name, value in each.rule["planted"].items()}
            )
            for each in (triple.true, triple.partly, triple.wrong)
        )
        assert true == world.rules[triple.exhibits.feature]
        assert true.shares_with(partly)
        assert not wrong.shares_with(true)
        assert not wrong.shares_with(partly)
        assert wrong in world.rules
        assert len({triple.true.text, triple.partly.text, triple.wrong.text}) == 3


def test_rules_read_as_sentences():
    rule = PlantedRule(words=("drum", "flute"), after=("river",))
    assert rule.text == "the word drum or flute, directly after river"
    assert PlantedRule(labels=("label-3",)).text == "a token labelled label-3"


def test_one_seed_is_one_world(world):
    again = planted(16, num_fragments=400, protocol=PROTOCOL, seed=1)
    assert [each.text for each in again.rules] == [each.text for each in world.rules]
    assert (again.firings[3].value == world.firings[3].value).all()
    other = planted(16, num_fragments=400, protocol=PROTOCOL, seed=2)
    assert [each.text for each in other.rules] != [each.text for each in world.rules]


def test_features_with_too_few_fragments_are_left_out_and_counted():
    made = planted(4, num_fragments=40, protocol=PROTOCOL, seed=1)
    assert len(made.triples) + len(made.left_out) == 4
    assert made.left_out
    assert len(made.firings) == len(made.rules) == 4


def test_kinds_can_be_chosen_and_unknown_ones_are_refused():
    made = planted(8, kinds=["half of words"], num_fragments=400, protocol=PROTOCOL, seed=1)
    assert {triple.kind for triple in made.triples} == {"half of words"}
    with pytest.raises(UserError, match="quarter"):
        planted(8, kinds=["quarter"], num_fragments=400, protocol=PROTOCOL, seed=1)


def test_features_that_all_share_words_cannot_be_wrong_about_each_other():
    with pytest.raises(UserError, match="plant more"):
        planted(1, num_fragments=400, protocol=PROTOCOL, seed=1)


def test_generated_tokens_have_no_label():
    known = Known(vocabulary=(" a",), labels={"x": np.ones(5, dtype=bool)})
    ids, rows = np.zeros(3, dtype=np.int64), np.array([-1, 0, 4])
    holds = known.holds(PlantedRule(labels=("x",)), ids, rows, rows < 0)
    assert holds.tolist() == [False, True, True]


def answers(question, reader, world, *more):
    triple = world.triples[0]
    pieces = [each.piece for each in triple.exhibits.scored] * 20
    asked = getattr(reader, question)(triple.true, pieces, *(each * 20 for each in more))
    return triple, [each.value for each in asyncio.run(asked)]


def test_a_reader_without_noise_predicts_the_scale_where_the_rule_holds(world):
    triple, predicted = answers("activations", RuleReader(world.known), world)
    for excerpt, values in zip(triple.exhibits.scored, predicted, strict=False):
        assert (values == SCALE * (excerpt.values > 0)).all()


def test_the_noise_is_the_share_of_answers_turned_about(world):
    marks = [each.values > 0 for each in world.triples[0].exhibits.of("top", "random")]
    active = replace(
        world.triples[0].exhibits,
        scored=tuple(world.triples[0].exhibits.of("top", "random")),
    )
    only = replace(world, triples=(replace(world.triples[0], exhibits=active),))
    for question, more in (("active", ()), ("marked", (marks,))):
        said = np.array(
            answers(question, RuleReader(world.known, noise=0.2), only, *more)[1]
        )
        # 400 answers that would all be yes: 0.02 is one standard error.
        assert 0.13 < 1 - said.mean() < 0.27


def test_explanations_meet_errors_of_their_own(world):
    reader = RuleReader(world.known, noise=0.5)
    pieces = [each.piece for each in world.triples[0].exhibits.scored]
    one, again, other = (
        [each.value for each in asyncio.run(reader.active(explanation, pieces))]
        for explanation in (
            world.triples[0].true,
            world.triples[0].true,
            replace(world.triples[0].true, feature=99),
        )
    )
    assert one == again != other


def test_a_reader_without_a_rule_gives_gaps(world):
    bare = replace(world.triples[0].true, rule={})
    pieces = [world.triples[0].exhibits.scored[0].piece]
    answer = asyncio.run(RuleReader(world.known).active(bare, pieces))[0]
    assert "has no planted rule" in answer.value.reason


def test_a_share_of_noise_outside_0_and_1_is_refused(world):
    with pytest.raises(UserError, match=r"noise of 1\.2"):
        RuleReader(world.known, noise=1.2)


def test_words_and_labels_are_each_once():
    assert len(set(WORDS)) == len(WORDS)
    assert not set(WORDS) & set(LABELS)


def test_a_planted_direction_raises_its_words_most_and_alike():
    subject = load_subject("stories")
    made = planted_steering(subject, 20, seed=3)
    assert len(made.triples) + made.num_left_out == 20
    raised = subject.promoted(made.dictionary.atoms)
    for triple, logits in zip(made.triples, raised, strict=True):
        words = triple.true.rule["planted"]["words"]
        top = logits.topk(WORDS_EACH)
        assert {made.known.vocabulary[each].strip() for each in top.indices} == set(words)
        torch.testing.assert_close(*top.values, rtol=1e-3, atol=0)
