"""A dictionary that absorbs is told from one that does not, row by row."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from tacit.base.records import Gap
from tacit.evaluations.absorption import Absorption
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.planted_evidence import planted_evidence
from tacit.evaluations.planted_world import PlantedWorld
from tacit.evaluations.readings import Reading, grouped, value_of

# Many children, so that one is too rare to pass for a feature of its parent's own.
MANY = PlantedWorld(
    num_labels=1, num_families=1, children=30, num_background=8, width=128, noise=0.05
)
FEW = PlantedWorld(num_labels=1, num_families=1, num_background=32, width=48)
ABSORBED, SPLIT = Absorption.figures


def readings(evidence: Evidence, **settings: float) -> list[Reading]:
    found = Absorption(**settings).read(evidence, seed=0)
    assert {each.name for each in found if isinstance(each, Gap)} <= {"rows of probes"}
    return [each for each in found if isinstance(each, Reading)]


def read(evidence: Evidence, **settings: float) -> dict[str, dict[str, float | None]]:
    found = {
        figure: {unit: value_of(sums) for unit, sums in units.items()}
        for (figure, _), units in grouped(readings(evidence, **settings)).items()
    }
    return {ABSORBED: found[ABSORBED], SPLIT: found[SPLIT]}


def test_a_perfect_dictionary_absorbs_nothing_and_splits_nothing():
    found = read(planted_evidence(FEW, "perfect"))
    assert set(found[ABSORBED].values()) == {0.0}
    assert set(found[SPLIT].values()) == {1.0}


def test_the_absorbed_rows_are_those_where_a_child_has_taken_over():
    evidence = planted_evidence(MANY, "absorbing")
    # A child that is frequent by chance may still raise F1 by 0.03.
    found = read(evidence, share=0.05, split_gain=0.06)
    first = MANY.places["parent 0"]
    fires = evidence.of([first])[:, 0] > 0
    child = (evidence.of(range(first + 1, first + 31)) > 0).any(axis=1)
    rows = evidence.held_out & evidence.concept("parent 0").has_it
    assert not (fires & child)[rows].any()
    # The probe tells nearly all of them; of those it misses, either kind may be more.
    assert found[ABSORBED]["parent 0"] == pytest.approx(child[rows].mean(), abs=0.03)
    assert found[ABSORBED]["parent 0"] == pytest.approx(MANY.child_rate, abs=0.08)
    assert found[SPLIT]["parent 0"] == 1
    assert found[ABSORBED]["label 0"] == 0


def test_a_child_must_give_its_share_of_what_sets_the_row_off():
    evidence = planted_evidence(MANY, "absorbing")
    shares = [
        read(evidence, share=share, split_gain=0.06)[ABSORBED]["parent 0"]
        for share in (0.05, 0.4, 3.0)
    ]
    assert shares[0] > shares[1] > 0.4
    assert shares[2] == 0


def test_children_that_are_frequent_count_as_splits_and_not_as_absorption():
    evidence = planted_evidence(FEW, "absorbing")
    found = read(evidence)
    assert found[SPLIT]["parent 0"] == 1 + FEW.children
    assert found[ABSORBED]["parent 0"] == 0
    # Not if a further atom must bring more than a third of the rows does.
    coarse = read(evidence, split_gain=0.3)
    assert coarse[SPLIT]["parent 0"] == 1
    assert coarse[ABSORBED]["parent 0"] > 0.4


@pytest.mark.parametrize("seed", range(2))
def test_worse_dictionaries_absorb_and_split_more(seed):
    world = replace(FEW, seed=seed, num_labels=2)
    perfect, good, random = (
        read(planted_evidence(world, quality)) for quality in ("perfect", "good", "random")
    )
    for figure, least in ((ABSORBED, 0.0), (SPLIT, 1.0)):
        means = [np.mean(list(found[figure].values())) for found in (perfect, good, random)]
        assert least == means[0] <= means[1] < means[2]


def test_parts_are_held_out_documents_and_no_training_row_is_counted():
    evidence = planted_evidence(FEW, "good")
    held_out = set(evidence.document[evidence.held_out].tolist())
    told = [each for each in readings(evidence) if each.figure == ABSORBED]
    assert {each.part for each in told} <= held_out
    most = (evidence.held_out & evidence.concept("parent 0").has_it).sum()
    own = sum(each.bottom for each in told if each.unit == "parent 0")
    assert 0.8 * most < own <= most


def test_held_out_rows_decide_nothing():
    evidence = planted_evidence(FEW, "good")
    other = evidence.codes.toarray()
    other[np.flatnonzero(evidence.held_out)] = 0
    changed = replace(evidence, codes=sparse.csr_array(other))
    assert read(evidence)[SPLIT] == read(changed)[SPLIT]


def test_rows_that_no_probe_saw_are_counted():
    evidence = planted_evidence(FEW, "good")
    found = Absorption(train_rows=200).read(evidence, seed=0)
    (note,) = (each for each in found if isinstance(each, Gap))
    # Of two concepts, 100 rows with and 100 without each.
    unread = 2 * int(evidence.train.sum()) - 400
    assert note.reason.startswith(f"{unread:,} rows")


def test_a_concept_with_too_few_rows_is_a_gap_that_names_it():
    evidence = planted_evidence(FEW, "good")
    rare = replace(evidence.concept("label 0"), truth=(evidence.rows < 7).astype(np.int64))
    gaps = Absorption().read(replace(evidence, concepts=(rare,)), seed=0)
    assert [each.name for each in gaps] == [ABSORBED, SPLIT]
    assert all(isinstance(each, Gap) and each.of == {"concept": "label 0"} for each in gaps)


def test_without_a_concept_of_two_classes_there_are_gaps():
    evidence = planted_evidence(FEW, "good")
    several = replace(evidence, concepts=(evidence.concept("attribute 0"),))
    assert all(isinstance(each, Gap) for each in Absorption().read(several, seed=0))


def test_a_dictionary_without_any_atom_for_a_concept_is_a_gap():
    evidence = planted_evidence(FEW, "perfect")
    silent = replace(evidence, codes=evidence.codes * 0)
    gaps = Absorption(train_rows=10_000).read(silent, seed=0)
    assert all(isinstance(each, Gap) and "no atom" in each.reason for each in gaps)
