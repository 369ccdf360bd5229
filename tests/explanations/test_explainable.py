"""Counting which features can be explained agrees with asking for the exhibits of each."""

import pytest

from tacit.base.records import Gap
from tacit.explanations import explainable as counting
from tacit.explanations.exhibits import Protocol, exhibits_of
from tacit.explanations.explainable import explainable
from tacit.explanations.fragments import fragments_of
from tacit.features.index import open_index


@pytest.mark.parametrize("apart", ["documents", "fragments"])
@pytest.mark.parametrize("at_once", [50, 1 << 22])
def test_a_feature_is_counted_just_where_it_has_exhibits(
    tiny_run, monkeypatch, apart, at_once
):
    monkeypatch.setattr(counting, "FIRINGS_AT_ONCE", at_once)
    index = open_index(tiny_run / "index")
    fragments = fragments_of(index, tokens=16)
    protocol = Protocol(fragment_tokens=16, shown=3, scored=3, fewest=8, apart=apart)
    expected = [
        feature
        for feature in range(index.num_atoms)
        if not isinstance(
            exhibits_of(fragments, fragments.firings(index, feature), feature, protocol, 0),
            Gap,
        )
    ]
    assert 0 < len(expected) < index.num_atoms
    assert explainable(index, fragments, protocol) == expected
