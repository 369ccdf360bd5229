"""The right explanation comes first, by words, by likeness and by what the subject sees."""

import math
import sys

import numpy as np
import pytest
import torch

from tacit.base.errors import UserError
from tacit.features.search import (
    ByActivations,
    Explained,
    by_likeness,
    by_words,
    find,
    pooled,
    pooled_contexts,
)

SITE = "resid.1"


def rows(*texts, **changes):
    return [
        Explained(feature=number, text=text, explainer="lexical", **changes)
        for number, text in enumerate(texts)
    ]


ANIMALS = rows("the cat sat", "a dog", "cat, cat and dog again")


def test_bm25_is_the_formula_worked_by_hand():
    """Three texts of 3, 2 and 6 words and signs, 11 / 3 on average; two hold a cat."""
    inverse = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))

    def weight(count, length):
        return inverse * count / (count + 1.5 * (1 - 0.75 + 0.75 * length / (11 / 3)))

    expected = [weight(1, 3), 0, weight(2, 6)]
    np.testing.assert_allclose(by_words("Cat", ANIMALS), expected, rtol=1e-6)
    dog = [0, weight(1, 2), weight(1, 6)]
    both = np.array(expected) + dog
    np.testing.assert_allclose(by_words("cat dog", ANIMALS), both, rtol=1e-6)


def test_likeness_is_a_cosine_of_tf_idf():
    found = by_likeness("a dog", ANIMALS)
    assert found[1] == pytest.approx(1)
    # "dog" is in two of three texts, the other five words of the third in one but for "cat".
    common, rare = 1 + math.log(4 / 3), 1 + math.log(4 / 2)
    third = np.array([2 * common, rare, rare, rare, common])
    query = np.array([rare, common])
    cosine = common * common / (np.linalg.norm(third) * np.linalg.norm(query))
    assert found[2] == pytest.approx(cosine)
    assert found[0] == 0


@pytest.mark.parametrize("by", [by_words, by_likeness])
def test_the_right_explanation_is_first_and_unlike_ones_are_left_out(by):
    given = rows(
        "active where `keyword` and not `in_class`",
        "closing brackets after a call",
        "a name that is being defined",
        "numbers in a list",
    )
    for query, feature in (
        ("which class", 0),
        ("closing bracket after calls?", 1),
        ("defined", 2),
        ("Numbers", 3),
    ):
        assert find(query, given, by=by)[0].row.feature == feature
    assert [each.row.feature for each in find("numbers", given, by=by)] == [3]
    assert find("giraffe", given, by=by) == []


def test_contexts_help_where_the_words_of_an_explanation_do_not():
    given = [
        Explained(feature=4, text="brackets", explainer="x", contexts=("f ( x )", "( y")),
        Explained(feature=5, text="commas", explainer="x", contexts=("a , b", "c , d")),
    ]
    assert find("(", given) == []
    assert [each.row.feature for each in find("(", given, by=by_likeness)] == [4]


def test_equals_come_by_feature_then_by_explainer():
    given = [
        Explained(feature=feature, text="the same words", explainer=explainer)
        for feature, explainer in ((3, "b"), (1, "x"), (3, "a"), (2, "x"))
    ]
    for by in (by_words, by_likeness):
        found = find("words", given, by=by)
        assert [(each.row.feature, each.row.explainer) for each in found] == [
            (1, "x"),
            (2, "x"),
            (3, "a"),
            (3, "b"),
        ]
        assert [each.rank for each in found] == [0, 1, 2, 3]
        assert len(find("words", given, by=by, num=2)) == 2


def test_rows_without_words_and_unknown_words_do_no_harm():
    given = rows("", "cats", "")
    assert [each.row.feature for each in find("cats zebras", given)] == [1]
    with pytest.raises(UserError, match="at least one word"):
        find("  _ ", given)
    for none in ([], rows("", "  ")):
        with pytest.raises(UserError, match="none with a word"):
            find("cats", none)


def test_search_by_words_is_quiet(capfd, caplog):
    caplog.set_level("DEBUG")
    find("cat", ANIMALS)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(UserError, match=r"pip install 'tacit\[search\]'"):
        find("cat", ANIMALS)
    assert find("cat", ANIMALS, by=by_likeness)


def test_pooled_is_the_mean_over_the_text_s_own_tokens(tiny_subject):
    text = "def area(self):"
    flow = tiny_subject.run([text], sites=(SITE,), prepend_bos=True)
    expected = flow.activations[SITE][0][1:].mean(dim=0)
    found = pooled(tiny_subject, SITE, text, prepend_bos=True)
    torch.testing.assert_close(found, expected)


def test_the_feature_that_points_where_the_query_does_is_first(tiny_subject):
    texts = ("def area(self):", "import math", "return scale * 7")
    means = pooled_contexts(
        tiny_subject, SITE, [(text,) for text in texts] + [()], prepend_bos=True
    )
    assert not means[3].any()
    centre = means[:3].mean(dim=0)
    way = ByActivations(
        subject=tiny_subject,
        site=SITE,
        directions=means - centre,
        centre=centre,
        prepend_bos=True,
    )
    given = rows("functions", "imports", "results")
    for number, text in enumerate(texts):
        best = find(text, given, by=way)[0]
        assert (best.row.feature, best.score) == (number, pytest.approx(1, abs=1e-5))
    with pytest.raises(UserError, match="feature 4 is explained.*0 to 3"):
        way("x", rows("a", "b", "c", "d", "e"))


def test_contexts_are_pooled_each_with_the_same_weight(tiny_subject):
    texts = ("import math", "return scale * 7 + 1")
    (found,) = pooled_contexts(tiny_subject, SITE, [texts], prepend_bos=False)
    each = [pooled(tiny_subject, SITE, text, prepend_bos=False) for text in texts]
    torch.testing.assert_close(found, (each[0] + each[1]) / 2)
