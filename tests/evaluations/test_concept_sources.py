"""Concepts are what the store knows of its rows, and what leaks or is too rare is told."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.store import LABEL, LABELLED, TOKENS, Store
from tacit.activations.tokens import VOCABULARY
from tacit.base.records import Gap
from tacit.data.text import load_text
from tacit.evaluations.concept_sources import OF_DOCUMENTS, concepts_of, letter_of
from tacit.evaluations.concepts import UNKNOWN

WORDS = ("<s>", " sun", "So", " (s", "\n", "über", "Ö", "tea", " 7")
DOCUMENTS, ROWS = 48, 50
# Every fourth document is held out, so that six of each kind are.
CLASSES = ["good" if number % 8 < 4 else "bad" for number in range(DOCUMENTS)]


@pytest.fixture
def store_of(tmp_path):
    """Return a store with made-up columns: 48 documents of 50 rows, every fourth held out."""

    def made(token=None, labels=None, labelled=None, classes=None, held_out=None) -> Store:
        document = np.repeat(np.arange(DOCUMENTS, dtype=np.int32), ROWS)
        rng = np.random.default_rng(0)
        columns = {
            "document": document,
            "token": rng.integers(1, len(WORDS), len(document)) if token is None else token,
            "held_out": document % 4 == 0 if held_out is None else held_out,
            "special": np.arange(len(document)) % ROWS == 0,
            **{LABEL + name: column for name, column in (labels or {}).items()},
        }
        if labels:
            everywhere = np.ones(len(document), dtype=bool)
            columns[LABELLED] = everywhere if labelled is None else labelled
        pq.write_table(pa.table(columns), tmp_path / TOKENS)
        (tmp_path / VOCABULARY).write_text(json.dumps(WORDS))
        manifest = {
            "documents": [f"{number}" for number in range(DOCUMENTS)],
            "labels": list(labels or {}),
        }
        if classes is not None:
            manifest["document_classes"] = classes
        return Store(tmp_path, manifest)

    return made


def rows_of(store: Store) -> np.ndarray:
    return np.flatnonzero(~store.column("special"))


def found(store: Store, **asked):
    concepts, gaps = concepts_of(store, rows_of(store), **asked)
    return {each.name: each for each in concepts}, [each.reason for each in gaps]


def some(share: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(DOCUMENTS * ROWS) < share


def test_a_label_is_a_concept_and_unknown_where_documents_have_no_labels(store_of):
    labelled = np.arange(DOCUMENTS * ROWS) >= 5 * ROWS
    store = store_of(labels={"red": some(0.3, 1) & labelled}, labelled=labelled)
    concepts, gaps = found(store, letters=False)
    red, rows = concepts["red"], rows_of(store)
    assert (red.kind, red.classes, gaps) == ("label", ("no", "yes"), [])
    np.testing.assert_array_equal(red.is_known, labelled[rows])
    np.testing.assert_array_equal(red.has_it, store.label("red")[rows])


def test_labels_that_exclude_each_other_are_one_concept_of_several_classes(store_of):
    value = np.random.default_rng(2).integers(0, 4, DOCUMENTS * ROWS)
    apart = {f"depth_{number}": value == number for number in range(3)}
    crossing = {f"in_{number}": some(0.5, number) for number in range(3)}
    concepts, _ = found(
        store_of(labels={**apart, **crossing, "a_x": value == 0, "a_y": value == 1}),
        letters=False,
    )
    assert set(concepts) == {*apart, *crossing, "a_x", "a_y", "which depth"}
    depth = concepts["which depth"]
    assert (depth.kind, depth.classes) == ("labels", tuple(apart))
    expected = np.where(value == 3, UNKNOWN, value)
    rows = np.flatnonzero(np.arange(DOCUMENTS * ROWS) % ROWS != 0)
    np.testing.assert_array_equal(depth.truth, expected[rows])


def test_a_rare_class_leaves_a_group_and_two_that_are_left_are_no_group(store_of):
    value = np.random.default_rng(2).integers(0, 3, DOCUMENTS * ROWS)
    value[(value == 2) & (np.arange(len(value)) >= 60)] = 0
    concepts, gaps = found(
        store_of(labels={f"depth_{number}": value == number for number in range(3)}),
        letters=False,
    )
    assert set(concepts) == {"depth_0", "depth_1"}
    assert any(reason.startswith("which depth: 1 of 3 classes") for reason in gaps)
    assert any(reason.startswith("depth_2: ") for reason in gaps)


def test_labels_that_are_constant_on_a_side_are_told(store_of):
    held_out = np.repeat(np.arange(DOCUMENTS) % 4 == 0, ROWS)
    labels = {"always": np.ones_like(held_out), "leak": held_out, "fine": some(0.5, 0)}
    concepts, gaps = found(store_of(labels=labels), letters=False)
    assert set(concepts) == {"fine"}
    assert gaps == [
        "always: it is constant: every training row is 'yes'",
        "leak: it is constant: every training row is 'no'",
    ]


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        (" Sun", "s"),
        ("über", "ü"),
        ("ß", "s"),
        ("(s", ""),
        (" 7", ""),
        ("", ""),
        ("\n", ""),
    ],
)
def test_the_letter_of_a_token_is_the_first_it_starts_with(text, letter):
    assert letter_of(text) == letter


def test_first_letters_are_concepts_of_tokens_that_start_with_one(store_of):
    store = store_of()
    concepts, gaps = found(store)
    # " sun" and "So" make s the commonest; "über" and "Ö" are letters too, " (s" and " 7" are not.
    assert list(concepts)[0] == "starts with s"
    assert set(concepts) == {f"starts with {letter}" for letter in "stöü"}
    assert gaps == []
    spelled = [letter_of(WORDS[token]) for token in store.column("token")[rows_of(store)]]
    truth = [UNKNOWN if not each else int(each == "s") for each in spelled]
    assert concepts["starts with s"].truth.tolist() == truth
    assert found(store, letters=False) == ({}, [])


def test_only_the_commonest_letters_are_concepts_and_other_words_may_be_given(store_of):
    token = np.random.default_rng(0).permutation(np.arange(DOCUMENTS * ROWS) % 12)
    token = np.where(some(0.2, 3), 11, token)
    concepts, _ = found(store_of(token=token), vocabulary=list("abcdefghijkl"))
    assert len(concepts) == 8
    assert list(concepts)[0] == "starts with l"


def test_the_class_of_a_document_is_a_concept_of_all_its_rows(store_of):
    classes = list[str | None](CLASSES)
    classes[5] = None
    concepts, gaps = found(store_of(classes=classes), letters=False)
    own = concepts[OF_DOCUMENTS]
    assert (own.kind, own.classes, gaps) == ("document", ("bad", "good"), [])
    expected = [UNKNOWN if each is None else int(each == "good") for each in classes]
    assert own.truth.tolist() == np.repeat(expected, ROWS - 1).tolist()


def test_a_class_on_one_side_of_the_split_is_left_out(store_of):
    classes = list[str | None](CLASSES)
    for number in (1, 2, 3, 9, 10, 11):
        classes[number] = "train only"
    concepts, gaps = found(store_of(classes=classes), letters=False)
    assert concepts[OF_DOCUMENTS].classes == ("bad", "good")
    assert len(gaps) == 1
    assert "('train only') are left out" in gaps[0]
    assert "1 of them are on one side of the split alone" in gaps[0]


def test_a_class_that_is_the_split_is_no_concept(store_of):
    classes = ["held" if number % 4 == 0 else "train" for number in range(DOCUMENTS)]
    concepts, gaps = found(store_of(classes=classes), letters=False)
    assert concepts == {}
    assert gaps == [f"{OF_DOCUMENTS}: it is constant: every training document is 'train'"]


def test_held_out_documents_that_repeat_training_ones_are_not_scored(store_of):
    token = np.random.default_rng(0).integers(1, len(WORDS), DOCUMENTS * ROWS)
    token[:ROWS] = token[ROWS : 2 * ROWS]  # document 0 is held out, document 1 is not
    token[0] = 0
    store = store_of(token=token, classes=CLASSES)
    concepts, gaps = found(store, letters=False)
    assert gaps[0] == (
        f"{OF_DOCUMENTS}: 1 of 12 held-out documents repeat a training one word for word and are "
        "left out"
    )
    own = store.column("document")[rows_of(store)]
    assert set(own[~concepts[OF_DOCUMENTS].is_known]) == {0}


def test_documents_that_the_split_cuts_are_refused(store_of):
    held_out = np.arange(DOCUMENTS * ROWS) % ROWS < 10
    concepts, gaps = found(store_of(classes=CLASSES, held_out=held_out), letters=False)
    assert concepts == {}
    assert "rows on both sides of the split" in gaps[0]


def test_every_gap_names_its_concept(store_of):
    _, gaps = concepts_of(
        store_of(labels={"rare": some(0.001, 0)}), np.arange(1, 400), letters=False
    )
    assert [(each.name, each.of) for each in gaps] == [("concept", {"concept": "rare"})]
    assert all(isinstance(each, Gap) for each in gaps)


def test_a_harvested_store_gives_labels_depths_and_letters(tiny_store):
    rows = np.flatnonzero(tiny_store.usable("resid.0"))
    concepts, gaps = concepts_of(tiny_store, rows)
    names = {each.name for each in concepts}
    assert {"keyword", "in_class", "starts with s"} <= names
    assert all(len(each.truth) == len(rows) for each in concepts)
    assert {each.of["concept"] for each in gaps}.isdisjoint(names - {"which depth"})


def test_classes_of_a_table_reach_the_concepts(tmp_path, tiny_subject):
    rows = [
        {"text": f"def part_{number}(): return {number}", "label": number % 2 == 0}
        for number in range(200)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    store = harvest(
        tiny_subject,
        load_text(tmp_path / "rows.jsonl"),
        ["resid.0"],
        tmp_path / "store",
        settings=HarvestSettings(batch_contexts=64),
    )
    concepts, _ = concepts_of(store, np.flatnonzero(store.usable("resid.0")), letters=False)
    (own,) = concepts
    assert own.classes == ("false", "true")
    document = store.column("document")[store.usable("resid.0")]
    np.testing.assert_array_equal(own.truth, document % 2 == 0)
