"""``tacit graph``: its scores and strongest nodes in the terminal, its JSON, its refusals."""

import json

import pytest

from tacit.dictionaries import save_dictionary
from verbs.random_transcoders import PROMPT, transcoder


@pytest.fixture(scope="module")
def transcoders(tmp_path_factory):
    home = tmp_path_factory.mktemp("transcoders")
    words = []
    for layer in range(2):
        save_dictionary(transcoder(layer), home / str(layer))
        words += ["--transcoder", home / str(layer)]
    return words


def test_scores_and_strongest_nodes_are_printed_and_json_has_all(
    command, tmp_path, tiny, transcoders
):
    out = tmp_path / "graph"
    words = ("graph", PROMPT, tiny, *transcoders, "--top", 1, "--out", out)
    ended = command(*words, "--quiet").finished()
    assert ended.err == ""
    lines = ended.out.splitlines()
    assert lines[0] == f"report: {out / 'report.html'}"
    assert [line.split()[0] for line in lines[1:3]] == [
        "graph_completeness",
        "graph_replacement",
    ]
    assert lines[3].startswith("logit 1: '") and ", probability 0." in lines[3]
    found = json.loads(command(*words, "--json").finished().out)
    strongest = [row for row in found["nodes"] if row["kind"] != "logit"]
    told = lines[5:-1]
    assert len(told) == min(10, len(strongest))
    for line, row in zip(told, strongest, strict=False):
        assert line.startswith(f"  {row['influence']:.3f}  {row['node']}")
    assert lines[-1].startswith("tokens: ")
    assert set(found) == {"folder", "report", "records", "counts", "nodes", "edges"}
    assert found["edges"][0]["carried"] > 0


def test_mistakes_are_told_in_one_line(command, tmp_path, tiny, transcoders):
    words = ("graph", PROMPT, tiny, *transcoders, "--out", tmp_path / "x")
    command(*words, "--node-share", 0).refused("node_share", "0")
    command(*words, "--answer", "return none").refused("not one token")
    command("graph", PROMPT, *transcoders).refused("no model was named")
