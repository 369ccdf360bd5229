"""Explanations of a run: each made once, whatever stops the work, scored beside their floors."""

import asyncio
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

import tacit
import tacit.verbs.score as scoring
from explanations.lexical_chat import NAME, LexicalChat
from tacit.base.errors import UserError
from tacit.base.folders import read_manifest
from tacit.explanations.explanation import Explainer
from tacit.explanations.lexical import LexicalExplainer
from tacit.explanations.scripted import Failures
from tacit.verbs import who_explains
from tacit.verbs.exchange import give, take
from tacit.verbs.explain import Shown
from tacit.verbs.explain_settings import ProtocolSettings
from tacit.verbs.explained_run import explanations_in, learned_run
from tacit.verbs.find import find_features
from tacit.verbs.score_cards import FALSE, FOR, MISSED

PROTOCOL = {
    "protocol.fragment_tokens": 16,
    "protocol.shown": 3,
    "protocol.scored": 3,
    "protocol.fewest": 8,
}
FEW = {**PROTOCOL, "num": 8}


@pytest.fixture
def run(tiny_run, tmp_path, monkeypatch):
    """A copy to add explanations to; reports, which take most of the time, are not drawn."""
    monkeypatch.setattr(scoring, "render_report", lambda folder: folder / "report.html")
    return shutil.copytree(tiny_run, tmp_path / "run")


def explain(run, explainer="lexical", **more):
    return tacit.explain(run, explainer, settings=more.pop("settings", FEW), **more)


def table(found):
    return found.folder / "explanations.parquet"


@pytest.fixture(scope="module")
def scored(tiny_run, tmp_path_factory):
    """A run with eight features explained by patterns and scored, floors beside them."""
    run = shutil.copytree(tiny_run, tmp_path_factory.mktemp("scored") / "run")
    explain(run)
    return tacit.score(run)


@pytest.fixture
def chat(tiny_run, tiny_subject, monkeypatch):
    def make(**settings):
        made = LexicalChat(tiny_run, tiny_subject, **settings)
        monkeypatch.setitem(who_explains.CHATS, "scripted", made)
        return made

    return make


def test_a_run_is_explained_as_the_explainer_says_by_itself(run):
    found = explain(run)
    assert (found.num_explained, found.worked.stopped) == (8, None)
    assert 8 <= found.num_explainable < 128
    settings = ProtocolSettings(fragment_tokens=16, shown=3, scored=3, fewest=8)
    shown = Shown(run=learned_run(run), protocol=settings.protocol(), seed=0)
    for each in found.explanations.explained:
        exhibits = shown.exhibits(each.feature)
        assert each == asyncio.run(LexicalExplainer().explain(exhibits))
    manifest = read_manifest(found.folder)
    assert manifest["configuration"]["protocol"]["fragment_tokens"] == 16
    assert manifest["configuration"]["explainer"] == {"name": "lexical"}
    assert manifest["parents"].keys() == {str(run)}
    assert "protocol.shown" in manifest["passed"]


def test_explanations_join_the_index_by_feature(run):
    found = explain(run)
    rows = tacit.explanations_of(run)
    assert rows.column("feature").to_pylist() == list(found.asked)
    assert set(rows.column("name").to_pylist()) == {"lexical"}
    joined = duckdb.sql(
        f"SELECT feature, text, density FROM '{run}/explanations/*/explanations.parquet' "
        f"JOIN '{run}/index/features.parquet' USING (feature) ORDER BY feature"
    ).fetchall()
    assert [each[0] for each in joined] == list(found.asked)
    assert all(text and density > 0 for _, text, density in joined)


def test_a_larger_sample_holds_the_smaller_and_only_the_new_ones_are_asked(run):
    first = explain(run)
    again = explain(run)
    assert (again.worked.num_done, again.worked.num_before) == (0, 8)
    more = explain(run, settings={**PROTOCOL, "num": 12})
    assert (more.worked.num_done, more.worked.num_before) == (4, 8)
    assert set(first.asked) < set(more.asked)


