"""Records survive the trip to disk; what is missing is never a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.base.records import Claim, Gap, Result, read_records, write_records

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(value=finite, low=finite, n=st.integers(1, 10**6), k=st.integers(1, 64))
def test_records_come_back_as_they_were(tmp_path_factory, value, low, n, k):
    path = tmp_path_factory.mktemp("records") / "results.json"
    result = Result(
        name="fvu",
        value=value,
        unit="1",
        better="lower",
        n=n,
        interval=(low, value),
        of={"k": k},
    )
    gap = Gap(name="loss_recovered", reason="no head", of={"site": "resid.2"})
    claim = Claim(
        published="p",
        source="s",
        rule="r",
        measured=gap,
        judgement="not testable at this scale",
    )
    write_records(path, [result, gap, claim])
    assert read_records(path) == [result, gap, claim]


def test_a_result_that_is_not_finite_cannot_be_made():
    with pytest.raises(AssertionError, match="file a Gap"):
        Result(name="fvu", value=float("nan"), unit="1", better="lower", n=1, interval=None)


def test_a_foreign_results_file_is_named(tmp_path):
    (tmp_path / "results.json").write_text('[{"kind": "result", "colour": 3}]')
    with pytest.raises(UserError, match=r"results\.json is not a results file"):
        read_records(tmp_path / "results.json")
