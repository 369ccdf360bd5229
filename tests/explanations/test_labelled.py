"""A planted conjunction is found exactly, chance adds nothing, and the reader is the rule."""

import asyncio
import json

import numpy as np
import pytest
from sklearn.metrics import f1_score

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.conjunctions import Search
from tacit.explanations.exhibits import Exhibits, Piece
from tacit.explanations.explanation import Explanation
from tacit.explanations.labelled import LabelExplainer, LabelReader
from tacit.explanations.literals import Literal, TokenLabels, literals_of

from .label_index import WINDOW, index_of

NAMES = ("apple", "bread", "cheese", "dates", "eggs", "figs")
LENGTH, NUM_DOCUMENTS = 90, 60
DOCUMENT = np.repeat(np.arange(NUM_DOCUMENTS), LENGTH)
HELD_OUT = DOCUMENT % 4 == 0
NUM = len(DOCUMENT)


def random_labels(seed, rate=0.35, num=NUM):
    rng = stream(seed, "tests/labels")
    return {name: rng.random(num) < rate for name in NAMES}


def neighbour(column, offset):
    """The column at each token's neighbour, False beyond the window."""
    place = np.arange(LENGTH) % WINDOW
    size = np.minimum(WINDOW, LENGTH - np.arange(LENGTH) + place)
    inside = np.tile(place > 0 if offset == -1 else place < size - 1, NUM_DOCUMENTS)
    return np.roll(column, -offset) & inside


def world(folder, active, labels, **changes):
    values = np.where(active, 1 + stream(9, "tests/values").random(len(active)), 0)
    return index_of(folder, labels, values[:, None], DOCUMENT, HELD_OUT, **changes)


def explained(index, **changes):
    fired = index.firings(0)
    return LabelExplainer(index, **changes).explanation_of(0, fired["row"], fired["value"])


def exhibits(dictionary="by hand"):
    return Exhibits(
        feature=0,
        dictionary=dictionary,
        shown=(),
        learned=(),
        scored=(),
        largest=1.0,
        num_active=0,
        num_fragments=0,
    )


def literal(words):
    """``-1 not bread`` as a literal."""
    offset, *negated, label = words.split()
    return Literal(label=label, offset=int(offset), has_it=not negated)


def truth_of(planted, labels):
    found = np.ones(NUM, dtype=bool)
    for each in map(literal, planted):
        column = labels[each.label] == each.has_it
        found &= neighbour(column, each.offset) if each.offset else column
    return found


PLANTED = [
    ("0 apple",),
    ("1 dates",),
    ("0 apple", "0 not bread"),
    ("-1 cheese", "-1 not apple"),
    ("0 apple", "-1 not bread", "1 cheese"),
    ("0 not apple", "0 not bread", "0 not cheese"),
]


@pytest.mark.parametrize("planted", PLANTED, ids=" & ".join)
@pytest.mark.parametrize("noise", [0.0, 0.15])
def test_a_planted_conjunction_is_found_exactly(planted, noise, tmp_path):
    labels, rng = random_labels(0), stream(0, "tests/noise")
    truth = truth_of(planted, labels)
    active = (truth & (rng.random(NUM) >= noise)) | (rng.random(NUM) < noise / 10)
    found = explained(world(tmp_path, active, labels))
    assert isinstance(found, Explanation)
    assert set(literals_of(found.rule)) == set(map(literal, planted))
    if not noise:
        assert "F1 1.00 on held-out documents (1.00 to 1.00)" in found.text


def test_the_text_says_the_rule_in_words(tmp_path):
    labels = random_labels(0)
    planted = ("0 apple", "-1 not bread", "1 cheese")
    found = explained(world(tmp_path, truth_of(planted, labels), labels))
    assert found.text == (
        "active where `apple` and previous token not `bread` and next token `cheese`; "
        "F1 1.00 on held-out documents (1.00 to 1.00)"
    )
    assert json.loads(json.dumps(found.rule)) == found.rule


