"""``tacit explain``, ``score``, ``find`` and ``exchange`` from the command line."""

import asyncio
import json
import shutil
import signal

import pytest

from explanations.lexical_chat import NAME, LexicalChat
from tacit.cli.explaining import numbers_in
from tacit.explanations.explanation import Explainer
from tacit.explanations.lexical import LexicalExplainer
from tacit.verbs import who_explains

SMALL = [
    word
    for setting in ("fragment_tokens=16", "shown=3", "scored=3", "fewest=8")
    for word in ("--set", f"protocol.{setting}")
]


@pytest.fixture
def run(tiny_run, tmp_path):
    return shutil.copytree(tiny_run, tmp_path / "run")


def test_features_are_explained_scored_found_and_exchanged(command, run, tmp_path):
    ended = command("explain", run, "--num", 6, *SMALL, "--quiet").finished()
    lines = ended.out.splitlines()
    assert lines[0].startswith(
        f"{run / 'explanations/lexical'}: 6 of 6 features explained, of "
    )
    assert lines[0].endswith("that can be explained")
    assert all("  active " in line for line in lines[1:])
    again = command("explain", run, "--num", 6, *SMALL, "--json").finished()
    told = json.loads(again.out)
    assert (told["num_before"], told["num_explained"], told["stopped"]) == (6, 6, None)

    words = ("score", run, "--scorer", "simulation", "--scorer", "detection", "--quiet")
    scored = command(*words).finished().out.splitlines()
    folder = run / "explanations/lexical/scores/lexical"
    assert scored[0] == f"report: {folder / 'report.html'}"
    assert scored[1].startswith("  simulation, top-and-random ")
    assert scored[1].endswith(", chance 0")
    assert scored[-1].endswith(", chance 0.5")
    plain = json.loads(command(*words[:-1], "--json").finished().out)
    names = {each["name"] for each in plain["records"]}
    assert {"explanation_correlation", "detection_accuracy", "over_control"} <= names

    text = lines[1].split(maxsplit=1)[1]
    found = command("find", text, "--run", run, "--num", 1).finished().out
    assert f"{told['asked'][0]}  lexical: {text}" in found
    by_json = command("find", text, "--run", run, "--by", "likeness", "--json").finished()
    features = [each["row"]["feature"] for each in json.loads(by_json.out)]
    assert told["asked"][0] in features

    where = ("--model", "tiny", "--source", "0-res")
    file = tmp_path / "given.jsonl"
    given = command("exchange", run, *where, "--out", file).finished()
    assert given.out == f"{file}: 6 explanations in 1 files\n"
    assert len(json.loads(file.read_text().splitlines()[0])["scores"]) >= 2
    taken = command("exchange", run, *where, "--from", file).finished()
    assert taken.out == f"{run / 'explanations/neuronpedia'}: 6 explanations\n"


def test_a_budget_is_no_error_and_says_how_to_go_on(
    command, run, tiny_run, tiny_subject, monkeypatch
):
    chat = LexicalChat(tiny_run, tiny_subject)
    monkeypatch.setitem(who_explains.CHATS, "scripted", chat)
    words = ("explain", run, "--explainer", NAME, "--num", 6, *SMALL, "--at-once", 1)
    prices = ("--price-in", 1, "--price-out", 2)
    ended = command(*words, *prices, "--max-cost", 0.001, "--quiet").finished()
    assert "stopped: the budget is reached: " in ended.out
    assert "give the same command again to go on." in ended.out
    assert "spent: " in ended.out and " dollars\n" in ended.out
    num_asked = chat.num_asked
    assert 0 < num_asked < 6
    rest = command(*words, "--quiet").finished().out
    assert "6 of 6 features explained" in rest
    assert "stopped" not in rest
    assert "price not known" in rest
    assert chat.num_asked == 6


class Stopping(Explainer):
    """The lexical explainer; somebody presses Ctrl-C at the third feature."""

    name, version = LexicalExplainer.name, LexicalExplainer.version
    num_asked = 0

    async def explain(self, exhibits):
        self.num_asked += 1
        if self.num_asked == 3:
            signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(0)
        return await LexicalExplainer().explain(exhibits)


def test_ctrl_c_keeps_what_is_done(command, run, monkeypatch):
    words = ("explain", run, "--num", 6, *SMALL, "--at-once", 1)
    with monkeypatch.context() as patched:
        patched.setitem(who_explains.EXPLAINERS, "lexical", ("", lambda _: Stopping()))
        ended = command(*words, "--quiet")
    assert (ended.code, ended.out) == (130, "")
    assert "What is finished is kept" in ended.err
    rest = json.loads(command(*words, "--json").finished().out)
    assert (rest["num_before"], rest["num_explained"]) == (2, 6)


def test_mistakes_are_one_message(command, run, tmp_path):
    explain = ("explain", run, *SMALL)
    command(*explain, "--features", "3-x").refused("--features 3-x", "0-99,812")
    command(*explain, "--features", "3,4000").refused("feature 4000", "0 to 127")
    command(*explain, "--features", "3", "--num", 2).refused("one of the two")
    command(*explain, "--explainer", "lexicl").refused("Did you mean 'lexical'?")
    command(*explain, "--explainer", "label", "--max-cost", 1).refused("--max-cost")
    command(*explain, "--explainer", "mockllm/x", "--max-cost", 1).refused("its prices")
    command(*explain, "--explainer", "gpt-4o").refused("PROVIDER/MODEL")
    command("explain", tmp_path).refused("no manifest.json")
    command("score", run).refused("no explanations yet", f"tacit explain {run}")
    command("find", "word", "--run", run).refused("no explanations yet")
    command("exchange", run, "--model", "m", "--source", "s").refused("--out", "--from")
    assert not (run / "explanations").exists()


def test_a_model_without_its_key_is_refused(command, run, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    command("explain", run, "--explainer", "openai/gpt-4o", *SMALL).refused(
        "OPENAI_API_KEY"
    )
    assert not (run / "explanations").exists()


@pytest.mark.parametrize("what", ["explainers", "readers", "scorers", "prompts"])
def test_the_names_that_these_commands_take_are_listed(command, what):
    listed = command("list", what).finished().out
    assert {"explainers": "lexical", "readers": "label", "scorers": "fuzzing"}.get(
        what, "fragments-1"
    ) in listed


def test_features_are_numbers_and_ranges():
    assert numbers_in("0-3,12, 7") == [0, 1, 2, 3, 12, 7]
