"""What an atom adds to a probe's score is added up exactly, and the atom of a class is found."""

import numpy as np
import pytest
import torch

from tacit.evaluations.attribution import atoms_for, attributions
from tacit.evaluations.linear_probes import fit_probe
from tacit.evaluations.planted_evidence import planted_evidence
from tacit.evaluations.planted_world import PlantedWorld

WORLD = PlantedWorld()


@pytest.fixture(scope="module")
def evidence():
    return planted_evidence(WORLD, "perfect", num_documents=60)


def test_attributions_add_up_to_what_the_rebuilt_rows_differ_by(evidence):
    concept = evidence.concept("label 0")
    rows = np.flatnonzero(evidence.train)
    normal = np.linspace(-1, 1, WORLD.width)
    found = attributions(evidence, concept.has_it, rows, normal, either_side=True)
    rebuilt = evidence.codes[rows] @ evidence.dictionary.atoms.numpy() @ normal
    has = concept.has_it[rows]
    assert found.sum() == pytest.approx(
        rebuilt[has].mean() - rebuilt[~has].mean(), rel=1e-4
    )


@pytest.mark.parametrize("name", ["label 3", "parent 2"])
def test_the_planted_atom_comes_first(evidence, name):
    concept = evidence.concept(name)
    rows = np.flatnonzero(evidence.train)
    vectors = evidence.activations[torch.from_numpy(rows)].numpy()
    normal = fit_probe(vectors, concept.truth[rows]).normals[0]
    assert atoms_for(evidence, concept.has_it, rows, normal, 5)[0] == WORLD.places[name]


def test_what_is_more_active_without_the_class_counts_on_request(evidence):
    value = evidence.concept("attribute 0").truth == 0
    rows = np.flatnonzero(evidence.train)
    place = WORLD.places["value 0.1"]
    # A normal that speaks against another value of the attribute alone.
    normal = -WORLD.features[place].numpy().astype(np.float64)
    assert attributions(evidence, value, rows, normal)[place] == 0
    found = attributions(evidence, value, rows, normal, either_side=True)
    assert found.argmax() == place


def test_atoms_that_do_nothing_are_not_among_those_chosen(evidence):
    concept = evidence.concept("label 0")
    rows = np.flatnonzero(evidence.train)
    nothing = atoms_for(evidence, concept.has_it, rows, np.zeros(WORLD.width), 5)
    assert len(nothing) == 0
