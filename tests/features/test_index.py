"""Contexts, bands and documents are what a scan of the dense code gives."""

import json
import shutil

import numpy as np
import pytest

from tacit.base.errors import UserError
from tacit.features.index import BAND_EDGES, BY_ROW, open_index

from .conftest import SILENT

FEATURES = (0, 3, 11)


def neighbourhood(indexed, row, around):
    """Rows around one row that lie in its window, by looking at every row."""
    context = indexed.columns["context"]
    rows = np.arange(len(context))
    return np.flatnonzero((abs(rows - row) <= around) & (context == context[row])).tolist()


def check_context(indexed, context, around):
    """Everything a context says is so, by the store and the dense code."""
    dense, columns = indexed.dense[:, context.feature], indexed.columns
    near = neighbourhood(indexed, context.row, around)
    vocabulary = json.loads((indexed.store.folder / "vocabulary.json").read_text())
    assert context.value == dense[context.row] != 0
    assert list(context.values) == [float(dense[each]) for each in near]
    assert list(context.tokens) == [vocabulary[columns["token"][each]] for each in near]
    assert near[context.peak] == context.row
    assert context.document == indexed.store.documents[columns["document"][context.row]]
    assert context.line == columns["line"][context.row]


def best_of_windows(indexed, feature):
    """The row of the largest value in each window where the feature fires, largest first."""
    size, context = np.abs(indexed.dense[:, feature]), indexed.columns["context"]
    best = {}
    for row in np.flatnonzero(size):
        rival = best.setdefault(context[row], row)
        if size[row] > size[rival]:
            best[context[row]] = row
    return sorted(best.values(), key=lambda row: (-size[row], row))


@pytest.mark.parametrize("feature", FEATURES)
def test_top_contexts_are_the_largest_of_the_dense_code_one_a_window(indexed, feature):
    around = {0: 0, 3: 6, 11: 40}[feature]
    found = indexed.index.top(feature, num=7, around=around)
    expected = best_of_windows(indexed, feature)[:7]
    assert [context.row for context in found] == expected
    assert [context.rank for context in found] == list(range(len(expected)))
    assert {context.kind for context in found} == {"top"}
    for context in found:
        check_context(indexed, context, around)


def test_a_window_is_shown_whole_and_never_beyond(sparse):
    for context in sparse.index.top(0, num=5, around=10_000):
        window = sparse.columns["context"]
        assert len(context.tokens) == (window == window[context.row]).sum()


@pytest.mark.parametrize("feature", FEATURES)
def test_bands_draw_within_their_band_and_hold_all_there_is_when_few(indexed, feature):
    size = np.abs(indexed.dense[:, feature]).astype(np.float64)
    found = indexed.index.bands(feature, num=4, around=3)
    edges = list(zip(BAND_EDGES, BAND_EDGES[1:], strict=False))
    assert [c.kind for c in found] == sorted(c.kind for c in found)
    for low, high in edges:
        share = size / size.max()
        inside = np.flatnonzero((share > low) & (share <= high))
        here = [context for context in found if context.kind == f"{low:g}-{high:g}"]
        assert len(here) == len({context.row for context in here}) == min(4, len(inside))
        assert {context.row for context in here} <= set(inside.tolist())
        assert [abs(context.value) for context in here] == sorted(
            (abs(context.value) for context in here), reverse=True
        )
        for context in here:
            check_context(indexed, context, 3)


def test_bands_repeat_under_a_seed_and_change_with_it(sparse):
    assert sparse.index.bands(0, seed=1) == sparse.index.bands(0, seed=1)
    assert sparse.index.bands(0, seed=1) != sparse.index.bands(0, seed=2)


def test_firings_come_largest_first_with_their_sign(indexed):
    for feature in FEATURES:
        fired, dense = indexed.index.firings(feature), indexed.dense[:, feature]
        assert set(fired["row"].tolist()) == set(np.flatnonzero(dense).tolist())
        np.testing.assert_array_equal(fired["value"], dense[fired["row"]])
        assert (np.diff(np.abs(fired["value"])) <= 0).all()


def test_features_of_a_document_are_those_of_the_dense_code(indexed):
    for number in (0, 13, 29):
        name = indexed.store.documents[number]
        dense = np.abs(indexed.dense[indexed.columns["document"] == number])
        found = indexed.index.features_of(name)
        active = np.flatnonzero(dense.any(axis=0))
        order = np.lexsort((active, -dense.max(axis=0)[active]))
        np.testing.assert_array_equal(found["feature"], active[order])
        np.testing.assert_array_equal(
            found["count"], (dense > 0).sum(axis=0)[active[order]]
        )
        np.testing.assert_array_equal(found["max_value"], dense.max(axis=0)[active[order]])


def test_a_silent_feature_has_no_contexts(sparse):
    assert sparse.index.top(SILENT) == []
    assert sparse.index.bands(SILENT) == []
    assert len(sparse.index.firings(SILENT)["row"]) == 0


def test_labels_are_those_of_the_store(sparse):
    for name in sparse.store.labels:
        np.testing.assert_array_equal(sparse.index.label(name), sparse.store.label(name))


def test_an_index_answers_alone_and_from_a_folder_of_any_name(sparse, tmp_path):
    """Quotes and wild cards in a path mean themselves."""
    moved = tmp_path / "it's [1] of *? %"
    shutil.copytree(sparse.index.folder, moved)
    opened = open_index(moved)
    assert opened.top(0) == sparse.index.top(0)
    name = sparse.store.documents[2]
    for key, values in opened.features_of(name).items():
        np.testing.assert_array_equal(values, sparse.index.features_of(name)[key])


def test_what_is_not_there_is_named(sparse):
    with pytest.raises(UserError, match="features 0 to 39"):
        sparse.index.top(40)
    with pytest.raises(UserError, match="features 0 to 39"):
        sparse.index.firings(-1)
    with pytest.raises(UserError, match=r"Did you mean 'part_03.py'"):
        sparse.index.features_of("part_03")
    with pytest.raises(UserError, match="Did you mean 'keyword'"):
        sparse.index.label("keywords")


def test_a_folder_that_is_no_whole_index_is_refused(sparse, tiny_store, tmp_path):
    with pytest.raises(UserError, match="there is no index"):
        open_index(tmp_path / "none")
    with pytest.raises(UserError, match="no finished index .*'store'"):
        open_index(tiny_store.folder)
    damaged = tmp_path / "damaged"
    shutil.copytree(sparse.index.folder, damaged)
    whole = (damaged / BY_ROW).read_bytes()
    (damaged / BY_ROW).write_bytes(whole[:-10])
    with pytest.raises(UserError, match="cut short or changed"):
        open_index(damaged)
    (damaged / BY_ROW).unlink()
    with pytest.raises(UserError, match=r"by_row.parquet is missing"):
        open_index(damaged)
    manifest = json.loads((damaged / "manifest.json").read_text())
    del manifest["checksums"]
    (damaged / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="no finished index"):
        open_index(damaged)
