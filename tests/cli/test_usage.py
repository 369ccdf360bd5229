"""How the commands present themselves: help with an example, JSON alone, a frozen surface."""

import json
import re
import sys
from pathlib import Path

import pytest
import typer

from tacit import __version__
from tacit.cli.commands import app


def commands(group, path=()):
    """Return every command by its words, those of groups too."""
    found = {}
    for name, each in group.commands.items():
        inside = {**commands(each, (*path, name))} if hasattr(each, "commands") else {}
        found |= inside or {" ".join((*path, name)): each}
    return found


COMMANDS = commands(typer.main.get_command(app))
README = Path(__file__).parents[2] / "README.md"
SURFACE = Path(__file__).parent / "surface.txt"


def surface() -> str:
    """Return every command with its arguments and options, one a line."""
    lines = []
    for name, each in sorted(COMMANDS.items()):
        lines.append(f"tacit {name}")
        for parameter in each.params:
            spelled = "/".join([*parameter.opts, *parameter.secondary_opts])
            notes = [
                note
                for note, holds in {
                    "needed": parameter.required,
                    "repeatable": parameter.multiple,
                    "flag": parameter.param_type_name == "option" and parameter.is_flag,
                    f"default {parameter.default}": parameter.default not in (None, False),
                }.items()
                if holds
            ]
            lines.append("    " + " ".join([spelled, *notes]))
    return "\n".join(lines) + "\n"


def test_commands_and_options_are_the_recorded_ones():
    assert surface() == SURFACE.read_text(), (
        "the command line changed. People's scripts use it: if the change is meant, say so in "
        "its description and record it with `python tests/cli/test_usage.py`."
    )


def test_without_arguments_help_is_printed(command):
    ended = command()
    assert ended.code in (0, 2)  # Typer's version decides
    for name in COMMANDS:
        assert name.split()[0] in ended.out + ended.err


def test_the_version_is_printed(command):
    assert command("--version").finished().out == f"tacit {__version__}\n"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_explained_with_an_example(command, name):
    each = COMMANDS[name]
    assert each.help, name
    assert each.epilog.startswith(f"Example: tacit {name}"), name
    for parameter in each.params:
        assert parameter.help, f"{name} {parameter.name}"
    shown = command(*name.split(), "--help").finished().out
    assert "Example:" in shown
    assert f"tacit {name}" in shown


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_example_has_the_form_of_its_command(name):
    words = COMMANDS[name].epilog.removeprefix("Example: tacit ").split()
    COMMANDS[name].make_context(name, words[len(name.split()) :])  # parses, runs nothing


def test_commands_that_the_readme_shows_exist():
    shown = re.findall(r"^tacit ([a-z-]+)", README.read_text(), re.MULTILINE)
    assert shown
    assert set(shown) <= {name.split()[0] for name in COMMANDS}


@pytest.mark.parametrize(
    "words",
    [
        ["lern"],
        ["learn", "--sitee", "resid.0"],
        ["fit", "--site", "resid.0"],
        ["show", "first"],
        ["show", "3", "--num", "0"],
        ["show", "3", "--around", "-1"],
        ["fit", "--store", "s", "--site", "x", "--out", "o", "--seed", "-1"],
        ["measure", "m", "--dictionary", "d", "--store", "s", "--seed", "-1"],
    ],
)
def test_wrong_usage_exits_with_two_and_shows_the_way_to_help(command, words):
    ended = command(*words)
    assert (ended.code, ended.out) == (2, "")
    assert "--help" in ended.err
    assert "Traceback" not in ended.err


def test_json_stands_alone_on_standard_output(
    command, tmp_path, tiny, programs, tiny_store, dictionary, index, busiest
):
    harvested = command(
        *("harvest", tiny, "--site", "resid.0", "--text", programs),
        *("--out", tmp_path / "store", "--json"),
    ).finished()
    assert json.loads(harvested.out)["sites"] == ["resid.0"]
    listed = command("list", "sites", tiny, "--json").finished()
    assert {"name": "resid.1", "about": "16 wide"} in json.loads(listed.out)
    measured = command(
        *("measure", "--model", tiny, "--dictionary", dictionary),
        *("--store", tiny_store.folder, "--json", "--only", "fidelity"),
        *("--out", tmp_path / "measured"),
    ).finished()
    assert "fvu" in {record["name"] for record in json.loads(measured.out)["records"]}
    shown = command("show", busiest, "--index", index, "--json").finished()
    assert {context["feature"] for context in json.loads(shown.out)} == {busiest}
    for ended in (harvested, listed, measured, shown):
        assert ended.err == ""


