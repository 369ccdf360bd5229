"""The run of an attribution graph tells the graph that the library gives, and where weight goes."""

import json
from collections import Counter
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
import torch

from interventions.conftest import dictionary_of
from tacit.base.errors import UserError
from tacit.base.folders import read_manifest
from tacit.dictionaries import save_dictionary
from tacit.dictionaries.selections import TopKPositive
from tacit.interventions.explained_logits import Logit
from tacit.interventions.graphs import attribution_graph
from tacit.verbs.graph import GraphSettings, graph
from tacit.verbs.graph_tables import LEAST_DRAWN, MOST_CAUSES, MOST_LINES
from verbs.random_transcoders import NORM, PROMPT, WIDTH, transcoder

SINGLE = 1e-6
"""Weights of logits are kept in single precision."""


@pytest.fixture(scope="module")
def given():
    return [transcoder(layer) for layer in range(2)]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return the folder in which a dictionary is saved."""
    home = tmp_path_factory.mktemp("transcoders")

    def save(dictionary):
        folder = home / str(len(list(home.iterdir())))
        save_dictionary(dictionary, folder)
        return folder

    return save


@pytest.fixture(scope="module")
def folders(given, saved):
    return [saved(one) for one in given]


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny, folders):
    out = tmp_path_factory.mktemp("runs") / "graph"
    return graph(PROMPT, str(tiny), folders, out, settings=GraphSettings(top=2))


@pytest.fixture(scope="module")
def everything(tmp_path_factory, tiny, folders):
    """The same, with nothing pruned but what leads nowhere."""
    out = tmp_path_factory.mktemp("runs") / "everything"
    settings = GraphSettings(top=2, node_share=1, edge_share=1)
    return graph(PROMPT, str(tiny), folders, out, settings=settings)


@pytest.fixture(scope="module")
def whole(tiny_subject, given):
    """The library's own graph of the two likeliest tokens after BOS and the prompt."""
    ids = torch.tensor([tiny_subject.bos_id, *tiny_subject.tokenize(PROMPT).ids])
    scores = tiny_subject.run(ids[None], logits=True).logits[0, -1]
    logits = [Logit(token) for token in scores.topk(2).indices.tolist()]
    return attribution_graph(tiny_subject, ids, given, logits=logits)


def place(row):
    return tuple(row[key] for key in ("kind", "position", "layer", "feature", "value"))


def test_the_tables_are_the_pruned_graph_with_influences_of_the_whole(run, whole):
    small = whole.pruned()
    assert {(one.name, one.value) for one in run.records} == {
        ("graph_completeness", whole.completeness()),
        ("graph_replacement", whole.replacement()),
    }
    influence = {place(row): row["influence"] for row in whole.node_rows()}
    assert {place(row) for row in run.nodes} == {place(row) for row in small.node_rows()}
    sizes = [row["influence"] for row in run.nodes]
    assert sizes == sorted(sizes, reverse=True)
    for row in run.nodes:
        assert row["influence"] == pytest.approx(influence[place(row)])
    places = {row["node"]: place(row) for row in run.nodes}
    assert len(places) == len(run.nodes)
    known = [place(row) for row in small.node_rows()]
    effects = {
        (known[row["source"]], known[row["target"]]): row["effect"]
        for row in small.edge_rows()
    }
    assert effects == {
        (places[row["source"]], places[row["target"]]): pytest.approx(row["effect"])
        for row in run.edges
    }


def test_what_edges_carry_into_a_node_is_what_reaches_it_and_out_of_it_its_influence(
    everything,
):
    into, out = Counter(), Counter()
    for row in everything.edges:
        into[row["target"]] += row["carried"]
        out[row["source"]] += row["carried"]
    chances = [row["probability"] for row in everything.nodes if row["probability"]]
    for row in everything.nodes:
        influence = row["influence"]
        assert out[row["node"]] == pytest.approx(influence, abs=SINGLE)
        if row["kind"] == "logit":
            influence += row["probability"] / sum(chances)
        if row["kind"] in ("logit", "feature"):
            assert into[row["node"]] == pytest.approx(influence, abs=SINGLE)
    shares = Counter()
    for row in everything.edges:
        shares[row["target"]] += row["share"]
    assert set(shares) == set(into)
    assert all(share == pytest.approx(1) for share in shares.values())


def test_lines_are_drawn_from_the_logits_back_always_the_largest_next(everything):
    rows = pq.read_table(everything.folder / "artifacts" / "drawn.parquet").to_pylist()
    edges = {(row["source"], row["target"]): row for row in everything.edges}
    drawn = {row["node"] for row in everything.nodes if row["kind"] == "logit"}
    assert {row["node"] for row in rows if row["parent"] is None} == drawn
    entering, lines = Counter(), []

    def largest_next():
        """By a plain search over all edges."""
        return max(
            (
                edge
                for edge in edges
                if edge[1] in drawn
                and entering[edge[1]] < MOST_CAUSES
                and edge not in lines
            ),
            key=lambda edge: edges[edge]["carried"],
        )

    for row in (row for row in rows if row["parent"] is not None):
        line = (row["node"], row["parent"])
        assert line == largest_next()
        assert abs(row["value"]) == edges[line]["carried"]
        assert (row["value"] > 0) == (edges[line]["effect"] > 0)
        entering[row["parent"]] += 1
        drawn.add(row["node"])
        lines.append(line)
    least = LEAST_DRAWN * everything.edges[0]["carried"]
    assert edges[lines[-1]]["carried"] >= least > edges[largest_next()]["carried"]
    assert max(entering.values()) == MOST_CAUSES and len(lines) < MOST_LINES
    assert {row["value"] > 0 for row in rows if row["value"] is not None} == {True, False}
    order = ["tokens", "layer 0", "layer 1", "next token"]
    place = {row["node"]: order.index(row["place"]) for row in rows}
    assert all(place[source] < place[target] for source, target in lines)
    (page,) = (
        block
        for block in json.loads(
            (everything.folder / "artifacts" / "pages.json").read_text()
        )[0]["blocks"]
        if block["block"] == "tree"
    )
    assert page["places"] == [name for name in order if order.index(name) in place.values()]


