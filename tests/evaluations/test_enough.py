"""Which examples a concept has: what is too few, what a draw gives, and documents as examples."""

import numpy as np
import pytest
import torch
from scipy import sparse

from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.enough import (
    balanced_rows,
    counts_of,
    documents_of,
    shortage,
    without_short,
)
from tacit.evaluations.planted_evidence import planted_evidence
from tacit.evaluations.planted_world import PlantedWorld

SMALL = PlantedWorld(width=16, num_labels=1, num_families=0, num_attributes=0)


def concept(truth, *, kind="label", classes=("no", "yes")) -> Concept:
    return Concept(name="c", classes=classes, truth=np.asarray(truth), kind=kind)


def sides(*counts: tuple[int, int]):
    """Truth and side of rows: of each class so many in training and held out."""
    truth, held_out = [], []
    for each, (train, held) in enumerate(counts):
        truth += [each] * (train + held)
        held_out += [False] * train + [True] * held
    return np.array(truth), np.array(held_out), np.arange(len(truth))


def test_examples_are_counted_by_class_and_side():
    truth, held_out, document = sides((25, 11), (20, 10))
    assert counts_of(concept(truth), held_out, document).tolist() == [[25, 20], [11, 10]]


def test_rows_of_one_document_are_one_example_of_what_documents_have():
    truth, held_out, document = sides((40, 40), (40, 40))
    whole = concept(truth, kind="document")
    assert counts_of(whole, held_out, document // 10).tolist() == [[4, 4], [4, 4]]
    assert "4 training and 4 held-out documents" in (
        shortage(whole, held_out, document // 10) or ""
    )
    assert shortage(whole, held_out, document // 8) is None


def test_just_enough_is_enough():
    assert (
        shortage(concept(sides((20, 10), (20, 10))[0]), *sides((20, 10), (20, 10))[1:])
        is None
    )


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        (((20, 10), (19, 10)), "'yes' has 19 training and 10 held-out rows"),
        (((20, 9), (20, 10)), "'no' has 20 training and 9 held-out rows"),
        (((20, 10), (20, 0)), "constant: every held-out row is 'no'"),
        (((0, 10), (20, 10)), "constant: every training row is 'yes'"),
    ],
)
def test_a_class_that_is_too_rare_or_constant_is_told(counts, told):
    truth, held_out, document = sides(*counts)
    assert told in (shortage(concept(truth), held_out, document) or "")


def test_what_is_known_of_no_row_is_told():
    truth, held_out, document = sides((20, 10), (20, 10))
    unknown = concept(np.full_like(truth, UNKNOWN))
    assert "is not known" in (shortage(unknown, held_out, document) or "")


def test_rare_classes_are_left_out_and_the_others_keep_their_rows():
    truth, held_out, document = sides((30, 10), (5, 10), (30, 0), (30, 20))
    many = concept(truth, classes=("a", "b", "c", "d"), kind="labels")
    kept, told = without_short(many, held_out, document)
    assert kept.classes == ("a", "d")
    assert (kept.truth[truth == 0] == 0).all()
    assert (kept.truth[truth == 3] == 1).all()
    assert (kept.truth[(truth == 1) | (truth == 2)] == UNKNOWN).all()
    assert told is not None
    assert "2 of 4 classes ('b', 'c')" in told
    assert "1 of them are on one side" in told
    assert without_short(kept, held_out, document) == (kept, None)


def test_a_draw_gives_each_class_its_share_and_none_that_is_unknown():
    truth = np.repeat([UNKNOWN, 0, 1, 2], [50, 100, 7, 40])
    drawn = balanced_rows(truth, 60, np.random.default_rng(0))
    assert np.bincount(truth[drawn]).tolist() == [20, 7, 20]
    assert len(set(drawn.tolist())) == len(drawn)
    assert drawn.tolist() == sorted(drawn.tolist())


def test_a_document_is_the_mean_of_its_rows():
    evidence = planted_evidence(SMALL, "good", num_documents=8)
    truth = evidence.document % 2
    whole = concept(truth, kind="document")
    one = documents_of(
        type(evidence)(
            basis=evidence.basis,
            dictionary=evidence.dictionary,
            activations=evidence.activations,
            codes=evidence.codes,
            document=evidence.document,
            held_out=evidence.held_out,
            concepts=(*evidence.concepts, whole),
            rows=evidence.rows,
        )
    )
    assert [each.name for each in one.concepts] == ["c"]
    assert one.concepts[0].truth.tolist() == [0, 1] * 4
    assert one.held_out.tolist() == [number % 4 == 0 for number in range(8)]
    assert isinstance(one.codes, sparse.csr_array)
    for number in range(8):
        own = evidence.document == number
        torch.testing.assert_close(
            one.activations[number], evidence.activations[torch.from_numpy(own)].mean(dim=0)
        )
        np.testing.assert_allclose(
            one.codes[[number]].toarray()[0],
            evidence.codes.toarray()[own].mean(axis=0),
            rtol=1e-5,
        )