def chance(folder, seeds, search):
    """Of worlds, how many lengthen a noisy label by chance, and how many explain pure noise."""
    added = explained_noise = 0
    for seed in range(seeds):
        labels, rng = random_labels(seed, 0.2), stream(seed, "tests/chance")
        told = (labels["apple"] & (rng.random(NUM) < 0.3)) | (rng.random(NUM) < 0.02)
        dense = np.stack([told, rng.random(NUM) < 0.03], axis=1) * 1.0
        index = index_of(folder / f"{seed}", labels, dense, DOCUMENT, HELD_OUT)
        explainer = LabelExplainer(index, search=search)
        one, noise = (
            explainer.explanation_of(each, fired["row"], fired["value"])
            for each, fired in ((each, index.firings(each)) for each in (0, 1))
        )
        added += literals_of(one.rule) != (literal("0 apple"),)
        explained_noise += isinstance(noise, Explanation)
    return added, explained_noise


def test_no_literal_is_added_by_chance(tmp_path):
    """Thirty-six literals to choose from; without the judge all noise has an explanation."""
    assert chance(tmp_path / "judged", 20, Search()) == (0, 0)
    careless = Search(least_gain=-1.0, standard_errors=-1e9)
    assert chance(tmp_path / "careless", 5, careless)[1] == 5


def test_f1_in_the_text_is_that_of_sklearn_on_held_out_rows(tmp_path):
    labels, rng = random_labels(0), stream(0, "tests/f1")
    truth = truth_of(("0 apple", "1 not bread"), labels)
    active = (truth & (rng.random(NUM) < 0.8)) | (rng.random(NUM) < 0.05)
    index = world(tmp_path, active, labels)
    found = explained(index)
    said = TokenLabels(index).holds(literals_of(found.rule), np.arange(NUM))
    f1 = f1_score(active[HELD_OUT], said[HELD_OUT])
    assert f"F1 {f1:.2f}".replace("0.", ".") in found.text
    fired = index.firings(0)
    dense = np.zeros(NUM)
    dense[fired["row"]] = fired["value"]
    assert found.rule["value"] == pytest.approx(dense[said & ~HELD_OUT].mean())


def test_nothing_held_out_moves_a_rule(tmp_path):
    labels, rng = random_labels(0), stream(0, "tests/moves")
    active = truth_of(("0 apple", "-1 bread"), labels) & (rng.random(NUM) < 0.7)
    first = explained(world(tmp_path / "a", active, labels))
    other = {name: np.where(HELD_OUT, ~each, each) for name, each in labels.items()}
    second = explained(world(tmp_path / "b", active ^ HELD_OUT, other))
    assert first.rule["labels"] == second.rule["labels"]
    assert first.text != second.text


def test_values_below_zero_count_as_silent(tmp_path):
    labels = random_labels(0)
    values = np.where(labels["apple"], 2.0, np.where(labels["bread"], -3.0, 0.0))
    index = index_of(tmp_path, labels, values[:, None], DOCUMENT, HELD_OUT)
    found = explained(index)
    assert literals_of(found.rule) == (literal("0 apple"),)
    assert found.rule["value"] == 2.0


def test_rows_of_unknown_truth_count_nowhere(tmp_path):
    labels = random_labels(0)
    labelled = DOCUMENT % 5 != 1
    known = explained(world(tmp_path / "a", labels["apple"], labels, labelled=labelled))
    other = labels["apple"] ^ ~labelled
    assert known == explained(world(tmp_path / "b", other, labels, labelled=labelled))


def test_a_rare_feature_is_a_gap_with_its_count(tmp_path):
    active = np.zeros(NUM, dtype=bool)
    active[:100:9] = True
    found = explained(world(tmp_path, active, random_labels(0)))
    assert isinstance(found, Gap)
    assert "fewer than 20" in found.reason
    assert found.of == {"feature": 0}


def test_a_label_told_only_in_training_says_so(tmp_path):
    labels = random_labels(0)
    labels["apple"][HELD_OUT] = False
    labels["apple"][:1] = True  # there, so that it can be scored, on a token that is silent
    active = labels["apple"] & ~HELD_OUT
    found = explained(world(tmp_path, active, labels))
    assert "F1 .00 on held-out documents" in found.text


