"""An index holds every firing, in both orders, and the same bytes however it was made."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tacit.activations.store import open_store
from tacit.base.errors import UserError
from tacit.base.folders import partial_of, read_manifest
from tacit.dictionaries import InputContract
from tacit.features import build
from tacit.features.build import build_index
from tacit.features.index import BY_FEATURE, BY_ROW

from .conftest import SILENT, SITE, SMALL_GROUP, sparse_dictionary


def columns_of(folder, name):
    table = pq.read_table(folder / name)
    return {column: table.column(column).to_numpy() for column in table.column_names}


@pytest.mark.parametrize("order", [BY_ROW, BY_FEATURE])
def test_each_order_holds_every_nonzero_of_the_code_once_and_nothing_else(indexed, order):
    found = columns_of(indexed.index.folder, order)
    row, feature = np.nonzero(indexed.dense)
    place = np.lexsort((found["feature"], found["row"]))
    np.testing.assert_array_equal(found["row"][place], row)
    np.testing.assert_array_equal(found["feature"][place], feature)
    np.testing.assert_array_equal(found["value"][place], indexed.dense[row, feature])
    document = indexed.store.column("document")
    np.testing.assert_array_equal(found["document"], document[found["row"]])


def test_the_signed_code_has_firings_on_both_sides(signed):
    value = columns_of(signed.index.folder, BY_FEATURE)["value"]
    assert (value > 0).any()
    assert (value < 0).any()


def test_one_order_is_by_feature_and_size_the_other_by_row(indexed):
    found = columns_of(indexed.index.folder, BY_FEATURE)
    expected = np.lexsort((found["row"], -np.abs(found["value"]), found["feature"]))
    np.testing.assert_array_equal(expected, np.arange(len(expected)))
    found = columns_of(indexed.index.folder, BY_ROW)
    expected = np.lexsort((found["feature"], found["row"]))
    np.testing.assert_array_equal(expected, np.arange(len(expected)))


@pytest.mark.parametrize(("order", "key"), [(BY_FEATURE, "feature"), (BY_ROW, "document")])
def test_a_query_can_skip_the_row_groups_of_others(sparse, order, key):
    """Ranges of neighbouring groups meet in one value at most."""
    metadata = pq.ParquetFile(sparse.index.folder / order).metadata
    column = metadata.schema.names.index(key)
    ranges = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        assert group.num_rows <= SMALL_GROUP
        ranges.append(
            (group.column(column).statistics.min, group.column(column).statistics.max)
        )
    assert len(ranges) > 3
    assert all(high <= low for (_, high), (low, _) in zip(ranges, ranges[1:], strict=False))


def test_counts_densities_and_histograms_are_those_of_the_code(indexed):
    features, dense = indexed.index.features.to_pylist(), np.abs(indexed.dense)
    assert [row["feature"] for row in features] == list(range(dense.shape[1]))
    count = (dense > 0).sum(axis=0)
    largest = dense.max(axis=0)
    for row in features:
        number = row["feature"]
        assert row["count"] == count[number]
        assert row["density"] == count[number] / indexed.index.num_rows
        assert row["max_value"] == largest[number]
        assert row["mean_value"] * max(1, count[number]) == pytest.approx(
            float(dense[:, number].sum(dtype=np.float64)), rel=1e-6
        )
        if count[number]:
            fired = dense[dense[:, number] > 0, number].astype(np.float64)
            edges = np.linspace(0, float(largest[number]), build.NUM_BINS + 1)
            expected = np.histogram(fired, edges)[0]
            # A value within rounding of an edge may fall on either side of it.
            assert np.abs(np.subtract(row["histogram"], expected)).sum() <= 2
        assert sum(row["histogram"]) == row["count"]
    assert indexed.index.num_rows == indexed.store.usable(SITE).sum()


def test_a_silent_feature_has_a_row_of_zeros(sparse):
    row = sparse.index.features.to_pylist()[SILENT]
    assert (row["count"], row["density"], row["max_value"], row["mean_value"]) == (
        0,
        0,
        0,
        0,
    )
    assert row["histogram"] == [0] * build.NUM_BINS


class Interrupted(Exception):
    pass


def interrupt(*_args, **_kwargs):
    raise Interrupted


class Stopping:
    """Progress that stops the work after some blocks."""

    def __init__(self, num_blocks):
        self.left = num_blocks

    def __call__(self, *_told):
        return self

    def __enter__(self):
        return self.advance

    def __exit__(self, *_error):
        return False

    def advance(self, done=1, *, earlier=False):
        self.left -= 1
        if not self.left:
            raise Interrupted


@pytest.mark.parametrize("killed_in", ["_write_rows", "_sort_by_feature", "_summarise"])
def test_a_killed_build_ends_in_the_same_bytes(sparse, tmp_path, monkeypatch, killed_in):
    again = tmp_path / "again"
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        if killed_in == "_write_rows":
            build_index(sparse.dictionary, sparse.store, again, progress=Stopping(3))
        else:
            patch.setattr(build, killed_in, interrupt)
            build_index(sparse.dictionary, sparse.store, again)
    assert not again.exists()
    # What a kill without warning leaves behind.
    beside = partial_of(again) / f".{BY_ROW}.tmp"
    beside.mkdir(exist_ok=True)
    (beside / BY_ROW).write_bytes(b"half a file")
    (partial_of(again) / BY_FEATURE).write_bytes(b"half a file")
    build_index(sparse.dictionary, sparse.store, again)
    names = {path.name for path in sparse.index.folder.iterdir()}
    assert {path.name for path in again.iterdir()} == names
    for name in names:
        assert (again / name).read_bytes() == (sparse.index.folder / name).read_bytes(), (
            name
        )


def test_another_dictionary_does_not_go_on_with_a_begun_index(
    sparse, tmp_path, monkeypatch
):
    folder = tmp_path / "index"
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(build, "_summarise", interrupt)
        build_index(sparse.dictionary, sparse.store, folder)
    other = replace(sparse.dictionary, scale=2.0)
    with pytest.raises(UserError, match="another configuration"):
        build_index(other, sparse.store, folder)
    with pytest.raises(UserError, match="already exists"):
        build_index(sparse.dictionary, sparse.store, sparse.index.folder)


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        ({"site": "resid.7"}, "holds resid.0, mlp.1"),
        ({"site": None}, "reads site None"),
        ({"site": "mlp.1"}, "width 16, and mlp.1 in .* width 32"),
        ({"site": SITE, "subject_digest": "0" * 64}, "subject_digest"),
        ({"site": SITE, "prepend_bos": False}, "prepend_bos False"),
    ],
)
def test_a_store_that_the_dictionary_was_not_made_for_is_refused(
    tiny_store, tmp_path, contract, message
):
    dictionary = sparse_dictionary(tiny_store, contract=InputContract(**contract))
    with pytest.raises(UserError, match=message):
        build_index(dictionary, tiny_store, tmp_path / "index")
    assert not list(tmp_path.iterdir())


def test_the_contract_of_the_same_subject_is_accepted(tiny_store, tmp_path, small_pieces):
    made = tiny_store.manifest["configuration"]
    contract = InputContract(
        site=SITE, subject_digest=made["subject_digest"], prepend_bos=made["prepend_bos"]
    )
    dictionary = sparse_dictionary(tiny_store, contract=contract)
    assert build_index(dictionary, tiny_store, tmp_path / "index").num_rows > 0


def test_a_store_without_usable_rows_is_refused(tiny_store, tmp_path):
    folder = tmp_path / "store"
    shutil.copytree(tiny_store.folder, folder)
    table = tiny_store.tokens
    special = table.column_names.index("special")
    table = table.set_column(special, "special", pa.array(np.ones(len(table), dtype=bool)))
    pq.write_table(table, folder / "tokens.parquet")
    manifest = read_manifest(folder)
    manifest["checksums"]["tokens.parquet"]["bytes"] = (
        (folder / "tokens.parquet").stat().st_size
    )
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="no usable rows"):
        build_index(sparse_dictionary(tiny_store), open_store(folder), tmp_path / "index")
