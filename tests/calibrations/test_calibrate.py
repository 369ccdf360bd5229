"""Repetitions add up to the rates that were put in, each is kept, and none is done twice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.base.records import Gap, Result
from tacit.base.seeds import stream
from tacit.calibrations.calibration_row import plain, read_row
from tacit.calibrations.instrument import ASPECTS, Instrument, Trial
from tacit.calibrations.known import known, nearest, write_known
from tacit.calibrations.run import calibrate
from tacit.metrics.student import student_mean

BIAS = 0.25
DONE: list[tuple[int, int]] = []


@dataclass(frozen=True, kw_only=True)
class MeanOfNormals(Instrument):
    """Student's interval of a mean: detects a mean of 1, alarms at one of 0, shifted by a bias."""

    kind: ClassVar = "measure"
    unit: ClassVar = "draws"

    name: str = "mean"
    about: str = "whether a mean is above 0"
    world: str = "normal draws"
    sizes: tuple[int, ...] = (10, 40)
    lacks: Mapping = field(
        default_factory=lambda: {"ranked_rightly": "there is one sample"}
    )
    bias: float = 0.0
    knows: bool = True

    def trial(self, size, seed):
        DONE.append((size, seed))
        rng = stream(seed, f"tests/mean/{size}")
        own, null = (
            student_mean(1 + rng.normal(size=size)),
            student_mean(rng.normal(size=size)),
        )
        return [
            Trial(
                figure="f1",
                detected=own.low > 0,
                false_alarm=null.low > 0 or null.high < 0,
                value=own.value + self.bias,
                low=own.low + self.bias,
                high=own.high + self.bias,
                truth=1.0 if self.knows else None,
            )
        ]


@dataclass(frozen=True, kw_only=True)
class TruthAtLarge(MeanOfNormals):
    """The same, its true value taken at a large size."""

    large: ClassVar = 1_000

    def truths(self, seed):
        return {("f1", ""): 1.0}


def test_the_rates_are_those_of_students_interval(tmp_path):
    small, large = calibrate(MeanOfNormals(), tmp_path / "ledger", repeats=400)
    assert (small.size, large.size) == (10, 40)
    assert small.told["power"].value == pytest.approx(
        0.81, abs=0.06
    )  # of a two-sided t test
    assert large.told["power"].value == 1
    for row in (small, large):
        for aspect, true in (("interval_coverage", 0.95), ("false_alarm_rate", 0.05)):
            told = row.told[aspect]
            assert told.low <= true <= told.high, (row.size, aspect)
            assert told.n == 400
        assert abs(row.told["calibration_bias"].value) < 0.05
        assert row.lacks == {"ranked_rightly": "there is one sample"}
        assert row.unmeasured == 0


def test_a_biased_figure_is_told_by_its_bias_and_its_coverage(tmp_path):
    (row,) = calibrate(
        MeanOfNormals(bias=BIAS), tmp_path / "ledger", sizes=(40,), repeats=200
    )
    bias = row.told["calibration_bias"]
    assert bias.low < BIAS < bias.high
    assert row.told["interval_coverage"].value < 0.85


def test_where_the_truth_is_taken_at_a_large_size_coverage_is_of_the_mean(tmp_path):
    shifted = TruthAtLarge(bias=BIAS, knows=False)
    (row,) = calibrate(shifted, tmp_path / "ledger", sizes=(40,), repeats=200)
    assert row.told["interval_coverage"].low <= 0.95 <= row.told["interval_coverage"].high
    bias = row.told["calibration_bias"]
    assert bias.n == 20
    assert bias.low < BIAS < bias.high


def test_what_is_in_the_ledger_is_not_done_again(tmp_path):
    DONE.clear()
    first = calibrate(MeanOfNormals(), tmp_path / "ledger", repeats=5)
    assert len(DONE) == 10
    assert calibrate(MeanOfNormals(), tmp_path / "ledger", repeats=5) == first
    assert len(DONE) == 10
    calibrate(MeanOfNormals(), tmp_path / "ledger", repeats=8)
    assert DONE[10:] == [(10, 5), (10, 6), (10, 7), (40, 5), (40, 6), (40, 7)]


def test_a_killed_calibration_goes_on_behind_its_last_whole_line(tmp_path):
    whole = calibrate(MeanOfNormals(), tmp_path / "whole", repeats=5)
    cut = tmp_path / "cut"
    cut.write_bytes((tmp_path / "whole").read_bytes()[:-40])
    DONE.clear()
    assert calibrate(MeanOfNormals(), cut, repeats=5) == whole
    assert DONE == [(40, 4)]


class Silent(MeanOfNormals):
    """Gives no figure of odd seeds."""

    def trial(self, size, seed):
        return [] if seed % 2 else super().trial(size, seed)


def test_a_repetition_without_a_figure_tells_nothing_and_is_counted(tmp_path):
    (row,) = calibrate(Silent(), tmp_path / "ledger", sizes=(40,), repeats=10)
    assert row.unmeasured == 5
    assert (row.told["power"].value, row.told["power"].n) == (0.5, 10)
    assert row.told["interval_coverage"].n == 5


def test_rows_become_results_and_gaps_and_come_back_from_json(tmp_path):
    (row,) = calibrate(MeanOfNormals(), tmp_path / "ledger", sizes=(10,), repeats=5)
    assert read_row(plain(row)) == row
    records = row.records()
    assert [each.name for each in records] == list(ASPECTS)
    assert isinstance(records[0], Result)
    assert records[0].of["size"] == 10
    assert isinstance(records[-1], Gap)
    assert records[-1].reason == "there is one sample"


@pytest.mark.parametrize("wrong", [{"repeats": 1}, {"sizes": (0,)}, {"processes": 0}])
def test_sizes_and_repeats_that_are_none_are_refused(tmp_path, wrong):
    with pytest.raises(UserError, match="give sizes and processes of 1 or more"):
        calibrate(MeanOfNormals(), tmp_path / "ledger", **wrong)


def test_the_nearest_size_is_by_ratio(tmp_path):
    rows = calibrate(MeanOfNormals(), tmp_path / "ledger", sizes=(20, 50, 200), repeats=2)
    asked = (1, 30, 33, 101, 9_999)
    assert [row.size for size in asked for row in nearest(rows, size)] == [
        20, 20, 50, 200, 200,
    ]  # fmt: skip
    assert [row.size for row in nearest(rows, None)] == [200]
    assert nearest([], 5) == ()


def test_rows_that_are_written_replace_those_of_their_instrument_alone(tmp_path):
    path = tmp_path / "known.json"
    for name, repeats in (("one", 5), ("other", 5), ("one", 6)):
        ledger = tmp_path / f"{name}-{repeats}"
        rows = calibrate(MeanOfNormals(name=name), ledger, sizes=(10,), repeats=repeats)
        write_known(rows, path)
    import json

    kept = [(each["instrument"], each["repeats"]) for each in json.loads(path.read_text())]
    assert kept == [("one", 6), ("other", 5)]


def test_nothing_is_known_of_what_is_no_instrument():
    assert known("no such instrument") == ()


def test_covered_counts_ends_as_inside():
    from tacit.metrics.calibrating import covered

    low, high = np.array([0.0, 1.0, 2.0, 0.0]), np.array([1.0, 2.0, 3.0, 0.5])
    assert covered(low, high, np.ones(4)).value == 0.5
    with pytest.raises(UserError, match="no intervals"):
        covered(low[:0], high[:0], low[:0])