def test_explaining_asks_for_the_dictionary_that_was_indexed(tmp_path):
    labels = random_labels(0)
    explainer = LabelExplainer(world(tmp_path, labels["apple"], labels))
    found = asyncio.run(explainer.explain(exhibits()))
    assert isinstance(found, Explanation)
    assert (found.explainer, found.feature, found.dictionary) == ("label", 0, "by hand")
    with pytest.raises(UserError, match="another|dictionary"):
        asyncio.run(explainer.explain(exhibits("other")))


def test_text_without_labels_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(UserError, match="no labels.*tacit list labellers"):
        LabelExplainer(world(tmp_path / "a", HELD_OUT, {}))
    with pytest.raises(UserError, match=r"no labels.*tacit list labellers"):
        LabelReader(world(tmp_path / "b", HELD_OUT, {}))
    with pytest.raises(UserError, match=r"none of the 1 labels.*apple: 0 of"):
        LabelExplainer(world(tmp_path / "c", HELD_OUT, {"apple": HELD_OUT}))


def test_too_few_documents_to_judge_by_are_refused(tmp_path):
    labels = {name: each[: 18 * LENGTH] for name, each in random_labels(0).items()}
    document = DOCUMENT[: 18 * LENGTH]
    index = index_of(
        tmp_path, labels, labels["apple"][:, None] * 1.0, document, document % 4 == 0
    )
    with pytest.raises(UserError, match="13 training documents with labels; 20 are needed"):
        LabelExplainer(index)


def piece(first, length):
    rows = np.arange(first, first + length)
    return Piece(tokens=("x",) * length, ids=rows, rows=rows)


def test_the_reader_is_the_rule(tmp_path):
    labels = random_labels(0)
    planted = ("0 apple", "-1 not bread", "1 cheese")
    truth = truth_of(planted, labels)
    index = world(tmp_path, truth, labels)
    found, reader = explained(index), LabelReader(index)
    pieces = [piece(first, 30) for first in range(0, NUM - 30, 30)]
    answers = asyncio.run(reader.activations(found, pieces))
    for each, answer in zip(pieces, answers, strict=True):
        np.testing.assert_allclose(answer.value, truth[each.rows] * found.rule["value"])
    said = [each.value for each in asyncio.run(reader.active(found, pieces))]
    assert said == [float(truth[each.rows].any()) for each in pieces]
    marks = [truth[each.rows] | (np.arange(30) == 3) for each in pieces]
    shares = [each.value for each in asyncio.run(reader.marked(found, pieces, marks))]
    assert shares == [
        truth[each.rows][mark].mean() for each, mark in zip(pieces, marks, strict=True)
    ]


def test_beyond_the_edge_of_a_window_nothing_holds(tmp_path):
    labels = random_labels(0)
    asked = TokenLabels(world(tmp_path, labels["apple"], labels))
    ends = {-1: [0, WINDOW, LENGTH, NUM - 10], 1: [WINDOW - 1, LENGTH - 1, NUM - 1]}
    for offset, rows in ends.items():
        for has_it in (True, False):
            each = Literal(label="apple", offset=offset, has_it=has_it)
            assert not asked.holds([each], np.array(rows)).any()
    both = [
        asked.holds([Literal(label="apple", offset=-1, has_it=each)], np.arange(NUM))
        for each in (True, False)
    ]
    assert not (both[0] & both[1]).any()
    np.testing.assert_array_equal(both[0], neighbour(labels["apple"], -1))
    np.testing.assert_array_equal(both[1], neighbour(~labels["apple"], -1))


def test_what_the_reader_cannot_know_is_a_gap(tmp_path):
    labels = random_labels(0)
    index = world(tmp_path, labels["apple"], labels, labelled=DOCUMENT != 1)
    reader = LabelReader(index)
    found = explained(index)
    known, unknown = asyncio.run(
        reader.activations(found, [piece(0, 10), piece(LENGTH, 10)])
    )
    assert isinstance(known.value, np.ndarray)
    assert isinstance(unknown.value, Gap)
    assert unknown.value.reason == "no truth is known for 10 of 10 tokens"
    words = Explanation(
        feature=0, dictionary="by hand", explainer="lexical", version="1", text="apples"
    )
    (answer,) = asyncio.run(reader.active(words, [piece(0, 10)]))
    assert isinstance(answer.value, Gap)
    assert "lexical names no labels" in answer.value.reason
