"""A misled probe is put right by a dictionary that has an atom for what misled it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from tacit.base.records import Gap
from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.planted_evidence import planted_evidence
from tacit.evaluations.planted_world import PlantedWorld
from tacit.evaluations.readings import Reading, figure_over, grouped
from tacit.evaluations.spurious import SpuriousRemoval

# So wide and quiet that directions do not disturb one another.
CLEAR = PlantedWorld(
    width=512,
    noise=0.01,
    num_labels=4,
    label_rate=0.4,
    num_families=0,
    num_background=4,
    num_attributes=0,
)
WORLD = PlantedWorld(num_labels=6, num_families=1, num_attributes=1)


def removed(evidence: Evidence, atoms: int = 2) -> float:
    found = SpuriousRemoval(atoms=(atoms,), pairs=6).read(evidence, seed=0)
    (units,) = grouped(each for each in found if isinstance(each, Reading)).values()
    whole = figure_over(units)
    assert whole is not None
    return whole.value


def test_with_the_atom_of_what_misled_it_a_probe_is_as_good_as_an_unbiased_one():
    evidence = planted_evidence(CLEAR, "perfect")
    assert removed(evidence, 1) == pytest.approx(1, abs=0.1)


def test_without_any_atom_nothing_is_gained():
    evidence = planted_evidence(CLEAR, "perfect")
    assert removed(replace(evidence, codes=evidence.codes * 0)) == 0


@pytest.mark.parametrize("seed", range(3))
def test_perfect_is_above_good_is_above_random(seed):
    world = replace(WORLD, seed=seed)
    perfect, good, random = (
        removed(planted_evidence(world, quality))
        for quality in ("perfect", "good", "random")
    )
    assert perfect > good > random


def test_parts_are_pairs_and_no_concept_is_in_too_many():
    evidence = planted_evidence(WORLD, "good")
    measure = SpuriousRemoval(pairs=5, uses=2, atoms=(5,), least_gap=0.0)
    found = [each for each in measure.read(evidence, seed=0) if isinstance(each, Reading)]
    named = [name for each in found for name in str(each.part).split(" without ")]
    assert len(found) == 5
    assert max(named.count(name) for name in named) <= 2


def test_pairs_that_mislead_no_probe_are_counted():
    evidence = planted_evidence(CLEAR, "perfect", num_documents=60)
    found = SpuriousRemoval(least_gap=0.9, pairs=3).read(evidence, seed=0)
    assert all(isinstance(each, Gap) for each in found)
    assert [
        each.reason for each in found if each.name == "spurious_removed" and not each.of
    ] == ["of 3 pairs none misleads a probe"]
    assert sum("pair" in each.of for each in found) == 3


def test_concepts_that_never_come_apart_give_no_pair():
    evidence = planted_evidence(CLEAR, "perfect", num_documents=60)
    one = evidence.concept("label 0")
    same = replace(one, name="the same")
    (gap,) = SpuriousRemoval().read(replace(evidence, concepts=(one, same)), seed=0)
    assert isinstance(gap, Gap) and "of all combinations" in gap.reason


def test_rows_of_which_either_is_unknown_are_not_looked_at():
    evidence = planted_evidence(CLEAR, "perfect")
    first, other = evidence.concepts[:2]
    known = evidence.document % 2 == 0
    half = replace(other, truth=np.where(known, other.truth, UNKNOWN))
    # Nonsense in the other half would spoil every probe.
    broken = replace(first, truth=np.where(known, first.truth, 1 - first.truth))
    both = replace(evidence, concepts=(broken, half))
    assert removed(both, 1) == pytest.approx(1, abs=0.15)


def test_concepts_of_documents_are_judged_on_documents():
    evidence = planted_evidence(CLEAR, "perfect", num_documents=160)
    vectors, codes = evidence.activations.clone(), evidence.codes.toarray()
    told = []
    for number, of in ((0, 4), (1, 8)):
        truth = evidence.document // of % 2
        rows, place = np.flatnonzero(truth == 1), CLEAR.places[f"background {number}"]
        vectors[rows] += evidence.dictionary.atoms[place]
        codes[rows, place] += 1
        told.append(
            Concept(
                name=f"of documents {number}",
                classes=("no", "yes"),
                truth=truth,
                kind="document",
            )
        )
    made = replace(
        evidence, activations=vectors, codes=sparse.csr_array(codes), concepts=tuple(told)
    )
    assert removed(made, 1) > 0.9