def test_the_table_has_the_same_bytes_made_at_once_in_parts_or_again(run):
    explain(run, settings={**PROTOCOL, "num": 5})
    in_parts = table(explain(run)).read_bytes()
    assert table(explain(run)).read_bytes() == in_parts
    shutil.rmtree(run / "explanations")
    assert table(explain(run)).read_bytes() == in_parts


class Stopping(Explainer):
    """The lexical explainer, until somebody presses Ctrl-C."""

    name, version = LexicalExplainer.name, LexicalExplainer.version

    def __init__(self, after):
        self.left = after

    async def explain(self, exhibits):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return await LexicalExplainer().explain(exhibits)


@pytest.mark.parametrize("after", [0, 3])
def test_ctrl_c_half_way_loses_nothing_and_ends_in_the_same_bytes(run, monkeypatch, after):
    whole = table(explain(run)).read_bytes()
    shutil.rmtree(run / "explanations")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setitem(who_explains.EXPLAINERS, "lexical", ("", lambda _: Stopping(after)))
        explain(run, settings={**FEW, "spending.at_once": 1})
    # With nothing made, nothing is left behind.
    assert (run / "explanations").exists() == (after > 0)
    found = explain(run)
    assert (found.worked.num_before, found.worked.num_done) == (after, 8 - after)
    assert table(found).read_bytes() == whole


