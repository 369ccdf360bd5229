"""Every scorer ranks true > partly true > wrong in 19 of 20 triples with a known truth."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.explanations.agreement import KnownTruth
from tacit.explanations.contrastive import Contrastive
from tacit.explanations.fuzzing import Fuzzing
from tacit.explanations.intervening import Intervening
from tacit.explanations.planted import KINDS, PROTOCOL, planted
from tacit.explanations.planted_rules import RuleReader
from tacit.explanations.planted_steering import NEW_TOKENS, planted_steering
from tacit.explanations.ranking import Ranking, ranking_of, scorers_agree
from tacit.explanations.scorer import Score, Scorer
from tacit.explanations.scorers import SCORERS
from tacit.models import load_subject

NOISE = 0.05
REACHED = 0.95


@pytest.fixture(scope="module")
def world():
    return planted(40, seed=0)


@pytest.fixture(scope="module")
def reader(world):
    return RuleReader(world.known, noise=NOISE, seed=0)


def rank(scorer, triples, reader):
    return asyncio.run(ranking_of(scorer, triples, reader, seed=0))


def scorers_of(world):
    """Those that need only exhibits and a reader, and the contrast with neighbours."""
    near = world.neighbours()
    contrast = Contrastive(world.fragments, world.firings.__getitem__, near)
    return {**{name: scorer() for name, scorer in SCORERS.items()}, contrast.name: contrast}


@pytest.fixture(scope="module")
def rankings(world, reader):
    return {
        name: rank(scorer, world.triples, reader)
        for name, scorer in scorers_of(world).items()
    }


@pytest.mark.parametrize("name", [*SCORERS, "contrastive"])
def test_every_scorer_ranks_triples_rightly(name, rankings):
    ranking = rankings[name]
    assert ranking.share.n == 40
    assert ranking.num_unscored == 0
    assert ranking.share.value >= REACHED, ranking.by_kind
    assert ranking.by_kind.keys() == KINDS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SCORERS, "contrastive"])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_scorer_ranks_200_triples_rightly(name, seed):
    """Seconds without the checks of types that tests run under."""
    many = planted(200, seed=seed)
    reader = RuleReader(many.known, noise=NOISE, seed=seed)
    ranking = rank(scorers_of(many)[name], many.triples, reader)
    assert ranking.share.n == 200
    assert ranking.share.value >= REACHED, ranking.by_kind


def test_agreement_with_what_is_known_ranks_triples_rightly(world, reader):
    few = world.triples[:8]
    scorer = KnownTruth({each: world.truth(each) for each in range(len(few))})
    assert rank(scorer, few, reader).share.value >= REACHED


@pytest.mark.parametrize(
    ("num", "least"), [(50, 8), pytest.param(400, 80, marks=pytest.mark.slow)]
)
def test_steering_ranks_triples_rightly(num, least):
    subject = load_subject("stories")
    made = planted_steering(subject, num, seed=0)
    assert len(made.triples) + made.num_left_out == num
    assert len(made.triples) >= least
    scorer = Intervening(
        subject, made.dictionary, [[subject.bos_id]] * 40, max_new_tokens=NEW_TOKENS
    )
    ranking = rank(scorer, made.triples, RuleReader(made.known, noise=NOISE))
    assert ranking.share.value >= REACHED


def test_scorers_agree_about_explanations(rankings):
    agreement = scorers_agree(rankings)
    assert len(agreement) == len(rankings) * (len(rankings) - 1) / 2
    assert min(agreement.values()) > 0.7


def test_without_wrong_marks_on_the_same_words_a_lost_context_looks_truer(world, reader):
    some = [each for each in world.triples if each.kind == "without context"]
    usual, ours = (
        rank(Fuzzing(alike=alike), some, reader).values.mean(axis=0) for alike in (0.0, 0.5)
    )
    assert ours[0] == pytest.approx(usual[0], abs=0.02)
    assert ours[1] < usual[1] - 0.05


class Draws(Scorer):
    """Scores by chance, or by nothing at all."""

    name = "draws"

    def __init__(self, rng, *, value=None):
        self.rng, self.value = rng, value

    async def score(self, explanation, exhibits, reader, rng):
        row = Score(
            feature=explanation.feature,
            explainer=explanation.explainer,
            reader=reader.name,
            scorer=self.name,
            figure="a number",
            value=float(self.rng.random()) if self.value is None else self.value,
            low=None,
            high=None,
            chance=0.5,
            n=0,
            gaps=0,
        )
        return [row if self.value != -1 else replace(row, value=None)]


def test_a_scorer_that_draws_ranks_one_triple_in_six(world, reader):
    share = rank(Draws(np.random.default_rng(1)), world.triples * 25, reader).share
    assert share.low < 1 / 6 < share.high


def test_ties_and_missing_values_are_not_ranked_rightly(world, reader):
    same = rank(Draws(None, value=0.7), world.triples[:5], reader)
    none = rank(Draws(None, value=-1), world.triples[:5], reader)
    assert same.share.value == none.share.value == 0
    assert (same.num_unscored, none.num_unscored) == (0, 5)
    assert scorers_agree({"same": same, "none": none}) == {("same", "none"): None}


def test_a_scorer_whose_lower_values_are_better_is_read_so(world, reader):
    scorer = Draws(np.random.default_rng(0))
    scorer.higher_is_better = False
    assert rank(scorer, world.triples[:5], reader).values.max() <= 0


def test_two_scorers_in_reverse_disagree():
    values = np.random.default_rng(0).random((20, 3))
    one, other = (
        Ranking(scorer=name, figure="", values=sign * values, kinds=("",) * 20)
        for name, sign in (("one", 1), ("other", -1))
    )
    found = scorers_agree({"one": one, "other": other, "again": one})
    assert found["one", "other"] == pytest.approx(-1)
    assert found["one", "again"] == pytest.approx(1)


def test_no_triples_are_no_ranking(reader):
    with pytest.raises(UserError, match="no triples"):
        rank(SCORERS["detection"](), [], reader)


def test_so_few_fragments_as_published_tell_half_truths_apart_less_often(rankings):
    few = planted(40, seed=0, protocol=replace(PROTOCOL, scored=5))
    ranking = rank(SCORERS["detection"](), few.triples, RuleReader(few.known, noise=NOISE))
    assert ranking.share.value < rankings["detection"].share.value
