"""The figure is F1 over all held-out tokens, beside always saying yes and random directions."""

import asyncio

import numpy as np
import pytest
from sklearn.metrics import f1_score

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.explanations.explanation import Explanation
from tacit.explanations.label_scorer import FIGURE, LabelScorer, scores_of_directions
from tacit.explanations.labelled import LabelExplainer, LabelReader
from tacit.explanations.literals import Literal, rule_of

from .test_labelled import (
    DOCUMENT,
    HELD_OUT,
    NUM,
    exhibits,
    explained,
    random_labels,
    truth_of,
    world,
)


def scored(index, explanation, shown=None):
    (found,) = asyncio.run(
        LabelScorer(index).score(
            explanation,
            shown or exhibits(),
            LabelReader(index),
            stream(0, "tests/label scorer"),
        )
    )
    return found


def test_the_figure_is_sklearns_on_held_out_rows_with_the_rate_as_chance(tmp_path):
    labels, rng = random_labels(0), stream(0, "tests/figure")
    labelled = DOCUMENT % 5 != 3
    truth = truth_of(("0 apple", "1 bread"), labels)
    active = (truth & (rng.random(NUM) < 0.8)) | (rng.random(NUM) < 0.02)
    index = world(tmp_path, active, labels, labelled=labelled)
    found = scored(index, explained(index))
    counted = HELD_OUT & labelled
    assert found.value == pytest.approx(f1_score(active[counted], truth[counted]))
    assert found.low < found.value < found.high
    always = np.ones(counted.sum(), dtype=bool)
    assert found.chance == pytest.approx(f1_score(active[counted], always))
    assert found.n == len(np.unique(DOCUMENT[counted]))
    assert (found.figure, found.scorer, found.reader) == (FIGURE, "label", "label")


def test_an_explanation_without_labels_has_no_value_and_says_why(tmp_path):
    labels = random_labels(0)
    index = world(tmp_path, labels["apple"], labels)
    words = Explanation(
        feature=0, dictionary="by hand", explainer="lexical", version="1", text="apples"
    )
    found = scored(index, words)
    assert (found.value, found.low, found.n) == (None, None, 0)
    assert found.reason == "the explanation by lexical names no labels"
    with pytest.raises(UserError, match="dictionary"):
        scored(index, words, exhibits("other"))


def test_a_rule_that_meets_no_held_out_token_has_no_value(tmp_path):
    labels = random_labels(0)
    index = world(tmp_path, labels["apple"] & ~HELD_OUT, labels)
    never = Explanation(
        feature=0,
        dictionary="by hand",
        explainer="label",
        version="1",
        text="",
        rule=rule_of([Literal(label="apple"), Literal(label="apple", has_it=False)], 1.0),
    )
    found = scored(index, never)
    assert found.value is None
    assert found.chance == 0
    assert "never active" in found.reason


def test_a_direction_that_is_a_label_is_told_and_others_are_not(tmp_path):
    labels, rng = random_labels(0), stream(0, "tests/directions")
    index = world(tmp_path, labels["apple"], labels)
    random = rng.standard_normal((NUM, 3)).astype(np.float32)
    random[:, 1] = np.where(labels["bread"], 2, -2) + 0.1 * random[:, 1]
    density = labels["bread"][~HELD_OUT].mean()
    found = scores_of_directions(
        LabelExplainer(index), random, np.array([0.05, density, 0.5]), rng
    )
    assert [each.feature for each in found] == [0, 1, 2]
    assert found[1].value == pytest.approx(1, abs=0.01)
    assert [each.value for each in found[::2]] == [None, None]
    assert all("no label pays" in each.reason for each in found[::2])
    assert found[0].chance == pytest.approx(2 * 0.05 / 1.05, rel=0.2)


def test_a_direction_is_as_rare_as_asked(tmp_path):
    labels = random_labels(0)
    explainer = LabelExplainer(world(tmp_path, labels["apple"], labels))
    random = stream(0, "tests/rare").standard_normal((NUM, 1)).astype(np.float32)
    (few,) = scores_of_directions(
        explainer, random, np.array([0.002]), stream(0, "tests/rare interval")
    )
    assert "fewer than 20" in few.reason
    with pytest.raises(UserError, match="densities 0 to 0"):
        scores_of_directions(explainer, random, np.zeros(1), stream(0, "tests/rare"))