def test_whatever_is_active_is_counted_once(tmp_path, tiny, folders, given, tiny_subject):
    out = tmp_path / "few"
    found = graph(PROMPT, str(tiny), folders, out, settings=GraphSettings(max_features=6))
    ids = torch.tensor([tiny_subject.bos_id, *tiny_subject.tokenize(PROMPT).ids])
    sites = [NORM.format(layer) for layer in range(2)]
    reads = tiny_subject.run(ids[None], sites=sites).activations
    active = sum(
        int(one.encode(reads[site][0]).dense().count_nonzero())
        for one, site in zip(given, sites, strict=True)
    )
    counts = {row["what"]: row for row in found.counts}
    told = counts["features"]
    assert told["kept"] + told["pruned"] == 6
    assert told["folded"] == active - 6
    errors = counts["errors"]
    assert errors["kept"] + errors["pruned"] == 2 * len(ids)
    assert counts["tokens"]["kept"] == len(ids)
    assert counts["edges"]["kept"] == len(found.edges)
    kept = Counter(row["kind"] for row in found.nodes)
    assert (kept["feature"], kept["error"]) == (told["kept"], errors["kept"])


def test_the_report_draws_the_graph_and_says_what_not_to_conclude(run, tiny, folders):
    page = run.report.read_text()
    for words in (
        "The main ways from the prompt to the next token",
        "Attention patterns were held",
        "Errors have no causes here",
        "do not tell a circuit that was learned",
        "opens with BOS",
        run.nodes[0]["node"],
    ):
        assert words in page
    assert page.count("<rect") > 5
    assert read_manifest(run.folder)["kind"] == "graph"
    run.report.unlink()  # it may be deleted: it is drawn from the rest
    settings = GraphSettings(top=2)
    again = graph(PROMPT, str(tiny), folders[::-1], run.folder, settings=settings)
    assert (again.report.read_text(), again.records) == (page, run.records)
    with pytest.raises(UserError, match="--replace"):
        graph(PROMPT, str(tiny), folders, run.folder, settings=GraphSettings(top=1))


def test_an_answer_is_explained_against_another_as_the_transcoders_read(
    tmp_path, tiny, tiny_subject, saved, given
):
    bare = saved(transcoder(1, prepend_bos=False))
    settings = GraphSettings(answer="1", other="2")
    found = graph(PROMPT, str(tiny), [bare], tmp_path / "g", settings=settings)
    (logit,) = (row for row in found.nodes if row["kind"] == "logit")
    ids = tiny_subject.tokenize(PROMPT).ids
    scores = tiny_subject.run(torch.tensor([ids]), logits=True).logits[0, -1]
    first, second = (tiny_subject.tokenize(word).ids[0] for word in "12")
    assert logit["value"] == pytest.approx(float(scores[first] - scores[second]), rel=1e-4)
    chance = float(scores.softmax(dim=0)[first])
    assert logit["probability"] == pytest.approx(chance, rel=1e-4)
    assert logit["token"] == "'1' less '2'"
    page = found.report.read_text()
    assert "No transcoder was given for layers 0" in page
    assert "opens with BOS" not in page


def test_what_cannot_be_a_graph_is_refused_and_leaves_nothing(tmp_path, tiny, saved, given):
    first, out = saved(given[0]), tmp_path / "refused"
    same = dictionary_of(torch.eye(WIDTH), TopKPositive(k=3))
    other = transcoder(1, subject_digest="another")
    opened, unopened = transcoder(0, prepend_bos=True), transcoder(1, prepend_bos=False)

    def refused(words, *, prompt=PROMPT, of=(first,), **settings):
        with pytest.raises(UserError, match=words):
            graph(prompt, str(tiny), of, out, settings=GraphSettings(**settings))

    refused("rebuilds what it reads; give transcoders", of=[saved(same)])
    refused("another subject", of=[first, saved(other)])
    refused(r"two transcoders onto mlp_out\.0", of=[first, first])
    refused("open with BOS", of=[saved(opened), saved(unopened)])
    refused("no dictionary that can be read", of=[tmp_path])
    refused("no transcoder", of=[])
    refused("'' has no tokens", prompt="")
    refused("reads at most 32", prompt=PROMPT * 10)
    refused(r"'return none' is not one token .* but \d", answer="return none")
    refused("give --answer too", other="1")
    refused("--answer or --top", answer="1", top=2)
    assert list(tmp_path.iterdir()) == []


def test_a_word_that_is_a_token_behind_a_space_is_hinted_at(tmp_path, tiny, folders):
    settings = GraphSettings(answer="return")
    prompt = "if scale:"
    with pytest.raises(UserError, match="' return' is one"):
        graph(prompt, str(tiny), folders, tmp_path / "x", settings=settings)


def test_a_graph_whose_logit_depends_on_nothing_has_gaps(
    tmp_path, tiny, folders, monkeypatch
):
    import tacit.verbs.graph

    def silent(*args, **kwargs):
        found = attribution_graph(*args, **kwargs)
        return replace(found, adjacency=torch.zeros_like(found.adjacency))

    monkeypatch.setattr(tacit.verbs.graph, "attribution_graph", silent)
    found = graph(PROMPT, str(tiny), folders, tmp_path / "silent")
    assert {type(one).__name__ for one in found.records} == {"Gap"}
    assert found.edges == []
    assert "not measured" in found.report.read_text()
