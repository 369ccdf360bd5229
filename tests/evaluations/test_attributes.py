"""Swapping an attribute's atoms changes that attribute alone, where the dictionary has it so."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit.base.records import Gap
from tacit.evaluations.attributes import Attributes
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.planted_evidence import QUALITIES, planted_evidence
from tacit.evaluations.planted_world import PlantedWorld
from tacit.evaluations.readings import Reading, figure_over, grouped


def figures(evidence: Evidence, measure: Attributes | None = None) -> dict[str, float]:
    readings = (measure or Attributes()).read(evidence, seed=0)
    found = {}
    for (name, _), units in grouped(r for r in readings if isinstance(r, Reading)).items():
        over = figure_over(units)
        assert over is not None
        found[name] = over.value
    return found


def only_attributes(evidence: Evidence) -> Evidence:
    kept = tuple(each for each in evidence.concepts if each.kind == "labels")
    return replace(evidence, concepts=kept)


def test_a_perfect_dictionary_changes_one_attribute_and_leaves_the_others():
    found = figures(planted_evidence(PlantedWorld(), "perfect"))
    # What is left is noise on rows, which the probes cannot tell from a weak value.
    assert found["attribute_cause"] > 0.94
    assert found["attribute_isolation"] > 0.98


def test_without_noise_a_perfect_swap_is_told_every_time():
    world = PlantedWorld(noise=0, num_background=0, num_labels=0, num_families=0)
    assert figures(planted_evidence(world, "perfect")) == pytest.approx(
        {"attribute_cause": 1, "attribute_isolation": 1, "disentanglement": 1}, abs=1e-3
    )


def test_atoms_that_hold_all_change_everything_and_isolate_nothing():
    evidence = only_attributes(planted_evidence(PlantedWorld(), "perfect"))
    # The axes themselves rebuild every row, so that all of it is swapped.
    width = evidence.activations.shape[1]
    atoms = torch.eye(width)
    whole = replace(
        evidence,
        dictionary=replace(
            evidence.dictionary, atoms=atoms, encoder=atoms, encoder_bias=torch.zeros(width)
        ),
        codes=type(evidence.codes)(evidence.activations.numpy()),
    )
    found = figures(whole, Attributes(atoms=(width,)))
    assert found["attribute_cause"] == 1
    assert found["attribute_isolation"] < 0.05
    assert found["disentanglement"] == pytest.approx(
        (found["attribute_cause"] + found["attribute_isolation"]) / 2
    )


def test_atoms_that_do_nothing_isolate_and_cause_nothing():
    evidence = planted_evidence(PlantedWorld(), "perfect")
    weak = replace(evidence.dictionary, scale=1e-6)
    found = figures(replace(evidence, dictionary=weak))
    assert found["attribute_cause"] == 0
    assert found["attribute_isolation"] == 1


@pytest.mark.parametrize("seed", range(3))
def test_better_dictionaries_score_more(seed):
    scores = [
        figures(planted_evidence(PlantedWorld(seed=seed), quality)) for quality in QUALITIES
    ]
    for figure in ("disentanglement", "attribute_cause"):
        values = [each[figure] for each in scores]
        assert values == sorted(values, reverse=True), figure


def test_nothing_is_chosen_on_held_out_rows():
    evidence = planted_evidence(PlantedWorld(), "good")
    readings = Attributes().read(evidence, seed=0)
    held_out = set(evidence.document[evidence.held_out].tolist())
    assert {each.part for each in readings if isinstance(each, Reading)} <= held_out
    # Held-out codes of another dictionary do not change which atoms are swapped.
    changed = evidence.codes.tolil()
    changed[evidence.held_out] = 0
    silent = replace(evidence, codes=changed.tocsr())
    assert figures(silent)["attribute_isolation"] == 1


def test_labels_are_the_attributes_where_there_are_no_others():
    evidence = planted_evidence(PlantedWorld(), "perfect")
    labels = tuple(each for each in evidence.concepts if each.kind == "label")
    readings = Attributes(most=3).read(replace(evidence, concepts=labels), seed=0)
    units = {each.unit for each in readings if isinstance(each, Reading)}
    assert len(units) == 3 and units <= {each.name for each in labels}
    assert {each.of["attributes_left_out"] for each in readings} == {len(labels) - 3}


def test_a_single_attribute_cannot_be_told_from_another():
    evidence = planted_evidence(PlantedWorld(), "perfect")
    alone = replace(evidence, concepts=evidence.concepts[:1])
    gaps = Attributes().read(alone, seed=0)
    assert [each.name for each in gaps] == list(Attributes.figures)
    assert all(isinstance(each, Gap) and "two are needed" in each.reason for each in gaps)


def test_an_attribute_with_too_few_rows_is_named():
    evidence = planted_evidence(PlantedWorld(), "perfect")
    rare = np.zeros(evidence.num_rows, dtype=np.int64)
    rare[:3] = 1
    labels = [each for each in evidence.concepts if each.kind == "label"]
    concepts = (replace(labels[0], name="rare", truth=rare), *labels[1:4])
    readings = Attributes().read(replace(evidence, concepts=concepts), seed=0)
    gaps = [each for each in readings if isinstance(each, Gap)]
    assert {each.of["concept"] for each in gaps} == {"rare"}
