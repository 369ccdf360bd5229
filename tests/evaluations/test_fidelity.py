"""Fidelity and stability of a dictionary from rows alone."""

import numpy as np
import pytest
import torch

from tacit.base.records import Gap
from tacit.dictionaries import METHODS, RowBlocks, fit
from tacit.evaluations.evidence import Evidence, codes_of
from tacit.evaluations.fidelity import Fidelity
from tacit.evaluations.gathering import baselines_of
from tacit.evaluations.planted_evidence import planted_evidence
from tacit.evaluations.planted_world import PlantedWorld
from tacit.evaluations.readings import figure_over, grouped
from tacit.evaluations.stability import Stability, method_of
from tacit.metrics.fidelity import fraction_variance_unexplained

WORLD = PlantedWorld(num_background=16)


def figures(readings, **of):
    return {
        name: figure_over(units).value
        for (name, own), units in grouped(
            r for r in readings if not isinstance(r, Gap)
        ).items()
        if of.items() <= dict(own).items()
    }


def evidence_of(method, seed=0, steps=120):
    rows = planted_evidence(WORLD, "perfect", num_documents=60)
    blocks = RowBlocks(rows={"rows": rows.activations}, block_rows=512, seed=0)
    (made,) = fit([method], blocks, [seed], steps=steps)
    return Evidence(
        basis="dictionary",
        dictionary=made.dictionary,
        activations=rows.activations,
        codes=codes_of(made.dictionary, rows.activations),
        document=rows.document,
        held_out=rows.held_out,
        concepts=rows.concepts,
        rows=rows.rows,
    )


@pytest.fixture(scope="module")
def evidence():
    return evidence_of(METHODS["top-k"](num_atoms=96, k=8, learning_rate=0.01))


def test_fvu_and_l0_are_those_of_all_held_out_rows(evidence):
    found = figures(Fidelity().read(evidence, seed=0))
    rows = evidence.activations[torch.from_numpy(evidence.held_out)]
    code = evidence.dictionary.encode(rows)
    expected = fraction_variance_unexplained(rows, evidence.dictionary.decode(code))
    assert found["fvu"] == pytest.approx(float(expected), rel=1e-6)
    assert found["l0"] == pytest.approx(float(code.l0().double().mean()))
    silent = np.setdiff1d(np.arange(96), code.indices[code.values != 0].numpy())
    assert found["dead_share"] == pytest.approx(len(silent) / 96)


def test_codes_are_the_dictionary_s_own(evidence):
    dense = evidence.dictionary.encode(evidence.activations).dense().numpy()
    np.testing.assert_array_equal(evidence.codes.toarray(), dense)
    part = evidence.part_of([3, 7], np.arange(5)).numpy()
    atoms = evidence.dictionary.atoms[[3, 7]].numpy() * evidence.dictionary.scale
    np.testing.assert_allclose(part, dense[:5, [3, 7]] @ atoms, rtol=1e-4, atol=1e-6)


def test_baselines_stand_at_the_same_sparsity(evidence):
    pca, random, axes = baselines_of(evidence, ("pca", "random", "neuron basis"), 0)
    assert pca.codes.nnz == pytest.approx(evidence.codes.nnz, rel=0.1)
    assert random.num_atoms == evidence.num_atoms
    assert axes.num_atoms == WORLD.width
    fvu = [figures(Fidelity().read(each, seed=0))["fvu"] for each in (evidence, random)]
    assert fvu[0] < fvu[1]


def test_principal_components_are_nearly_the_same_at_every_seed_and_on_half_of_the_text():
    measure = Stability(seeds=1, halves=1, steps=20)
    found = measure.read(evidence_of(METHODS["pca"]()), seed=0)
    floor = figures(found, twin="random")["shared_cosine"]
    seed, text = (figures(found, twin=twin) for twin in ("seed", "text"))
    assert seed["shared_cosine"] > floor + 0.2
    assert text["shared_cosine"] > floor
    assert seed["matched_correlation"] > 0.85


def test_random_directions_share_what_random_directions_share():
    drawn = METHODS["random"](num_atoms=96, k=8)
    found = Stability(seeds=2, halves=0, steps=2).read(evidence_of(drawn), seed=0)
    floor = figures(found, twin="random")["shared_cosine"]
    assert figures(found, twin="seed")["shared_cosine"] == pytest.approx(floor, abs=0.02)


def test_every_method_s_settings_come_back_from_its_dictionary(evidence):
    assert method_of(evidence.dictionary) == METHODS["top-k"](
        num_atoms=96, k=8, learning_rate=0.01
    )


def test_a_dictionary_made_elsewhere_needs_twins_by_name():
    found = Stability().read(planted_evidence(WORLD, "perfect"), seed=0)
    assert {each.name for each in found if isinstance(each, Gap)} == set(Stability.figures)
    assert "extra.stability.folders" in found[0].reason
