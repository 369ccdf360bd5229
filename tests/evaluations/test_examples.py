"""Rows are drawn class by class, and documents are read as the means of their rows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit.base.seeds import stream
from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.examples import (
    against_rest,
    drawn_from_each,
    not_read,
    num_not_drawn,
    of_rows_and_documents,
    vectors_of,
)
from tacit.evaluations.planted_evidence import planted_evidence
from tacit.evaluations.planted_world import PlantedWorld


def with_documents():
    made = planted_evidence(PlantedWorld(), "good", num_documents=12)
    truth = (made.document // 2) % 2
    told = Concept(name="even", classes=("no", "yes"), truth=truth, kind="document")
    return replace(made, concepts=(*made.concepts, told))


def test_a_document_is_the_mean_of_its_rows_in_activations_and_in_what_atoms_add():
    made = with_documents()
    of_rows, of_documents = of_rows_and_documents(made)
    assert [each.name for each in of_documents.concepts] == ["even"]
    assert "even" not in {each.name for each in of_rows.concepts}
    assert of_documents.document.tolist() == list(range(12))
    own = np.flatnonzero(made.document == 7)
    at = np.array([7])
    mean = vectors_of(made, own).mean(axis=0)
    np.testing.assert_allclose(vectors_of(of_documents, at)[0], mean, atol=1e-5)
    added = made.part_of([3, 40], own).mean(dim=0, keepdim=True)
    torch.testing.assert_close(of_documents.part_of([3, 40], at), added)
    assert of_documents.held_out.tolist() == [i % 4 == 0 for i in range(12)]


def test_without_concepts_of_documents_there_are_rows_alone():
    made = planted_evidence(PlantedWorld(), "good", num_documents=4)
    (only,) = of_rows_and_documents(made)
    assert only.concepts == made.concepts


def test_groups_are_drawn_alike_where_asked():
    group = np.repeat([0, 1, 2], [500, 30, 8])
    rows = np.arange(538)
    drawn = drawn_from_each(group, rows, 90, stream(0, "test"))
    assert np.bincount(group[drawn]).tolist() == [30, 30, 8]
    alike = drawn_from_each(group, rows, 90, stream(0, "test"), alike=True)
    assert np.bincount(group[alike]).tolist() == [8, 8, 8]
    assert (np.diff(drawn) > 0).all()
    assert num_not_drawn(group, rows, 90) == 538 - 68
    assert num_not_drawn(group, rows, 90, alike=True) == 538 - 24
    assert not_read(0) == []
    assert "470 rows" in not_read(470)[0].reason


def test_rows_that_may_not_be_looked_at_are_never_drawn():
    group = np.arange(100) % 2
    rows = np.arange(0, 50)
    assert drawn_from_each(group, rows, 1_000, stream(0, "test")).max() < 50


def test_each_class_is_set_against_the_others_where_the_class_is_known():
    truth = np.array([0, 1, 2, UNKNOWN, 1])
    three = Concept(name="which", classes=("a", "b", "c"), truth=truth, kind="labels")
    found = against_rest(three)
    assert [each.name for each in found] == ["which: a", "which: b", "which: c"]
    assert found[1].truth.tolist() == [0, 1, 0, UNKNOWN, 1]
    two = Concept(name="it", classes=("no", "yes"), truth=truth % 2, kind="label")
    assert against_rest(two) == [two]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_vectors_are_single_precision(dtype):
    made = planted_evidence(PlantedWorld(), "good", num_documents=4)
    made = replace(made, activations=made.activations.to(dtype))
    assert vectors_of(made, np.array([1, 2])).dtype == np.float32
