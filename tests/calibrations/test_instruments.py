"""Each instrument tells what is planted, and rarely what is not; its truth is the closed form."""

import numpy as np
import pytest

from tacit.base.seeds import stream
from tacit.calibrations.explaining import true_f1
from tacit.calibrations.instrument import ASPECTS
from tacit.calibrations.instruments import INSTRUMENTS
from tacit.calibrations.measuring import MeasureInstrument
from tacit.calibrations.run import calibrate
from tacit.calibrations.scoring import true_correlation
from tacit.evaluations.differences import difference_over
from tacit.evaluations.planted_evidence import planted_evidence
from tacit.evaluations.planted_world import PlantedWorld
from tacit.explanations.planted_rules import PlantedRule
from tacit.metrics.student import student_ratio

QUICK = {
    "fidelity": 20,
    "probe": 20,
    "agreement": 20,
    "leak": 800,
    "lexical": 20,
    "label": 80,
    "simulation": 20,
    "detection": 20,
    "fuzzing": 20,
}
"""A size at which what is planted is told nearly always."""


@pytest.mark.parametrize("name", sorted(QUICK))
def test_each_tells_what_is_planted_and_rarely_what_is_not(name):
    found = [INSTRUMENTS[name].trial(QUICK[name], seed) for seed in (0, 1)]
    assert found[0]
    for figure in zip(*found, strict=True):
        assert any(trial.detected for trial in figure), figure
        assert not all(trial.false_alarm for trial in figure), figure


def test_of_every_figure_each_aspect_is_told_or_its_lack_is(tmp_path):
    for row in calibrate(INSTRUMENTS["simulation"], tmp_path / "l", sizes=(5,), repeats=2):
        assert set(row.told) | set(row.lacks) == set(ASPECTS)
        assert not set(row.told) & set(row.lacks)


def test_measures_are_tried_under_their_own_names_by_figures_they_give():
    tried = [each for each in INSTRUMENTS.values() if isinstance(each, MeasureInstrument)]
    assert len(tried) >= 6
    for each in tried:
        assert each.name == each.measure.name
        assert set(each.figures) <= set(each.measure.figures)


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_every_instrument_says_what_it_is_and_where_it_was_tried(name):
    instrument = INSTRUMENTS[name]
    assert instrument.name == name
    assert instrument.about and instrument.world and instrument.unit
    assert list(instrument.sizes) == sorted(set(instrument.sizes))
    assert all(instrument.lacks.values())


def test_a_repetition_repeats_under_its_seed_and_changes_with_it():
    detection = INSTRUMENTS["detection"]
    assert detection.trial(20, 3) == detection.trial(20, 3)
    assert detection.trial(20, 3) != detection.trial(20, 6)


def test_processes_do_not_change_the_numbers(tmp_path):
    found = [
        calibrate(
            INSTRUMENTS["detection"],
            tmp_path / str(processes),
            sizes=(5,),
            repeats=4,
            processes=processes,
        )
        for processes in (1, 2)
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("after", [(), ("amber", "bread", "cloud")])
def test_the_true_correlation_is_that_of_many_tokens(after):
    rng = stream(0, "tests/true correlation")
    shape = (200_000, 12)
    holds = rng.random(shape) < 2 / 24
    if after:
        before = rng.random(shape) < len(after) / 24
        holds &= np.roll(before, 1, axis=1)
        holds[:, 0] = False
    active = holds * rng.uniform(0.5, 1.5, shape)
    said = np.where(rng.random(shape) < 0.1, rng.uniform(0, 10, shape), 10.0 * holds)
    rule = PlantedRule(words=("drum", "eagle"), after=after)
    found = np.corrcoef(active.ravel(), said.ravel())[0, 1]
    assert true_correlation(rule)["any"] == pytest.approx(found, abs=0.005)


def test_the_true_f1_is_that_of_much_text():
    (found,) = INSTRUMENTS["label"].trial(600, 0)
    assert found.detected
    assert not found.false_alarm
    assert found.value == pytest.approx(true_f1(), abs=0.02)


def test_a_difference_over_units_is_that_of_paired_means():
    rng = stream(0, "tests/differences")
    one, other = ({f"unit {i}": _sums(rng) for i in range(6)} for _ in range(2))
    found = difference_over(one, {**other, "alone": _sums(rng)})
    apart = [
        one[u][0].sum() / one[u][1].sum() - other[u][0].sum() / other[u][1].sum()
        for u in one
    ]
    assert found is not None
    assert found.value == pytest.approx(np.mean(apart))
    assert found.n == 6
    assert difference_over(one, {}) is None


def test_a_difference_from_nothing_is_the_ratio_with_its_own_interval():
    # Parts of like weight, for which the degrees of freedom are those of a mean.
    top, bottom = _sums(stream(1, "tests/differences"), 30)[0], np.full(30, 1.5)
    found = difference_over({"text": (top, bottom)}, {"text": (np.zeros(30), bottom)})
    alone = student_ratio(top, bottom)
    assert found is not None
    np.testing.assert_allclose(
        [found.value, found.low, found.high], [alone.value, alone.low, alone.high]
    )


def _sums(rng, num=5):
    return rng.normal(1, 0.2, num), rng.uniform(1, 2, num)


def test_a_text_speaks_of_some_of_the_population_the_same_at_every_length():
    world = PlantedWorld(population=4, num_labels=5)
    short, long = (world.rows(3, num).concepts for num in (4, 40))
    names = [each.name for each in short]
    assert names == [each.name for each in long]
    assert len({name for name in names if name.startswith("label")}) == 5
    assert names != [each.name for each in world.rows(4, 4).concepts]


def test_variants_of_a_quality_are_other_dictionaries_on_the_same_rows():
    world = PlantedWorld()
    one, other = (
        planted_evidence(world, "good", num_documents=8, variant=variant)
        for variant in (0, 1)
    )
    assert (one.activations == other.activations).all()
    assert (one.codes != other.codes).nnz
    assert (one.dictionary.atoms != other.dictionary.atoms).any()