def test_effects_of_a_feature_are_printed_or_json(
    command, tmp_path, tiny, tiny_store, dictionary, index, busiest
):
    words = ("show", busiest, tiny, "--index", index, "--dictionary", dictionary)
    words += ("--store", tiny_store.folder, "--out", tmp_path / "case", "--effects")
    printed = command(*words, "--quiet").finished()
    assert printed.err == ""
    for told in (
        "fires on",
        "its nearest neuron: neuron",
        "random weights: feature",
        "nats",
    ):
        assert told in printed.out
    assert printed.out.endswith(f"report: {tmp_path / 'case' / 'report.html'}\n")
    found = json.loads(command(*words, "--json").finished().out)
    assert {context["feature"] for context in found["contexts"]} == {busiest}
    assert [len(arm["tables"]) for arm in found["arms"]] == [5, 5, 5]
    command(*words, "--windows", 2).refused("--replace")
    command(*words[:-1]).refused("MODEL, --dictionary, --store, --out goes with --effects")


def test_learn_prints_json_and_does_nothing_twice(command, tmp_path, tiny, programs):
    out = tmp_path / "run"
    words = ("learn", tiny, "--site", "resid.0", "--text", programs, "--out", out, "--k", 4)
    fast = ("--steps", 20, "--set", "fit.batch=256", "--set", "frontier=none")
    fast += ("--set", "shown_features=2", "--json")
    ended = command(*words, *fast).finished()
    found = json.loads(ended.out)
    assert ended.err == ""
    names = [headline["name"] for headline in found["headlines"]]
    assert names == ["fvu", "l0", "loss_recovered", "dead_share", "f1"]
    report = Path(found["report"])
    first = report.read_bytes()
    report.unlink()  # it may be deleted: it is drawn from the rest
    assert json.loads(command(*words, *fast).finished().out) == found
    assert report.read_bytes() == first
    in_words = command(*words, *fast[:-1]).finished().out
    assert in_words.startswith(f"report: {report}\n")
    assert "variance unexplained" in in_words
    shown = command("show", 3, "--run", out).finished().out
    assert shown.startswith("feature 3: fires on")


def test_compare_prints_a_table_or_json(command, tmp_path, tiny, programs):
    run, out = tmp_path / "run", tmp_path / "compared"
    words = ("learn", tiny, "--site", "resid.0", "--text", programs, "--out", run, "--k", 4)
    fast = ("--steps", 20, "--set", "fit.batch=256", "--set", "shown_features=2")
    fast += ("--set", "frontier.k=[]", "--set", "frontier.penalties=[]")
    fast += ("--set", 'frontier.baselines=["pca"]', "--set", "frontier.supervised=[]")
    command(*words, *fast, "--quiet").finished()
    ended = command("compare", run, "--out", out, "--quiet").finished()
    assert ended.out.startswith(f"report: {out / 'report.html'}\n")
    assert "variance unexplained (FVU): value, and minus that of run:main" in ended.out
    assert re.search(r"run:main +0\.\d+ \(.* to .*\) +the reference\n", ended.out)
    assert re.search(r"run:pca_k-4 +0\.\d+ \(.*\) +[+-]0\.\d+ \(.*\), n = \d+\n", ended.out)
    found = json.loads(command("compare", run, "--out", out, "--json").finished().out)
    assert found["reference"] == "run:main"
    assert "fvu_difference" in {record["name"] for record in found["records"]}
    command("compare", run, "--out", out, "--reference", "run").finished()
    command("compare", run, "--out", out, "--reference", "pca_k-4").refused("--replace")
    command("compare", run, "--out", tmp_path / "x", "--reference", "pca_k-5").refused(
        "Did you mean 'run:pca_k-4'"
    )
    command("compare", tmp_path, "--out", tmp_path / "x").refused("manifest.json")


def test_demo_learns_its_own_defaults_unless_they_are_set(command, monkeypatch, tmp_path):
    import tacit.verbs.learn

    asked = []

    def learn(settings, out, **_):
        asked.append((settings, out))
        raise KeyboardInterrupt

    monkeypatch.setattr(tacit.verbs.learn, "learn", learn)
    ended = command("demo", "--out", tmp_path / "demo", "--set", "fit.steps=5")
    assert ended.code == 130
    settings, out = asked[0]
    assert (settings.model, settings.site, settings.fit.steps) == ("pycode", "resid.2", 5)
    assert out == tmp_path / "demo"


if __name__ == "__main__":
    SURFACE.write_text(surface())
    sys.stdout.write(f"{SURFACE} is written\n")
