"""The tree of a label's best feature, as rows of a table."""

import pytest

from tacit.dictionaries.files import load_dictionary
from tacit.metrics import best_f1_threshold
from tacit.studies.interpretable_directions.settings import DirectionsSettings
from tacit.studies.interpretable_directions.tracing import Trace, best_feature, traced_of
from tacit.studies.tables import read_rows, write_rows
from tacit.verbs.fitting import fit_one
from tacit.verbs.settings import FitSettings

SITES = ("mlp.1", "resid.0")
SETTINGS = DirectionsSettings(windows=30)


@pytest.fixture(scope="module")
def dictionaries(tmp_path_factory, tiny_store):
    found = {}
    for site in SITES:
        folder = tmp_path_factory.mktemp("dictionaries") / site
        fast = FitSettings(k=4, steps=20, batch=256)
        fit_one(tiny_store.folder, site, folder, settings=fast)
        found[site] = load_dictionary(folder)
    return found


def test_the_best_feature_has_the_largest_f1_of_any_threshold(tiny_store, dictionaries):
    label = tiny_store.labels[0]
    feature, f1 = best_feature(tiny_store, "mlp.1", dictionaries["mlp.1"], label)
    rows = (tiny_store.usable("mlp.1") & ~tiny_store.column("held_out")).nonzero()[0]
    values = dictionaries["mlp.1"].encode(tiny_store.vectors("mlp.1", rows)).dense().numpy()
    truth = tiny_store.label(label)[rows]
    others = [best_f1_threshold(column[:], truth).f1 for column in values.T if column.any()]
    assert f1 == pytest.approx(best_f1_threshold(values[:, feature], truth).f1)
    assert f1 == pytest.approx(max(others))


def test_a_row_an_edge_goes_to_a_table_and_back(
    tmp_path, tiny_subject, tiny_store, dictionaries
):
    unit, label = ("tiny", 3), tiny_store.labels[0]
    given = (SETTINGS, tiny_subject, unit, tiny_store, dictionaries)
    found = traced_of(*given, label=label, arm="untrained")
    root, *edges = found
    assert (root.parent, root.share, root.site) == (None, None, "mlp.1")
    assert {edge.parent for edge in edges} == {root.node}
    assert len(edges) == 3
    assert root.candidates > 3
    assert {edge.candidates for edge in edges} == {None}
    assert root.total == pytest.approx(sum(edge.share for edge in edges))
    assert {(row.subject, row.seed, row.arm) for row in found} == {("tiny", 3, "untrained")}
    path = tmp_path / "tables" / "traces.parquet"
    write_rows(path, found)
    assert read_rows(path, Trace) == found
    assert traced_of(*given) == []  # the text has no such label
