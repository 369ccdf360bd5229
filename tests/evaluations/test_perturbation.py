"""Atoms that carry one class alone are told from those that carry several."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from tacit.base.records import Gap
from tacit.evaluations.concepts import Concept
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.perturbation import TargetedPerturbation
from tacit.evaluations.planted_evidence import planted_evidence
from tacit.evaluations.planted_world import PlantedWorld
from tacit.evaluations.readings import Reading

# So wide and quiet that directions do not disturb one another.
CLEAR = PlantedWorld(
    width=512, noise=0.02, num_labels=6, num_families=2, num_background=8, num_attributes=2
)
WORLD = PlantedWorld(num_labels=6, num_families=1, num_attributes=1)


def read(evidence: Evidence, *atoms: int) -> dict[str, float]:
    measure = TargetedPerturbation(atoms=atoms or (2,))
    return {
        each.unit: each.top
        for each in measure.read(evidence, seed=0)
        if isinstance(each, Reading)
    }


def mean(evidence: Evidence, *atoms: int) -> float:
    return float(np.mean(list(read(evidence, *atoms).values())))


def test_taking_out_a_classs_only_atom_leaves_its_probe_at_chance_and_the_others_as_they_were():
    found = read(planted_evidence(CLEAR, "perfect", num_documents=60), 1)
    labels = {name: drop for name, drop in found.items() if name.startswith("label")}
    assert len(labels) == CLEAR.num_labels
    # From about 1 to 0.5, which is what saying no of every row scores.
    assert all(drop == pytest.approx(0.5, abs=0.03) for drop in labels.values())


def test_an_atom_that_two_classes_share_costs_both():
    evidence = planted_evidence(CLEAR, "perfect", num_documents=60)
    pair = evidence.concepts[:2]
    codes = evidence.codes.toarray()
    one, other = (CLEAR.places[each.name] for each in pair)
    atoms = evidence.dictionary.atoms.clone()
    # One atom whose direction holds both, active where either is there.
    atoms[one] = (atoms[one] + atoms[other]) / 2
    codes[:, one] += codes[:, other]
    codes[:, other] = 0
    shared = replace(
        evidence,
        concepts=pair,
        codes=sparse.csr_array(codes),
        dictionary=replace(evidence.dictionary, atoms=atoms),
    )
    assert mean(replace(evidence, concepts=pair), 1) > 0.45
    assert abs(mean(shared, 1)) < 0.1


@pytest.mark.parametrize("seed", range(3))
def test_perfect_is_above_good_is_above_random(seed):
    world = replace(WORLD, seed=seed)
    perfect, good, random = (
        mean(planted_evidence(world, quality, num_documents=60))
        for quality in ("perfect", "good", "random")
    )
    assert perfect > good > random


def test_a_dictionary_that_is_silent_scores_zero():
    evidence = planted_evidence(WORLD, "perfect", num_documents=40)
    assert set(read(replace(evidence, codes=evidence.codes * 0)).values()) == {0.0}


def test_classes_of_documents_are_judged_on_documents():
    evidence = planted_evidence(CLEAR, "perfect", num_documents=80)
    topic = evidence.document // 4 % 3
    strengths = evidence.codes.toarray()
    vectors = evidence.activations.clone()
    for number in range(3):
        place = CLEAR.places[f"background {number}"]
        rows = np.flatnonzero(topic == number)
        vectors[rows] += evidence.dictionary.atoms[place]
        strengths[rows, place] += 1
    told = Concept(name="topic", classes=("a", "b", "c"), truth=topic, kind="document")
    made = replace(
        evidence, activations=vectors, codes=sparse.csr_array(strengths), concepts=(told,)
    )
    found = read(made, 1)
    assert set(found) == {"topic: a", "topic: b", "topic: c"}
    assert min(found.values()) > 0.35


def test_rare_classes_and_those_beyond_the_most_are_gaps_and_the_rest_is_measured():
    evidence = planted_evidence(WORLD, "good", num_documents=40)
    rare = Concept(
        name="rare",
        classes=("no", "yes"),
        truth=(evidence.rows % 100 == 0).astype(np.int64),
        kind="label",
    )
    made = replace(evidence, concepts=(*evidence.concepts[:6], rare))
    found = TargetedPerturbation(most_classes=4, atoms=(2,)).read(made, seed=0)
    gaps = {
        each.of["class"]: each.reason for each in found if isinstance(each, Gap) and each.of
    }
    assert "12 training" in gaps["rare"] and "4 held-out" in gaps["rare"]
    assert sum("other classes" in reason for reason in gaps.values()) == 2
    assert sum(isinstance(each, Reading) for each in found) == 4


def test_one_class_alone_has_nothing_to_be_set_against():
    evidence = planted_evidence(WORLD, "good", num_documents=40)
    (gap,) = TargetedPerturbation().read(
        replace(evidence, concepts=evidence.concepts[:1]), seed=0
    )
    assert isinstance(gap, Gap) and "two are needed" in gap.reason
    (gap,) = TargetedPerturbation().read(replace(evidence, concepts=()), seed=0)
    assert isinstance(gap, Gap)
