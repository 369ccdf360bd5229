"""Readings add up to figures, whose intervals hold the truth as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.base.records import Gap, Result
from tacit.base.seeds import stream
from tacit.evaluations.readings import (
    Reading,
    read_readings,
    records_of,
    write_readings,
)
from tacit.metrics.student import student_mean, student_ratio


def reading(unit, top, bottom=1.0, part=None, **of):
    return Reading(figure="fvu", unit=unit, top=top, bottom=bottom, part=part, of=of)


def test_a_figure_is_the_mean_of_its_units_whatever_their_parts():
    parts = [reading("one", 1.0, 4.0, part=0), reading("one", 2.0, 2.0, part=1)]
    (found,) = records_of([*parts, reading("two", 0.9)], {"method": "by hand"})
    assert isinstance(found, Result)
    assert (found.value, found.n) == (pytest.approx((0.5 + 0.9) / 2), 2)
    assert found.of == {"method": "by hand"}


def test_a_single_unit_has_its_interval_over_parts():
    parts = [reading("text", top, 10.0, part=n) for n, top in enumerate((4, 5, 6, 5))]
    (found,) = records_of(parts, {})
    assert (found.value, found.n) == (0.5, 4)
    assert found.interval is not None and found.interval[0] < 0.5 < found.interval[1]


def test_coordinates_keep_figures_apart():
    found = records_of([reading("one", 0.1, k=1), reading("one", 0.2, k=2)], {"seed": 0})
    assert [record.of for record in found] == [{"seed": 0, "k": 1}, {"seed": 0, "k": 2}]


def test_units_with_nothing_to_divide_by_are_counted_and_all_of_them_a_gap():
    some = [reading("one", 0.5), reading("two", 0.7), reading("three", 0.0, 0.0)]
    (found,) = records_of(some, {})
    assert (found.n, found.of) == (2, {"units_left_out": 1})
    (gap,) = records_of([reading("three", 0.0, 0.0)], {})
    assert isinstance(gap, Gap)


def test_what_is_not_finite_is_refused():
    with pytest.raises(UserError, match="what has no value is a gap"):
        records_of([reading("one", float("nan"))], {})


def test_readings_come_back_from_their_file(tmp_path):
    kept = [reading("one", 1.0, 2.0, part="7", k=1), reading("two", 0.5, basis="pca")]
    write_readings(tmp_path / "readings.parquet", kept)
    assert read_readings(tmp_path / "readings.parquet") == kept
    (tmp_path / "other").write_text("no Parquet")
    with pytest.raises(UserError, match="measure again"):
        read_readings(tmp_path / "other")


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=30), st.floats(0.1, 10))
def test_an_interval_scales_with_what_is_measured(values, factor):
    one = student_mean(np.array(values))
    other = student_mean(factor * np.array(values))
    assert other.value == pytest.approx(factor * one.value, abs=1e-9)
    if one.ends is not None and other.ends is not None:
        assert other.ends == pytest.approx([factor * end for end in one.ends], abs=1e-9)


@pytest.mark.parametrize("n", [4, 10, 40])
def test_the_mean_of_normals_lies_in_nineteen_of_twenty_intervals(n):
    drawn = stream(0, f"tests/student/{n}").standard_normal((2_000, n))
    held = [each.low <= 0 <= each.high for each in map(student_mean, drawn)]
    assert 0.94 <= np.mean(held) <= 0.96  # 0.95 give or take two standard errors of 0.005


@pytest.mark.parametrize("n", [10, 40])
def test_a_ratio_of_skewed_sums_is_held_nearly_as_often(n):
    rng = stream(0, f"tests/student ratio/{n}")
    held = []
    for _ in range(2_000):
        bottom = rng.lognormal(0, 0.7, n)
        found = student_ratio(bottom * rng.gamma(4, 0.1, n), bottom)
        held.append(found.low <= 0.4 <= found.high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_units_that_are_all_alike_have_no_interval():
    found = student_mean(np.ones(5))
    assert found.ends is None and found.reason == "all units are alike"
    assert student_mean(np.ones(1)).ends is None