def test_a_chat_model_stops_at_its_budget_and_goes_on(run, chat):
    free = chat()
    whole = explain(run, NAME)
    assert whole.num_explained == 8
    assert free.num_asked == 8
    shutil.rmtree(run / "explanations")
    asked = chat()
    limit = {**FEW, "spending.max_tokens": whole.spent.tokens // 2, "spending.at_once": 1}
    half = explain(run, NAME, settings=limit)
    assert "the budget is reached" in half.worked.stopped
    assert 0 < half.num_explained < 8
    assert half.gaps == {}
    rest = explain(run, NAME)
    assert (rest.num_explained, rest.worked.stopped) == (8, None)
    assert asked.num_asked == 8  # nothing is paid for twice
    assert half.spent + rest.spent == whole.spent
    assert table(rest).read_bytes() == table(whole).read_bytes()


def test_a_chat_model_is_read_by_itself_and_its_cost_is_told(run, chat):
    chat()
    prices = {"spending.price_in": 3.0, "spending.price_out": 15.0}
    explained = explain(run, NAME, settings={**FEW, "num": 3, **prices})
    found = tacit.score(run, scorers=("simulation", "detection"), settings=prices)
    assert found.folder.name == "scripted--lexical"
    assert {each.of["reader"] for each in found.headlines} == {NAME}
    told = {
        (each.name, each.of["of"]): each for each in found.records if "chat_" in each.name
    }
    tokens = told["chat_tokens", "explaining"]
    assert tokens.value * tokens.n == pytest.approx(explained.spent.tokens)
    usage = explained.spent
    expected = (3 * usage.input_tokens + 15 * usage.output_tokens) / 1e6
    assert told["chat_dollars", "explaining"].value * 3 == pytest.approx(expected)
    steps = [told["chat_tokens", f"scoring{which}"] for which in ("", " the floors")]
    assert sum(each.value * each.n for each in steps) == pytest.approx(found.spent.tokens)


def test_without_control_a_chat_model_reads_each_explanation_once(run, chat):
    made = chat()
    explain(run, NAME, settings={**FEW, "num": 3})
    made.script.asked.clear()
    tacit.score(run, scorers=("detection",), control=False)
    alone = made.num_asked
    tacit.score(run, scorers=("detection",))
    assert made.num_asked == 2 * alone


def test_answers_that_cannot_be_read_are_gaps_by_kind_and_asked_again_on_request(run, chat):
    failing = chat(failures=Failures(malformed=0.3, refusing=0.2))
    first = explain(run, NAME)
    assert first.gaps == {
        kind: failing.script.failed[how]
        for kind, how in (("malformed", "malformed"), ("refused", "refusing"))
        if failing.script.failed[how]
    }
    assert first.gaps
    chat()
    assert explain(run, NAME).gaps == first.gaps
    again = explain(run, NAME, again=True)
    assert (again.worked.num_done, again.num_explained) == (first.gaps.total(), 8)


def test_a_provider_that_is_down_is_an_error_that_leaves_nothing_behind(run, chat):
    chat(failures=Failures(down=1.0))
    with pytest.raises(UserError, match="see whether the provider is up"):
        explain(run, NAME, settings={**FEW, "spending.at_once": 1})
    assert not (run / "explanations").exists()


def test_features_that_fire_too_rarely_are_gaps_that_are_counted(run):
    counts = learned_run(run).index.features.column("count").to_numpy()
    rare = int(counts.argmin())
    busy = int(counts.argmax())
    found = explain(run, settings=PROTOCOL, features=[rare, busy, rare])
    assert found.asked == tuple(sorted({rare, busy}))
    assert found.gaps == {"too few fragments": 1}
    (row,) = (r for r in tacit.explanations_of(run).to_pylist() if r["feature"] == rare)
    assert row["text"] is None and row["gap"] == "too few fragments"
    assert f"active in {'0' if not counts[rare] else ''}" in row["reason"]
    with pytest.raises(UserError, match="features 0 to 127"):
        explain(run, features=[128])


def test_what_was_begun_otherwise_is_refused_with_what_differs(run):
    explain(run)
    for change, words in (
        ({"seed": 1}, "seed: 0 there, 1 asked"),
        ({"protocol.scored": 2}, "protocol.scored: 3 there, 2 asked"),
    ):
        with pytest.raises(UserError, match=f"{words}.*another --name"):
            explain(run, settings={**FEW, **change})
    other = explain(run, settings={**FEW, "seed": 1, "name": "second"})
    assert other.folder == run / "explanations" / "second"
    with pytest.raises(UserError, match="explanations of lexical, second; say which"):
        tacit.score(run)


def test_explanations_of_another_dictionary_are_refused(run):
    folder = explain(run).folder
    manifest = read_manifest(folder)
    manifest["configuration"]["dictionary"] = "e" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for act in (lambda: explain(run), lambda: tacit.score(run)):
        with pytest.raises(UserError, match="dictionary.*eeee"):
            act()


def test_two_processes_do_not_write_at_once(run):
    import fcntl

    folder = explain(run).folder
    with (folder / ".lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="in use by process .*another --name"):
            explain(run)


def test_labels_explain_where_the_text_has_them(run, tmp_path, tiny):
    found = explain(run, "label")
    assert found.num_explained + found.gaps.total() == 8
    assert found.num_explained > 2
    scored = tacit.score(run, control=False)
    (f1,) = (each for each in scored.headlines if each.name == "f1")
    told = [float(e.text.split("F1 ")[1][:3]) for e in found.explanations.explained]
    assert f1.value == pytest.approx(np.mean(told), abs=0.01)


def test_the_floors_stand_beside_every_score(scored):
    rows = pq.read_table(scored.folder / "scores.parquet").to_pylist()
    assert {row["explainer"] for row in rows} == {"lexical", "random", "unigram"}

    def values(explainer, figure="top-and-random"):
        return {
            row["feature"]: row["value"]
            for row in rows
            if row["explainer"] == explainer and row["figure"] == figure
            if row["value"] is not None
        }

    def result(name, **of):
        (found,) = (
            each
            for each in scored.records
            if each.name == name and of.items() <= each.of.items()
        )
        return found

    own = values("lexical")
    at = {"scorer": "simulation", "figure": "top-and-random"}
    mean = result("explanation_correlation", explainer="lexical", **at)
    assert mean.value == pytest.approx(np.mean(list(own.values())))
    assert mean.n == len(own)
    assert mean.of["chance"] == 0.0
    for floor in ("random", "unigram"):
        theirs = values(floor)
        of_floor = result("explanation_correlation", explainer=floor, **at)
        assert of_floor.value == pytest.approx(np.mean(list(theirs.values())))
        apart = [own[each] - theirs[each] for each in own if each in theirs]
        over = result("over_control", control=floor, **at)
        assert over.value == pytest.approx(np.mean(apart))
        assert over.n == len(apart)
    assert result("over_control", control="random", **at).interval[0] > 0.3
    assert result("detection_accuracy", explainer="lexical").of["chance"] == 0.5


def test_agreement_of_scorers_is_spearmans_over_features(scored):
    from scipy.stats import spearmanr

    rows = pq.read_table(scored.folder / "scores.parquet").to_pylist()
    sides = [
        {
            row["feature"]: row["value"]
            for row in rows
            if row["explainer"] == "lexical" and row["scorer"] == name
            if row["figure"] in ("top-and-random", "balanced accuracy")
        }
        for name in ("simulation", "fuzzing")
    ]
    expected = spearmanr(*([side[each] for each in sides[0]] for side in sides)).statistic
    (found,) = (
        each for each in scored.records if each.of.get("of") == "simulation with fuzzing"
    )
    assert found.value == pytest.approx(expected)


def test_the_report_shows_explanations_with_the_text_for_and_against_them(scored):
    facts = pq.read_table(scored.folder / "artifacts/facts.parquet").to_pylist()
    contexts = pq.read_table(scored.folder / "artifacts/contexts.parquet").to_pylist()
    page = scored.report.read_text()
    assert len(facts) == 8
    for fact in facts:
        assert fact["explanation"] in page.replace("&#34;", '"').replace("&#39;", "'")
        assert len(fact["figures"]) == 7
    kinds = Counter(each["kind"] for each in contexts)
    assert kinds[FOR] > 0 and kinds[MISSED] + kinds[FALSE] > 0
    for kind in kinds:
        assert kind.capitalize() in page
    held_out = learned_run(scored.folder.parents[3]).index.tokens
    documents = learned_run(scored.folder.parents[3]).index.manifest["documents"]
    unseen = {
        documents[each]
        for each, held in zip(
            held_out.column("document").to_pylist(),
            held_out.column("held_out").to_pylist(),
            strict=True,
        )
        if held
    }
    for each in contexts:
        assert each["document"] in unseen
        true, predicted = (each[side][each["peak"]] for side in ("values", "predicted"))
        if each["kind"] == MISSED:
            assert true > predicted
        if each["kind"] == FALSE:
            assert predicted > true


def test_scores_go_on_where_they_were_and_a_new_scorer_is_asked_alone(run):
    explain(run)
    first = tacit.score(run, scorers=("detection",))
    assert first.worked.num_done == 8
    both = tacit.score(run, scorers=("detection", "fuzzing"))
    assert (both.worked.num_before, both.worked.num_done) == (8, 8)
    again = (both.folder / "scores.parquet").read_bytes()
    assert tacit.score(run, scorers=("fuzzing",)).records == both.records
    assert (both.folder / "scores.parquet").read_bytes() == again
    shutil.rmtree(both.folder)
    tacit.score(run, scorers=("detection", "fuzzing"))
    assert (both.folder / "scores.parquet").read_bytes() == again


def test_intervention_loads_the_subject_and_tells_its_price(run):
    explain(run, settings={**FEW, "num": 2})
    found = tacit.score(run, scorers=("intervention",), prefixes=4, control=False)
    assert [each.name for each in found.records] == [
        "intervention_accuracy",
        "intervention_price",
    ]
    rows = pq.read_table(found.folder / "scores.parquet").to_pylist()
    assert {row["n"] for row in rows} == {4}


def test_names_and_needs_that_cannot_be_met_are_refused(run, tmp_path, scored):
    with pytest.raises(UserError, match="no explanations yet"):
        tacit.score(run)
    with pytest.raises(UserError, match="no explanations yet"):
        find_features("word", run)
    with pytest.raises(UserError, match="no explanations yet"):
        explain(run, "random")
    with pytest.raises(UserError, match="Did you mean 'lexical'"):
        explain(run, "lexica")
    with pytest.raises(UserError, match="no provider of chat models is called 'opnai'"):
        explain(run, "opnai/gpt")
    with pytest.raises(UserError, match="--max-cost was given, and lexical asks no chat"):
        explain(run, settings={**FEW, "spending.max_cost": 1.0})
    with pytest.raises(UserError, match="both --price-in and --price-out"):
        explain(run, NAME.replace("scripted", "mockllm"), settings={"spending.price_in": 1})
    with pytest.raises(UserError, match=r"budget of 1\.0 dollars.*give its prices"):
        explain(run, "mockllm/model", settings={**FEW, "spending.max_cost": 1.0})
    with pytest.raises(UserError, match="holds a scores, and features are explained of"):
        explain(scored.folder)
    assert not (run / "explanations").exists()


def test_label_needs_labels(run):
    index = run / "index"
    tokens = pq.read_table(index / "tokens.parquet")
    kept = [name for name in tokens.column_names if not name.startswith("label")]
    pq.write_table(tokens.select(kept), index / "tokens.parquet")
    manifest = read_manifest(index)
    manifest["labels"] = []
    manifest["checksums"]["tokens.parquet"]["bytes"] = (
        (index / "tokens.parquet").stat().st_size
    )
    (index / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="label"):
        explain(run, "label")
    assert not (run / "explanations").exists()


def test_the_floor_of_other_features_can_be_explained_and_scored_itself(run):
    explain(run)
    found = explain(run, "random")
    texts = [
        {
            each.feature: each.text
            for each in explanations_in(learned_run(run), name).explained
        }
        for name in ("lexical", "random")
    ]
    assert texts[0].keys() == texts[1].keys()
    assert sorted(texts[0].values()) == sorted(texts[1].values())
    assert found.num_explained == 8
    scored = tacit.score(run, explainer="random", scorers=("simulation",))
    assert scored.headlines[0].of["explainer"] == "random"
    assert scored.headlines[0].value < 0.3


def test_a_query_finds_features_by_their_words_and_by_what_the_model_makes_of_it(scored):
    run = scored.folder.parents[3]
    explained = explanations_in(learned_run(run)).explained
    sought = explained[3]
    for by in ("words", "likeness"):
        found = find_features(sought.text, run, by=by)
        assert found[0].row.feature == sought.feature
    found = find_features("return math.sqrt(scale)", run, by="activations", num=3)
    assert 0 < len(found) <= 3
    with pytest.raises(UserError, match="no way to search is called 'meaning'"):
        find_features("word", run, by="meaning")


def test_what_neuronpedia_is_given_comes_back_and_can_be_scored(run, tmp_path):
    explain(run)
    tacit.score(run, scorers=("simulation",), control=False)
    own = explanations_in(learned_run(run), "lexical").explained
    path = tmp_path / "given.jsonl.gz"
    names = {"model": "tiny", "source": "0-res"}
    files, num = give(run, path, **names)
    assert (files, num) == ([path], 8)
    taken = take(run, path, **names)
    assert (taken.num_taken, taken.num_further) == (8, 0)
    assert {e.feature: e.text for e in taken.explanations.explained} == {
        e.feature: e.text for e in own
    }
    assert take(run, path, **names).num_taken == 8
    with pytest.raises(UserError, match="neuronpedia have no reader of their own"):
        tacit.score(run, explainer="neuronpedia")
    with pytest.raises(UserError, match="explanations of tiny/1-res were asked for"):
        take(run, path, model="tiny", source="1-res", name="other")
    assert not (run / "explanations" / "other").exists()


def test_a_notebook_whose_loop_runs_can_explain(run):
    async def cell():
        return explain(run)

    assert asyncio.run(cell()).num_explained == 8


def test_the_example_on_the_page_runs(tiny_run, tmp_path, monkeypatch):
    page = Path(__file__).parents[2] / "docs" / "explanations.md"
    (block,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    shutil.copytree(tiny_run, tmp_path / "runs" / "first")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "docs/explanations.md", "exec"), {})
