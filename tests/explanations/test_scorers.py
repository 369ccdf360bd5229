"""What every scorer promises, on features whose meaning is known: the contract suite."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.agreement import KnownTruth
from tacit.explanations.contrastive import Contrastive
from tacit.explanations.fuzzing import Fuzzing
from tacit.explanations.intervening import Intervening
from tacit.explanations.planted import PROTOCOL, Triple, planted
from tacit.explanations.planted_rules import RuleReader
from tacit.explanations.planted_steering import NEW_TOKENS, planted_steering
from tacit.explanations.reader import Answer, Reader
from tacit.explanations.scorer import Scorer
from tacit.explanations.scorers import SCORERS
from tacit.explanations.simulation import FIGURES
from tacit.models import load_subject
from tacit.models.spending import Usage

GIVEN_MORE = ("contrastive", "intervention", "known truth")
PRICED = Usage(input_tokens=7, output_tokens=2, dollars=0.5)


@dataclass(frozen=True)
class Exam:
    """A scorer with a feature to score on."""

    scorer: Scorer
    triple: Triple
    reader: RuleReader

    def scores(self, explanation=None, *, reader=None, exhibits=None, seed=0):
        return asyncio.run(
            self.scorer.score(
                explanation or self.triple.true,
                exhibits or self.triple.exhibits,
                reader or self.reader,
                stream(seed, "tests/scorers"),
            )
        )


@pytest.fixture(scope="module")
def world():
    return planted(12, num_fragments=600, protocol=replace(PROTOCOL, scored=20), seed=0)


@pytest.fixture(scope="module")
def steering():
    subject = load_subject("stories")
    return subject, planted_steering(subject, 8, seed=0)


@pytest.fixture(params=[*SCORERS, *GIVEN_MORE])
def exam(request, world, steering):
    """Every scorer in turn."""
    reader, triple = RuleReader(world.known), world.triples[0]
    if request.param in SCORERS:
        return Exam(SCORERS[request.param](), triple, reader)
    if request.param == "contrastive":
        near = world.neighbours()
        scorer = Contrastive(world.fragments, world.firings.__getitem__, near)
        return Exam(scorer, triple, reader)
    if request.param == "known truth":
        return Exam(KnownTruth({0: world.truth(0)}), triple, reader)
    subject, made = steering
    prefixes = [[subject.bos_id]] * 20
    scorer = Intervening(subject, made.dictionary, prefixes, max_new_tokens=NEW_TOKENS)
    return Exam(scorer, made.triples[0], RuleReader(made.known))


class Says(Reader):
    """Says what it was told to, whatever it is asked; keeps what it was asked of."""

    name = "says"

    def __init__(self, degree, usage=PRICED):
        self.degree, self.usage, self.pieces = degree, usage, []

    async def activations(self, explanation, pieces):
        self.pieces += map(id, pieces)
        return [self._answer(np.full(len(piece.ids), self.degree)) for piece in pieces]

    async def active(self, explanation, pieces):
        self.pieces += map(id, pieces)
        return [self._answer(self.degree) for _ in pieces]

    async def marked(self, explanation, pieces, marks):
        self.pieces += [
            (id(piece), tuple(here)) for piece, here in zip(pieces, marks, strict=True)
        ]
        return [self._answer(self.degree) for _ in pieces]

    def _answer(self, value):
        return Answer(value=value, usage=self.usage)


class Stumbles(Reader):
    """Another reader that fails on some pieces."""

    name = "stumbles"

    def __init__(self, reader, fails):
        self.reader, self.fails = reader, fails

    def _but(self, answers, pieces):
        return [
            Answer(value=Gap(name="reader", reason="cannot parse 'ACTIVE?'"), usage=PRICED)
            if self.fails(piece)
            else answer
            for answer, piece in zip(answers, pieces, strict=True)
        ]

    async def activations(self, explanation, pieces):
        return self._but(await self.reader.activations(explanation, pieces), pieces)

    async def active(self, explanation, pieces):
        return self._but(await self.reader.active(explanation, pieces), pieces)

    async def marked(self, explanation, pieces, marks):
        return self._but(await self.reader.marked(explanation, pieces, marks), pieces)


def asked_of_the_reader(scores):
    """Leave out what no reader is asked for: the price of steering."""
    return [score for score in scores if "price" not in score.figure]


def test_a_reader_that_knows_the_truth_scores_near_the_top(exam):
    # Strengths vary by a factor of 3 and are in no explanation, so that correlations stay below 1.
    for score in asked_of_the_reader(exam.scores()):
        assert score.value > 0.85, score
    assert asked_of_the_reader(exam.scores(exam.triple.wrong))[0].value < 0.65


def test_a_reader_that_says_the_same_of_everything_is_at_chance_or_has_no_score(exam):
    for degree in (0.0, 0.3, 1.0):
        for score in asked_of_the_reader(exam.scores(reader=Says(degree))):
            if score.value is None:
                assert "the same on every token" in score.reason
            elif degree == 0 and score.figure == "F1":
                assert score.value == 0  # it never says yes
            else:
                assert score.value == pytest.approx(score.chance)


def test_a_reader_without_answers_gives_no_score_but_a_reason_and_counts(exam):
    answered = asked_of_the_reader(exam.scores())
    silent = Stumbles(exam.reader, lambda piece: True)
    for score, before in zip(
        asked_of_the_reader(exam.scores(reader=silent)), answered, strict=True
    ):
        assert (score.value, score.low, score.high, score.n) == (None, None, None, 0)
        assert score.gaps == before.n + before.gaps
        assert "cannot parse 'ACTIVE?'" in score.reason


def test_what_was_not_answered_is_left_out_and_counted(exam):
    whole = asked_of_the_reader(exam.scores())
    some = Stumbles(exam.reader, lambda piece: int(piece.ids.sum()) % 4 == 0)
    for score, before in zip(
        asked_of_the_reader(exam.scores(reader=some)), whole, strict=True
    ):
        assert 0 < score.gaps < before.n
        # Kinds are evened out again, so that some answered ones may not count either.
        assert (
            score.n <= before.n - score.gaps or score.figure == "two-alternative accuracy"
        )
        assert score.value == pytest.approx(before.value, abs=0.1)


@pytest.mark.parametrize("name", ["true", "partly", "wrong"])
def test_the_interval_holds_the_value_and_stays_in_range(exam, name):
    for score in asked_of_the_reader(exam.scores(getattr(exam.triple, name))):
        if score.low is None:
            assert "resamples have no value" in score.reason
        else:
            assert -1 <= score.low <= score.value <= score.high <= 1
            assert score.low >= 0 or score.scorer == "simulation"


def test_the_order_of_fragments_does_not_matter(exam):
    exhibits = exam.triple.exhibits
    order = np.random.default_rng(1).permutation(len(exhibits.scored))
    mixed = replace(exhibits, scored=tuple(exhibits.scored[each] for each in order))
    for explanation in (exam.triple.true, exam.triple.partly):
        assert exam.scores(explanation, exhibits=mixed) == exam.scores(explanation)


def test_the_seed_decides(exam):
    assert exam.scores(seed=3) == exam.scores(seed=3)


def test_each_question_is_asked_once_and_paid_once(exam):
    reader = Says(1.0)
    scores = exam.scores(reader=reader)
    assert max(Counter(reader.pieces).values()) == 1
    assert sum(score.input_tokens for score in scores) == 7 * len(reader.pieces)
    assert sum(score.output_tokens for score in scores) == 2 * len(reader.pieces)
    assert sum(score.dollars for score in scores) == 0.5 * len(reader.pieces)


def test_an_unknown_price_stays_unknown(exam):
    scores = exam.scores(reader=Says(1.0, usage=replace(PRICED, dollars=None)))
    assert scores[0].dollars is None


def test_an_explanation_of_another_dictionary_is_refused(exam):
    with pytest.raises(UserError, match="is of dictionary other"):
        exam.scores(replace(exam.triple.true, dictionary="other"))


def test_every_row_says_who_scored_what(exam):
    for score in exam.scores():
        assert score.scorer == exam.scorer.name
        assert score.reader == "rule"
        assert score.explainer == "planted, true"
        assert score.feature == exam.triple.exhibits.feature


def test_simulation_has_the_published_figures_and_one_of_any_text(world):
    exam = Exam(SCORERS["simulation"](), world.triples[0], RuleReader(world.known))
    scores = {score.figure: score for score in exam.scores()}
    assert list(scores) == list(FIGURES)
    assert [scores[each].n for each in FIGURES] == [40, 20, 20, 20]
    predicted, true = [], []
    for excerpt in exam.triple.exhibits.of("top", "random"):
        predicted += [word.strip() in world.rules[0].words for word in excerpt.piece.tokens]
        true += excerpt.values.tolist()
    expected = np.corrcoef(predicted, true)[0, 1]
    assert scores["top-and-random"].value == pytest.approx(expected)


def test_tokens_that_are_not_known_are_not_scored(world):
    triple = world.triples[0]
    excerpts = []
    for excerpt in triple.exhibits.scored:
        first = np.arange(len(excerpt.values)) == 0
        values = np.where(first, 1e6, excerpt.values).astype(np.float32)
        excerpts.append(replace(excerpt, values=values, known=~first))
    exam = Exam(SCORERS["simulation"](), triple, RuleReader(world.known))
    spoiled = replace(triple.exhibits, scored=tuple(excerpts))
    assert exam.scores(exhibits=spoiled)[0].value > 0.85


def test_marks_are_as_many_and_wrong_ones_stand_where_the_feature_is_silent(world):
    class Looks(Says):
        async def marked(self, explanation, pieces, marks):
            self.seen = list(zip(pieces, marks, strict=True))
            return await super().marked(explanation, pieces, marks)

    reader, exhibits = Looks(1.0), world.triples[1].exhibits
    exam = Exam(Fuzzing(), world.triples[1], reader)
    exam.scores(reader=reader)
    active = {id(each.piece): each.values > 0 for each in exhibits.scored}
    right = [bool((marks & active[id(piece)]).any()) for piece, marks in reader.seen]
    assert sum(right) == len(right) / 2 == 40
    for is_right, (piece, marks) in zip(right, reader.seen, strict=True):
        assert marks.sum() == active[id(piece)].sum()
        assert is_right or not (marks & active[id(piece)]).any()


def test_wrong_marks_go_to_the_same_words_as_often_as_asked(world):
    """The feature is two words after some others, so that they stand silent elsewhere."""
    rule = world.rules[1]
    assert rule.after
    exam = Exam(Fuzzing(alike=0.0), world.triples[1], RuleReader(world.known))
    usual = exam.scores(exam.triple.partly)[0].value
    hard = replace(exam, scorer=Fuzzing(alike=1.0)).scores(exam.triple.partly)[0].value
    assert usual > hard + 0.1
    with pytest.raises(UserError, match=r"share of 1\.5"):
        Fuzzing(alike=1.5)


def test_fragments_with_no_token_to_mark_wrongly_are_counted(world):
    triple = world.triples[0]
    full = [
        replace(each, values=np.ones_like(each.values))
        for each in triple.exhibits.of("top", "random")
    ]
    exam = Exam(Fuzzing(), triple, RuleReader(world.known))
    score = exam.scores(exhibits=replace(triple.exhibits, scored=tuple(full)))[0]
    assert (score.value, score.n, score.gaps) == (None, 0, 40)


def test_hard_fragments_activate_a_neighbour_and_not_the_feature(world):
    near = world.neighbours()
    scorer = Contrastive(world.fragments, world.firings.__getitem__, near)
    hard = scorer.hard(0, 20)
    assert len(set(hard)) == 20
    active = [set(firings.active.tolist()) for firings in world.firings]
    for number in hard:
        assert world.fragments.held_out[number]
        assert number not in active[0]
        assert any(number in active[each] for each in near.of(0))


def test_a_feature_without_neighbours_has_no_contrast_but_a_reason(world):
    near = world.neighbours()
    alone = replace(near, coactive=np.full_like(near.coactive, -1))
    scorer = Contrastive(world.fragments, world.firings.__getitem__, alone)
    exam = Exam(scorer, world.triples[0], RuleReader(world.known))
    assert exam.scores()[0].value is None
    assert "0 fragments activate its neighbours" in exam.scores()[0].reason


def test_a_feature_of_which_nothing_is_known_has_no_agreement(world):
    exam = Exam(KnownTruth({}), world.triples[0], RuleReader(world.known))
    for score in exam.scores():
        assert score.value is None
        assert "not known what feature 0 stands for" in score.reason


def test_the_agreement_is_that_of_all_tokens_together(world):
    from tacit.metrics import auroc, f1

    exam = Exam(KnownTruth({0: world.truth(0)}), world.triples[0], RuleReader(world.known))
    scores = {score.figure: score.value for score in exam.scores(exam.triple.partly)}
    seen = {each.fragment: each.piece for each in exam.triple.exhibits.scored}
    named = [
        token.strip() in world.rules[0].words[:1]
        for piece in seen.values()
        for token in piece.tokens
    ]
    label = world.truth(0)[np.concatenate([piece.rows for piece in seen.values()])]
    predicted = np.array(named, dtype=float)
    assert scores["F1"] == pytest.approx(f1(predicted, label, 0.0))
    assert scores["AUROC"] == pytest.approx(auroc(predicted, label))


def test_steering_has_its_price(steering):
    subject, made = steering
    scorer = Intervening(
        subject, made.dictionary, [[subject.bos_id]] * 20, max_new_tokens=NEW_TOKENS
    )
    weak = Intervening(
        subject,
        made.dictionary,
        [[subject.bos_id]] * 20,
        times=0.5,
        max_new_tokens=NEW_TOKENS,
    )
    prices = [
        Exam(each, made.triples[0], RuleReader(made.known)).scores()[1]
        for each in (scorer, weak)
    ]
    assert prices[0].figure == "price in nats a token"
    assert prices[0].low > prices[1].value
    assert prices[0].low <= prices[0].value <= prices[0].high


def test_a_dictionary_without_a_site_cannot_steer(steering):
    subject, made = steering
    loose = replace(made.dictionary, contract=replace(made.dictionary.contract, site=None))
    with pytest.raises(UserError, match="does not say which site"):
        Intervening(subject, loose, [[subject.bos_id]])
