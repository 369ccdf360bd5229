"""``tacit trace``: its tree in the terminal, its run folder, and what it refuses."""

import json

import numpy as np
import pytest

from tacit.activations.streaming import rows_for
from tacit.cli.tracing import in_lines
from tacit.dictionaries.files import load_dictionary
from tacit.verbs.fitting import fit_one
from tacit.verbs.settings import FitSettings


@pytest.fixture(scope="module")
def deeper(tmp_path_factory, tiny_store):
    folder = tmp_path_factory.mktemp("dictionaries") / "deeper"
    settings = FitSettings(k=4, steps=20, batch=256)
    fit_one(tiny_store.folder, "mlp.1", folder, settings=settings)
    return folder


@pytest.fixture(scope="module")
def feature(tiny_store, deeper):
    rows = rows_for(tiny_store, ["mlp.1"], held_out=True)
    code = load_dictionary(deeper).encode(tiny_store.vectors("mlp.1", rows))
    return int(np.bincount(code.indices[code.values > 0]).argmax())


@pytest.fixture
def words(tiny, tiny_store, dictionary, deeper, feature):
    parts = ("--dictionary", dictionary, "--dictionary", deeper)
    return (
        *("trace", feature, tiny, "--site", "mlp.1", *parts),
        *("--store", tiny_store.folder, "--contexts", 5, "--quiet"),
    )


def test_the_tree_is_printed_and_drawn_and_not_made_twice(
    command, tmp_path, words, feature
):
    out = tmp_path / "trace"
    ended = command(*words, "--out", out).finished()
    lines = ended.out.splitlines()
    assert lines[0] == f"report: {out / 'report.html'}"
    assert lines[1].startswith(f"mlp.1/{feature}  ")
    assert lines[1].endswith(" of 5")
    causes = [line for line in lines if line.startswith("├─ resid.0/")]
    assert len(causes) == 3
    assert lines[-1].startswith("└─ together ")
    report = (out / "report.html").read_bytes()
    (out / "report.html").unlink()  # it may be deleted: it is drawn from the rest
    found = json.loads(command(*words, "--out", out, "--json").finished().out)
    assert (out / "report.html").read_bytes() == report
    assert [row["node"] for row in found["tree"]][0] == f"mlp.1/{feature}"
    assert found["checks"][0]["causes"] == len(found["tree"]) - 1 == 3
    records = json.loads((out / "results.json").read_text())
    told = {record["of"].get("ablated") for record in records}
    assert told >= {"all causes at once", "as many others", found["tree"][1]["node"]}
    assert records[-1]["name"] == "rank_correlation"
    assert b"Causes of the feature, and theirs" in report


def test_a_feature_with_no_cause_that_is_large_enough_says_so(command, tmp_path, words):
    ended = command(*words, "--out", tmp_path / "none", "--smallest", 5).finished()
    assert "└─ no cause among " in ended.out
    records = json.loads((tmp_path / "none" / "results.json").read_text())
    assert [record["kind"] for record in records[:2]] == ["gap", "gap"]
    assert "takes 5.0 of it" in records[0]["reason"]


def test_folders_that_do_not_fit_are_refused(
    command, tmp_path, words, tiny, tiny_store, dictionary, deeper
):
    out = ("--out", tmp_path / "refused")
    command(*words, *out, "--dictionary", deeper).refused("two dictionaries of mlp.1")
    alone = ("trace", 0, tiny, "--site", "mlp.1", "--store", tiny_store.folder, *out)
    command(*alone, "--dictionary", deeper).refused("no dictionary of a site before")
    command(*alone, "--dictionary", dictionary).refused("give one of mlp.1 too")
    command(*words, *out, "--by", "chance").refused("by", "'chance'")
    assert not (tmp_path / "refused").exists()


def test_a_feature_on_which_two_rest_is_told_once():
    def row(node, parent=None, share=None, ends=(None, None)):
        ends = {"low": ends[0], "high": ends[1]}
        return {"node": node, "parent": parent, "share": share, "label": "' a'", **ends}

    tree = [
        row("c/0"),
        row("b/1", "c/0", 0.5, (0.25, 0.75)),
        row("b/2", "c/0", 0.25),
        row("a/3", "b/1", 1.0),
        row("a/3", "b/2", 1.0),
        row("z/4", "a/3", 0.125),
    ]
    check = {"causes": 1, "joint": 1.0, "sum": 1.0, "control": None, "candidates": 9}
    together = "together 1.000, alone they sum to 1.000; no others active; 9 candidates"
    assert list(in_lines(tree, [{"node": "b/1", **check}])) == [
        "c/0  ' a'",
        "├─ b/1  0.500 (0.250 to 0.750)  ' a'",
        "│  ├─ a/3  1.000  ' a'",
        "│  │  └─ z/4  0.125  ' a'",
        f"│  └─ {together}",
        "└─ b/2  0.250  ' a'",
        "   └─ a/3  1.000  ' a'  (as above)",
    ]
