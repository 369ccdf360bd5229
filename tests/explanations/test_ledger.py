"""Records are on the disk when they are made; a kill costs at most the one being written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.base.errors import UserError
from tacit.explanations.ledger import Ledger

PLAIN = st.dictionaries(st.text(max_size=5).filter(lambda k: k != "key"), st.integers())


@given(st.lists(st.tuples(st.text(max_size=4), PLAIN), max_size=6))
def test_what_was_written_is_read_again_and_the_last_of_a_key_counts(
    tmp_path_factory, written
):
    path = tmp_path_factory.mktemp("ledger") / "deep" / "records.jsonl"
    ledger = Ledger(path)
    for key, record in written:
        ledger.append(key, record)
    assert Ledger(path).records == ledger.records == dict(written)


@given(cut=st.integers(1, 20))
def test_a_line_that_was_cut_short_is_dropped_and_can_be_written_again(
    tmp_path_factory, cut
):
    path = tmp_path_factory.mktemp("ledger") / "records.jsonl"
    ledger = Ledger(path)
    ledger.append("a", {"text": "whole"})
    ledger.append("b", {"text": "é" * 8})
    path.write_bytes(path.read_bytes()[:-cut])
    again = Ledger(path)
    assert again.num_torn == 1
    assert list(again.records) == ["a"]
    again.append("b", {"text": "again"})
    assert Ledger(path).records == {"a": {"text": "whole"}, "b": {"text": "again"}}
    assert Ledger(path).num_torn == 0


def test_a_line_that_is_no_record_is_named(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text('{"key": "a"}\nnonsense\n')
    with pytest.raises(UserError, match="line 2 of"):
        Ledger(path)
