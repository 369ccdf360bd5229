"""Counts are exact, the search finds what trying everything finds, and the error is honest."""

from itertools import combinations

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.explanations.conjunctions import (
    Search,
    Unsearched,
    best_by_length,
    bits_of,
    difference,
)
from tacit.explanations.literals import f1_of_sums, sums_by_document
from tacit.metrics.bootstrap import bootstrap_sums

NUM_LITERALS = 13


def literals(num_rows, purpose="literals", rate=0.4):
    return stream(0, f"tests/{purpose}").random((NUM_LITERALS, num_rows)) < rate


@pytest.mark.parametrize("num_rows", [1, 8, 63, 64, 65, 1_001])
@pytest.mark.parametrize("conjunction", [(), (3,), (0, 12), (1, 5, 9)])
def test_counts_are_those_of_plain_booleans(num_rows, conjunction):
    holds = literals(num_rows)
    bits = bits_of(list(holds))
    together = holds[list(conjunction)].all(axis=0)
    np.testing.assert_array_equal(bits.holds(conjunction), together)
    np.testing.assert_array_equal(
        bits.counts_with(conjunction), (holds & together).sum(axis=1)
    )
    some = np.flatnonzero(stream(1, "tests/some").random(num_rows) < 0.5)
    np.testing.assert_array_equal(
        bits.among(some).counts_with(conjunction), (holds & together)[:, some].sum(axis=1)
    )


def test_counts_do_not_depend_on_how_many_rows_are_turned_at_once(monkeypatch):
    holds = literals(1_001)
    whole = bits_of(list(holds)).columns
    monkeypatch.setattr("tacit.explanations.conjunctions._ROWS_AT_ONCE", 128)
    np.testing.assert_array_equal(bits_of(list(holds)).columns, whole)


def f1_of(said, active):
    return 2 * (said & active).sum() / (said.sum() + active.sum())


def test_a_wide_enough_beam_finds_what_trying_everything_finds():
    holds = literals(400)
    active = stream(2, "tests/active").random(400) < 0.2
    every = NUM_LITERALS * (NUM_LITERALS - 1) // 2
    found = best_by_length(
        bits_of(list(holds)),
        np.flatnonzero(active),
        np.arange(NUM_LITERALS),
        Search(width=every),
    )
    assert [len(each) for each in found] == [1, 2, 3]
    for conjunction, f1 in found.items():
        tried = [
            f1_of(holds[list(one)].all(axis=0), active)
            for one in combinations(range(NUM_LITERALS), len(conjunction))
        ]
        assert f1 == max(tried)
        assert f1 == f1_of(holds[list(conjunction)].all(axis=0), active)


def test_literals_of_one_place_never_stand_together():
    holds = literals(300)
    holds[7:13] = ~holds[0:6]
    place = np.array([*range(7), *range(6)])
    active = stream(2, "tests/active").random(300) < 0.3
    for conjunction in best_by_length(
        bits_of(list(holds)), np.flatnonzero(active), place, Search()
    ):
        assert len(set(place[list(conjunction)])) == len(conjunction)


def test_of_equal_conjunctions_the_plainest_wins():
    holds = literals(300)
    holds[9] = holds[4]
    found = best_by_length(
        bits_of(list(holds)), np.flatnonzero(holds[4]), np.arange(NUM_LITERALS), Search()
    )
    assert list(found)[0] == (4,)


def test_a_feature_that_nothing_meets_has_no_conjunction():
    holds = np.zeros((NUM_LITERALS, 50), dtype=bool)
    none = best_by_length(
        bits_of(list(holds)), np.arange(5), np.arange(NUM_LITERALS), Search()
    )
    assert none == {}


def test_the_difference_and_its_error_are_those_of_a_bootstrap_over_documents():
    rng = stream(3, "tests/difference")
    document = np.sort(rng.integers(0, 80, 8_000))
    active = rng.random(8_000) < 0.2 * rng.random(80)[document]
    first = (active & (rng.random(8_000) < 0.8)) | (rng.random(8_000) < 0.02)
    other = first & (rng.random(8_000) < 0.7)
    one, two = (sums_by_document(said, active, document) for said in (first, other))
    gain, error = difference(one, two)
    assert gain == pytest.approx(f1_of(first, active) - f1_of(other, active))
    drawn = []
    told = bootstrap_sums(
        np.concatenate([one, two], axis=1),
        lambda s: drawn.append(f1_of_sums(s[:, :3]) - f1_of_sums(s[:, 3:])) or drawn[-1],
        rng,
    )
    assert told.value == pytest.approx(gain)
    # 2,000 resamples know a standard deviation to 2 %; the rest is what linear parts leave out.
    assert error == pytest.approx(np.concatenate(drawn[1:]).std(), rel=0.1)


def test_a_literal_pays_only_beyond_the_least_gain_and_its_error():
    rng = stream(4, "tests/pays")
    holds = literals(4_000, "pays")
    document = np.arange(4_000) // 40
    active = holds[0] & holds[1]
    judge = Unsearched(bits=bits_of(list(holds)), document=document)
    assert judge.every_literal_pays((0, 1), active, Search())
    assert judge.every_literal_pays((0,), active, Search())
    assert not judge.every_literal_pays((0, 1, 2), active, Search())
    assert not judge.every_literal_pays((0, 1), active, Search(least_gain=0.9))
    assert not judge.every_literal_pays((0, 1), active, Search(standard_errors=1e3))
    noise = rng.random(4_000) < 0.1
    assert not any(
        judge.every_literal_pays((one,), noise, Search()) for one in range(NUM_LITERALS)
    )


@pytest.mark.parametrize("name", ["longest", "width", "smallest_count"])
def test_a_search_of_nothing_is_refused(name):
    with pytest.raises(UserError, match=f"{name} 0"):
        Search(**{name: 0})
