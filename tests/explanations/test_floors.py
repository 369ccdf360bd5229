"""What an explanation must beat."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from explanations.spelled import correlation, excerpt, exhibits, explained, planted
from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.explanations.explanation import Explanation
from tacit.explanations.floors import RandomExplainer, UnigramExplainer
from tacit.explanations.lexical import LexicalExplainer, LexicalReader

MANY = [
    Explanation(
        feature=number, dictionary="spelled", explainer="e", version="9", text=f"{number}"
    )
    for number in range(20)
]


def test_a_unigram_has_the_mean_of_its_token_drawn_to_the_overall_mean():
    learned = [excerpt(["a", "b", "a"], [3, 0, 6]), excerpt(["b", "c"], [1, 0])]
    explanation = explained(UnigramExplainer(prior=2.0), exhibits(learned))
    (values,) = (
        answer.value
        for answer in asyncio.run(
            LexicalReader().activations(
                explanation, [excerpt(["a", "b", "c", "new"], [0] * 4).piece]
            )
        )
    )
    mean = 10 / 5
    expected = [(9 + 2 * mean) / 4, (1 + 2 * mean) / 4, 2 * mean / 3, mean]
    np.testing.assert_allclose(values, expected, rtol=1e-3)  # four digits are kept


def test_a_unigram_is_told_by_its_strong_tokens():
    shown = planted(lambda tokens: 3.0 * (tokens[-1] == " return"))
    assert explained(UnigramExplainer(), shown).text == 'active on " return"'


def test_context_is_what_patterns_know_beyond_unigrams():
    shown = planted(lambda tokens: 3.0 * (tokens[-2:] == [" def", "("]), num=120)
    reader = LexicalReader()
    floor = correlation(reader, explained(UnigramExplainer(), shown), shown)
    found = correlation(reader, explained(LexicalExplainer(), shown), shown)
    assert found > 0.999
    assert floor < 0.5


def test_patterns_lose_nothing_to_unigrams_where_no_context_matters():
    shown = planted(lambda tokens: {" return": 3.0, " for": 1.0}.get(tokens[-1], 0.0))
    for explainer in (UnigramExplainer(), LexicalExplainer()):
        explanation = explained(explainer, shown)
        assert correlation(LexicalReader(), explanation, shown) > 0.99


def test_the_degenerate_is_a_gap_for_unigrams_too():
    silent = exhibits([excerpt(["a"], [0]), excerpt(["b"], [0])])
    assert isinstance(explained(UnigramExplainer(), silent), Gap)


def test_every_explanation_is_given_to_another_feature_once():
    explainer = RandomExplainer(MANY, seed=0)
    given = [
        explained(explainer, exhibits([excerpt(["a"], [1])], feature=number))
        for number in range(20)
    ]
    assert sorted(int(each.text) for each in given) == list(range(20))
    assert all(each.text != str(each.feature) for each in given)
    assert {(each.explainer, each.version) for each in given} == {("random", "1")}


def test_who_gets_what_is_the_seeds_matter_and_not_the_orders():
    def texts(explanations, seed):
        explainer = RandomExplainer(explanations, seed)
        shown = [exhibits([excerpt(["a"], [1])], feature=number) for number in range(20)]
        return [explained(explainer, each).text for each in shown]

    assert texts(MANY, 0) == texts(MANY[::-1], 0)
    assert texts(MANY, 0) != texts(MANY, 1)


def test_a_feature_without_an_explanation_exchanges_none():
    shown = exhibits([excerpt(["a"], [1])], feature=99)
    assert isinstance(explained(RandomExplainer(MANY, 0), shown), Gap)


@pytest.mark.parametrize("few", [[], MANY[:1], [MANY[0], MANY[0], MANY[1]]])
def test_what_cannot_be_exchanged_is_refused(few):
    with pytest.raises(UserError, match="to exchange"):
        RandomExplainer(few, seed=0)


def test_an_explanation_of_another_dictionary_is_refused():
    others = [replace(each, dictionary="other") for each in MANY]
    with pytest.raises(UserError, match="dictionary"):
        explained(RandomExplainer(others, 0), exhibits([excerpt(["a"], [1])], feature=3))
