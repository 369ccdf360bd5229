"""Sparse probes score what is known in closed form, and rank planted dictionaries rightly."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import balanced_accuracy_score

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.linear_probes import fit_probe
from tacit.evaluations.planted_evidence import QUALITIES, planted_evidence
from tacit.evaluations.planted_world import PlantedWorld
from tacit.evaluations.probing import SparseProbing, telling_atoms
from tacit.evaluations.readings import Reading, figure_over, grouped, value_of
from tacit.metrics.intervals import Interval

WORLD = PlantedWorld(num_labels=4, num_families=2, num_attributes=1, num_background=24)


def read(evidence: Evidence, **settings) -> list[Reading | Gap]:
    return list(SparseProbing(**settings).read(evidence, seed=0))


def values(found, k: int | None) -> dict[str, float | None]:
    """Value of each concept at a k; None: on whole activations."""
    readings = [each for each in found if isinstance(each, Reading)]
    for (_, of), units in grouped(readings).items():
        if dict(of).get("probe_k") == k:
            return {unit: value_of(sums) for unit, sums in units.items()}
    return {}


def figure(found, k: int) -> Interval:
    readings = [each for each in found if isinstance(each, Reading)]
    own = next(
        u for (_, of), u in grouped(readings).items() if dict(of).get("probe_k") == k
    )
    over = figure_over(own)
    assert over is not None
    return over


def with_document_concept(evidence: Evidence, truth) -> Evidence:
    own = Concept(name="kind", classes=("a", "b"), truth=truth, kind="document")
    return replace(evidence, concepts=(own,))


def test_an_atom_for_each_concept_tells_it_exactly():
    found = read(planted_evidence(WORLD, "perfect"))
    for k in (1, 2, 5, 20):
        for concept, value in values(found, k).items():
            # One atom tells one of four values, and for all others one guess: 2 of 4 recalls
            # are 1. Two atoms tell two values: 3 of 4.
            exact = {1: 0.5, 2: 0.75}.get(k, 1.0) if "attribute" in concept else 1.0
            assert value == pytest.approx(exact), (k, concept)


def test_a_good_dictionary_is_told_by_what_its_atoms_miss():
    found = values(read(planted_evidence(WORLD, "good"), ks=(1,)), 1)
    # A fifth of the firings are missing; what fires falsely is weaker than what is true.
    labels = [value for name, value in found.items() if "attribute" not in name]
    assert np.mean(np.array(labels)) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_perfect_is_ranked_above_good_and_good_above_random(seed):
    world = replace(WORLD, seed=seed)
    best, middle, worst = (read(planted_evidence(world, each)) for each in QUALITIES)
    for k in (1, 2, 5, 20):
        assert figure(best, k).value > figure(middle, k).value > figure(worst, k).value


def test_what_is_no_concept_of_the_rows_is_told_at_chance():
    evidence = planted_evidence(WORLD, "perfect")
    rng = np.random.default_rng(0)
    coins = tuple(
        Concept(
            name=f"coin {number}",
            classes=("no", "yes"),
            truth=rng.integers(0, 2, evidence.num_rows),
            kind="label",
        )
        for number in range(8)
    )
    found = read(replace(evidence, concepts=coins))
    for k in (1, 20):
        assert figure(found, k).value == pytest.approx(0.5, abs=0.03)


def test_nothing_of_held_out_rows_is_used_to_choose_or_to_fit():
    evidence = planted_evidence(WORLD, "good")
    # Held-out truth turned round turns every answer about two classes from right to wrong.
    turned = tuple(
        replace(each, truth=np.where(evidence.held_out, 1 - each.truth, each.truth))
        for each in evidence.concepts
        if each.is_binary
    )
    own = values(read(evidence, held_out_rows=100_000), 2)
    other = values(read(replace(evidence, concepts=turned), held_out_rows=100_000), 2)
    for name, value in other.items():
        assert value == pytest.approx(1 - (own[name] or 0))


def test_the_dense_probe_is_the_linear_probe_of_whole_activations():
    evidence = planted_evidence(WORLD, "random")
    found = read(evidence, train_rows=100_000, held_out_rows=100_000)
    concept = evidence.concepts[0]
    rows = evidence.activations.numpy()
    probe = fit_probe(rows[evidence.train], concept.truth[evidence.train])
    expected = balanced_accuracy_score(
        concept.truth[evidence.held_out], probe.told(rows[evidence.held_out])
    )
    assert values(found, None)[concept.name] == pytest.approx(expected, abs=1e-3)
    baseline = read(replace(evidence, basis="pca"))
    assert values(baseline, None) == {}


def test_parts_are_the_held_out_documents_and_add_up_to_one():
    evidence = planted_evidence(WORLD, "good")
    own = [each for each in read(evidence, ks=(1,)) if isinstance(each, Reading)]
    parts = {each.part for each in own}
    assert parts == set(evidence.document[evidence.held_out].tolist())
    for units in grouped(own).values():
        for _, bottom in units.values():
            assert bottom.sum() == pytest.approx(1)


def test_one_concept_has_its_interval_over_documents():
    evidence = planted_evidence(WORLD, "good")
    over = figure(read(replace(evidence, concepts=evidence.concepts[:1])), 1)
    assert over.n == 25
    assert over.ends is not None


def test_a_concept_of_documents_is_judged_document_by_document():
    evidence = planted_evidence(WORLD, "perfect", num_documents=200)
    codes = evidence.of([WORLD.places["label 0"]])[:, 0]
    often = np.bincount(evidence.document, codes)
    low, high = np.quantile(often, [1 / 3, 2 / 3])
    much = np.where(often > high, 1, np.where(often < low, 0, UNKNOWN))
    found = read(with_document_concept(evidence, much[evidence.document]), ks=(1,))
    assert values(found, 1) == {"kind": pytest.approx(1)}
    assert {each.part for each in found if isinstance(each, Reading)} == {
        number for number in range(0, 200, 4) if much[number] != UNKNOWN
    }


def test_atoms_are_ordered_by_difference_over_spread():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, UNKNOWN], 50)
    codes = rng.random((150, 6)) * (rng.random((150, 6)) < 0.7)
    codes[:50] *= rng.uniform(0, 1, 6)
    codes[:, 3] = 0
    no, yes = codes[:50], codes[50:100]
    within = (no.var(axis=0) + yes.var(axis=0)) / 2
    size = np.abs(yes.mean(axis=0) - no.mean(axis=0)) / np.sqrt(np.maximum(within, 1e-12))
    order = telling_atoms(sparse.csr_array(codes), truth)
    assert order.tolist() == np.argsort(-size).tolist()
    assert order[-1] == 3


def test_what_cannot_be_measured_is_told_and_the_rest_is_measured():
    evidence = planted_evidence(WORLD, "perfect")
    rare = Concept(
        name="rare",
        classes=("no", "yes"),
        truth=(np.arange(evidence.num_rows) < 3).astype(np.int64),
        kind="label",
    )
    found = read(replace(evidence, concepts=(rare, *evidence.concepts)), ks=(1, 10_000))
    told = {each.reason for each in found if isinstance(each, Gap)}
    assert any("rare: it is constant" in reason or "'yes' has" in reason for reason in told)
    assert any("fewer than 10000" in reason for reason in told)
    assert set(values(found, 1)) == {each.name for each in evidence.concepts}


def test_rows_that_are_not_read_are_counted():
    evidence = planted_evidence(WORLD, "perfect")
    few = read(evidence, train_rows=200, held_out_rows=100)
    (told,) = [each for each in few if isinstance(each, Gap)]
    read_rows = sum(
        min(int((concept.truth[side] == number).sum()), most // len(concept.classes))
        for concept in evidence.concepts
        for side, most in ((evidence.train, 200), (evidence.held_out, 100))
        for number in range(len(concept.classes))
    )
    left = len(evidence.concepts) * evidence.num_rows - read_rows
    assert told.reason.startswith(f"{left:,} rows")
    assert not any(
        isinstance(each, Gap)
        for each in read(evidence, train_rows=100_000, held_out_rows=100_000)
    )


@pytest.mark.parametrize("settings", [{"ks": ()}, {"ks": (0, 1)}, {"train_rows": 0}])
def test_settings_that_cannot_be_are_refused(settings):
    with pytest.raises(UserError, match="were asked for; give ks of 1 or more"):
        SparseProbing(**settings)


def test_the_same_seed_reads_the_same_and_another_reads_other_rows():
    evidence = planted_evidence(WORLD, "good")
    measure = SparseProbing(train_rows=100, held_out_rows=100, ks=(1,))
    first, again, other = (measure.read(evidence, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
