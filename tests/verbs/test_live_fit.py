"""A dictionary straight from a model: the same kind of dictionary, no store left behind."""

import pytest
import torch
from typer.testing import CliRunner

from tacit.base.errors import UserError
from tacit.cli.commands import app
from tacit.verbs.fitting import fit_live, fit_one
from tacit.verbs.quick import measure
from tacit.verbs.settings import FitSettings

FAST = FitSettings(num_atoms=32, k=4, steps=60, batch=256)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory, tiny, programs):
    out = tmp_path_factory.mktemp("live") / "d"
    return fit_live(str(tiny), str(programs), "resid.0", out, settings=FAST), out


def test_it_is_as_good_as_one_from_a_store(fitted, tmp_path, tiny, tiny_store):
    made, out = fitted
    fit_one(tiny_store.folder, "resid.0", tmp_path / "stored", settings=FAST)

    def fvu(folder):
        run = measure(
            *(str(tiny), folder),
            store=tiny_store.folder,
            out=tmp_path / f"measured {folder.name}",
            measures=("fidelity",),
            baselines=(),
        )
        return next(each.value for each in run.records if each.name == "fvu")

    assert made.contract.site == "resid.0"
    assert fvu(out) == pytest.approx(fvu(tmp_path / "stored"), rel=0.25)
    assert sorted(path.name for path in out.iterdir()) == [
        "dictionary.json",
        "dictionary.safetensors",
        "manifest.json",
    ]


def test_transcoders_and_crosscoders_need_no_store_either(tmp_path, tiny, programs):
    ways = {"settings": FAST.model_copy(update={"steps": 5})}
    pair = fit_live(
        str(tiny), str(programs), "resid.0", tmp_path / "t", target="mlp.1", **ways
    )
    assert (pair.contract.site, pair.contract.target) == ("resid.0", "mlp.1")
    both = fit_live(str(tiny), str(programs), ["resid.0", "mlp.1"], tmp_path / "c", **ways)
    assert set(both.outcome["parts"]) == {"resid.0", "mlp.1"}


def test_the_command_reads_a_model_without_a_store(tmp_path, tiny, programs):
    words = [
        "fit",
        str(tiny),
        "--text",
        str(programs),
        "--site",
        "resid.0",
        "--atoms",
        "16",
    ]
    words += [
        "--k",
        "2",
        "--steps",
        "5",
        "--batch",
        "256",
        "--buffer-rows",
        "600",
        "--quiet",
    ]
    told = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "d")])
    assert told.exit_code == 0, told.output
    assert "16 atoms of width 16" in told.stdout
    assert "rows read, " in told.stdout
    assert " left out for their norm, 0 given twice" in told.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to fit was named"),
        (["pycode", "--store", "runs/s"], "beside it"),
        (["--store", "runs/s", "--buffer-rows", "9"], "beside it"),
    ],
)
def test_what_is_read_is_one_thing(tmp_path, words, message):
    told = CliRunner().invoke(
        app, ["fit", *words, "--site", "x", "--out", str(tmp_path / "d")]
    )
    assert isinstance(told.exception, UserError) or told.exit_code == 2
    assert message in (str(told.exception) + told.output)


def test_an_unknown_site_is_told_before_the_text_is_read(tmp_path, tiny):
    with pytest.raises(UserError, match="resid.9"):
        fit_live(str(tiny), "./nowhere", "resid.9", tmp_path / "d", settings=FAST)


def test_a_killed_fit_goes_on(tmp_path, tiny, programs, monkeypatch):
    from tacit.activations.live import Live

    whole, calls = Live.block, []

    def stops(self, i):
        calls.append(i)
        if i == 4 and len(calls) < 8:
            raise InterruptedError
        return whole(self, i)

    settings = FAST.model_copy(update={"steps": 8})
    alone = fit_live(str(tiny), str(programs), "resid.0", tmp_path / "a", settings=settings)
    monkeypatch.setattr(Live, "block", stops)
    with pytest.raises(InterruptedError):
        fit_live(str(tiny), str(programs), "resid.0", tmp_path / "b", settings=settings)
    again = fit_live(str(tiny), str(programs), "resid.0", tmp_path / "b", settings=settings)
    torch.testing.assert_close(again.atoms, alone.atoms, atol=1e-5, rtol=1e-5)
