"""Fragments and exhibits of an index over the tiny store, against its dense codes."""

import numpy as np
import pytest
from tests.features.conftest import SITE, sparse_dictionary

from tacit.activations.contexts import PADDING
from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.explanations.exhibits import Protocol, exhibits_of
from tacit.explanations.fragments import fragments_of
from tacit.features.build import build_index

SMALL = Protocol(fragment_tokens=8, shown=2, scored=2, learned=6, fewest=8)


@pytest.fixture(scope="module")
def dense(tiny_store):
    """The value of every feature at every row, 0 where a row is not usable."""
    dictionary = sparse_dictionary(tiny_store)
    out = np.zeros((tiny_store.num_tokens, dictionary.num_atoms), dtype=np.float32)
    rows = np.flatnonzero(tiny_store.usable(SITE))
    out[rows] = dictionary.encode(tiny_store.vectors(SITE, rows)).dense().numpy()
    return out


@pytest.fixture(scope="module")
def index(tmp_path_factory, tiny_store):
    folder = tmp_path_factory.mktemp("fragments") / "index"
    return build_index(sparse_dictionary(tiny_store), tiny_store, folder)


@pytest.fixture(scope="module")
def fragments(index):
    return fragments_of(index, tokens=8, shortest=4)


def test_every_token_that_is_not_special_is_in_one_fragment_or_counted(index, tiny_store):
    fragments = fragments_of(index, tokens=5, shortest=5)
    rows = fragments.rows[fragments.rows >= 0]
    assert len(set(rows.tolist())) == len(rows)
    assert len(rows) + fragments.num_left_out == (~tiny_store.column("special")).sum()
    assert fragments.num_left_out > 0


def test_a_fragment_is_a_run_of_one_window_of_one_document(fragments, tiny_store):
    for rows, ids, held in zip(
        fragments.rows, fragments.ids, fragments.held_out, strict=True
    ):
        own = rows[rows >= 0]
        assert 4 <= len(own) <= 8
        assert (np.diff(own) == 1).all()
        assert len(np.unique(tiny_store.column("context")[own])) == 1
        assert (tiny_store.column("held_out")[own] == held).all()
        assert (ids[: len(own)] == tiny_store.column("token")[own]).all()
        assert (ids[len(own) :] == PADDING).all()


def test_firings_by_fragment_are_the_dense_codes(fragments, index, dense):
    for feature in (0, 7, 21):
        fired = fragments.firings(index, feature)
        own = dense[:, feature]
        truth = np.where(fragments.rows >= 0, own[fragments.rows], 0)
        every = np.arange(len(fragments))
        np.testing.assert_allclose(fired.values(every, 8), truth, rtol=1e-5)
        active = np.flatnonzero(truth.max(axis=1) > 0)
        assert fired.active.tolist() == active.tolist()
        np.testing.assert_allclose(fired.largest, truth[active].max(axis=1), rtol=1e-5)
        np.testing.assert_allclose(fired.total, truth[active].sum(axis=1), rtol=1e-5)


def test_activations_below_zero_are_left_out_and_counted(fragments):
    rows = fragments.rows[0, :3]
    fired = fragments.placed(rows, np.array([0.5, -2.0, 1.0], dtype=np.float32))
    assert fired.num_below_zero == 1
    assert fired.values(np.array([0]), 8)[0, :3].tolist() == [0.5, 0, 1]


@pytest.mark.parametrize("apart", ["documents", "fragments"])
def test_what_is_scored_is_never_seen_by_an_explainer(fragments, index, apart):
    protocol = Protocol(
        fragment_tokens=8, shown=2, scored=2, learned=6, fewest=8, apart=apart
    )
    made = exhibits_of(fragments, fragments.firings(index, 0), 0, protocol, seed=3)
    assert not isinstance(made, Gap)
    seen = {each.fragment for each in made.learned}
    assert not seen & {each.fragment for each in made.scored}
    assert [each.kind for each in made.shown] == ["top", "top"]
    assert {each.kind for each in made.learned} == {"top", "random", "silent"}
    assert {each.kind for each in made.scored} == {"top", "random", "silent", "any"}
    if apart == "documents":
        held = fragments.held_out
        assert all(held[each.fragment] for each in made.scored)
        assert not any(held[number] for number in seen)


def test_kinds_are_what_they_say(fragments, index):
    fired = fragments.firings(index, 0)
    made = exhibits_of(fragments, fired, 0, SMALL, seed=3)
    assert not isinstance(made, Gap)
    for each in (*made.learned, *made.scored):
        if each.kind != "any":
            assert (each.values.max() > 0) == (each.kind != "silent")
    peaks = [each.values.max() for each in made.of("top")]
    others = fired.values(np.flatnonzero(fragments.held_out), 8).max(axis=1)
    assert peaks == sorted(others, reverse=True)[: len(peaks)]
    assert made.largest == max(each.values.max() for each in made.learned)
    assert max(made.shown[0].scaled(made.largest)) == 10


def test_the_strongest_fragment_depends_on_the_ranking(fragments, index):
    fired = fragments.firings(index, 0)
    chosen = {}
    for ranking in ("max", "mean"):
        protocol = Protocol(
            fragment_tokens=8, shown=1, scored=2, learned=6, fewest=8, ranking=ranking
        )
        made = exhibits_of(fragments, fired, 0, protocol, seed=3)
        assert not isinstance(made, Gap)
        chosen[ranking] = made.shown[0].values
    assert chosen["max"].max() >= chosen["mean"].max()
    assert chosen["mean"].sum() >= chosen["max"].sum()


def test_the_draw_depends_on_the_seed_alone(fragments, index):
    fired = fragments.firings(index, 0)
    one, same, other = (
        exhibits_of(fragments, fired, 0, SMALL, seed=seed) for seed in (1, 1, 2)
    )
    drawn = [[each.fragment for each in made.learned] for made in (one, same, other)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_feature_with_too_few_fragments_is_a_gap_that_says_so(fragments, index):
    silent = exhibits_of(fragments, fragments.firings(index, 5), 5, SMALL, seed=0)
    assert isinstance(silent, Gap)
    assert "active in 0 fragments" in silent.reason
    assert silent.of == {"feature": 5}


def test_settings_that_cannot_be_are_refused(index):
    with pytest.raises(UserError, match="1 or more"):
        Protocol(shown=0)
    with pytest.raises(UserError, match="no larger"):
        fragments_of(index, tokens=4, shortest=5)
    with pytest.raises(UserError, match="10000 tokens in a row"):
        fragments_of(index, tokens=10_000, shortest=10_000)
