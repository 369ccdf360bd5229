"""Five lines of Python make the run that the command makes."""

import pytest

import tacit
from tacit.base.folders import read_manifest

FAST = {"fit.steps": 20, "fit.batch": 256, "frontier": None, "shown_features": 2}


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny, programs):
    out = tmp_path_factory.mktemp("quick") / "run"
    return tacit.learn(
        tiny, site="resid.0", text=programs, out=out, fit__k=4, settings=FAST
    )


def test_a_run_is_made_and_answers(run):
    assert [record.name for record in run.headlines][:2] == ["fvu", "l0"]
    features = run.index.features.column("count").to_numpy()
    contexts = run.index.top(int(features.argmax()), num=2)
    assert len(contexts) == 2
    assert "".join(contexts[0].tokens)


def test_what_was_passed_is_told_from_what_was_not(run, tiny):
    manifest = read_manifest(run.folder)
    assert manifest["passed"] == sorted(["fit.k", "model", "site", "text.source", *FAST])
    settings = manifest["configuration"]["settings"]
    assert (settings["model"], settings["fit"]["k"]) == (str(tiny), 4)
    assert settings["frontier"] is None


def test_the_command_and_the_function_are_one(run, tiny, programs):
    sets = [f"{name}={'none' if value is None else value}" for name, value in FAST.items()]
    settings, _ = tacit.base.configuration.gather(
        tacit.LearnSettings,
        sets=[*sets, "fit.k=4", "site=resid.0"],
        options={"model": str(tiny), "text.source": str(programs)},
    )
    again = tacit.verbs.learn.learn(settings, run.folder)  # refused, were it another one
    assert again.records == run.records


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"fit__stepz": 1}, "Did you mean 'fit.steps'?"),
        ({"fit__k": 4, "settings": {"fit.k": 5}}, "setting fit.k was given twice"),
        ({"settings": {"site": "mlp.0"}}, "setting site was given twice"),
        ({"fit__k": "many"}, "fit.k = 'many' will not do"),
    ],
)
def test_mistakes_are_told_as_the_command_does(tmp_path, tiny, words, message):
    with pytest.raises(tacit.UserError, match=message.replace("?", r"\?")):
        tacit.learn(tiny, site="resid.0", out=tmp_path / "run", **words)
    assert list(tmp_path.iterdir()) == []
