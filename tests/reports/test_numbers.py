import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.records import Result
from tacit.reports.numbers import column, coordinates, measured, number, share, tick


def result(value, interval, **others):
    settings = {"unit": "1", "better": "lower", "n": 3, **others}
    return Result(name="fvu", value=value, interval=interval, **settings)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (0.0683, "0.0683"),
        (12.0, "12.0"),
        (1234.5, "1,234"),
        (1234567, "1,234,567"),
        (-0.5, "−0.500"),
        (0.0, "0"),
        (1.23e-5, "1.23×10⁻⁵"),
        (-4.5e9, "−4.50×10⁹"),
        (math.nan, "not a number"),
        (-math.inf, "−∞"),
    ],
)
def test_number_keeps_three_digits_that_matter(value, text):
    assert number(value) == text


@settings(deadline=None)
@given(st.floats(min_value=1e-12, max_value=1e12))
def test_a_written_number_is_within_half_a_per_cent_of_the_value(value):
    text = number(value).replace(",", "").replace("−", "-")
    if "×10" in text:
        superscripts = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
        mantissa, power = text.split("×10")
        text = f"{mantissa}e{power.translate(superscripts)}"
    assert float(text) == pytest.approx(value, rel=5.001e-3)


def test_value_has_decimals_enough_to_tell_the_ends_of_its_interval_apart():
    said = measured(result(0.98712, (0.98683, 0.98741)))
    assert said.value == "0.98712"
    assert said.interval == "95 % interval 0.98683 to 0.98741"


@settings(deadline=None)
@given(st.floats(-1e3, 1e3), st.floats(1e-6, 10.0))
def test_ends_that_differ_are_written_differently(middle, half):
    said = measured(result(middle, (middle - half, middle + half)))
    low, high = said.interval.removeprefix("95 % interval ").split(" to ")
    assert low != high


def test_one_unit_has_no_interval_and_says_so():
    said = measured(result(0.5, None, n=1, unit="nats"))
    assert (said.interval, said.n, said.unit) == ("no interval", "n = 1", "nats")


def test_an_interval_of_no_width_is_written():
    assert measured(result(16.0, (16.0, 16.0))).interval == "95 % interval 16.0 to 16.0"


def test_tiny_results_are_written_with_a_power_of_ten():
    said = measured(result(2e-6, (1e-6, 3e-6)))
    assert said.value == "2.00×10⁻⁶"
    assert said.interval == "95 % interval 1.00×10⁻⁶ to 3.00×10⁻⁶"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([4.0, 8.0, 16.0], ["4", "8", "16"]),
        ([0.381, 0.0683, None], ["0.381", "0.068", ""]),
        ([8.0, 18.13, 70.5], ["8.0", "18.1", "70.5"]),
        ([1e-6, 1.0], ["1.00×10⁻⁶", "1.00"]),
        ([None, None], ["", ""]),
        ([], []),
    ],
)
def test_a_column_shares_its_decimals_where_that_serves_all(values, texts):
    assert column(values) == texts


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.0, "never"),
        (0.0205, "2.05 %"),
        (1.0, "100 %"),
        (1 / 120_345, "1 in 120,000"),
    ],
)
def test_share_is_per_cent_or_one_in_so_many(fraction, text):
    assert share(fraction) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (10.0, "10"),
        (0.0001, "0.0001"),
        (1e-5, "10⁻⁵"),
        (2e-5, "2×10⁻⁵"),
        (-2.0, "−2"),
        (50000, "50,000"),
    ],
)
def test_tick_is_as_short_as_it_can_be(value, text):
    assert tick(value) == text


def test_coordinates_read_as_words():
    assert coordinates({"method": "top-k", "k": 32}) == "method top-k, k 32"
