"""A sweep draws every method's frontier, chooses by its rule, and goes on where it was stopped."""

import json
import math

import pyarrow.parquet as pq
import pytest
import torch

import tacit.verbs.sweep
from tacit.base.errors import UserError
from tacit.base.records import Gap, Result
from tacit.dictionaries import load_dictionary
from tacit.verbs.choice import Tried, against_priced, choose
from tacit.verbs.settings import PaceSettings, TextSettings
from tacit.verbs.sweep import line_of, sweep
from tacit.verbs.sweep_members import swept_members
from tacit.verbs.sweep_settings import ChoiceSettings, SweepSettings


def settings_for(tiny, programs, **changes) -> SweepSettings:
    plain = {
        "model": str(tiny),
        "site": "resid.0",
        "text": TextSettings(source=str(programs)),
        "fit": PaceSettings(steps=20, batch=256, atoms_per_dimension=2),
        "methods": ("top-k", "relu-l1"),
        "baselines": ("random",),
        "k": (2, 4),
        "penalties": (0.05, 0.5),
        "seeds": (3, 5),
        "loss_windows": 4,
    }
    return SweepSettings(**{**plain, **changes})


@pytest.fixture(scope="module")
def swept(tmp_path_factory, tiny, programs):
    out = tmp_path_factory.mktemp("sweeps") / "one"
    return sweep(settings_for(tiny, programs), out)


def test_every_method_is_measured_at_every_sparsity_and_seed(swept):
    fvus = [
        (each.of["method"], each.of.get("k", each.of.get("penalty")), each.of["seed"])
        for each in swept.records
        if isinstance(each, Result)
        and each.name == "fvu"
        and each.of["positions"] == "usable"
    ]
    values = {"top-k": (2, 4), "relu-l1": (0.05, 0.5), "random": (2, 4)}
    assert sorted(fvus) == sorted(
        (name, value, seed)
        for name, own in values.items()
        for value in own
        for seed in (3, 5)
    )
    kept = [each for each in swept.records if each.name == "loss_recovered"]
    assert len(kept) == len(fvus) * 4  # usable and all positions, against zero and mean
    clean = [
        each
        for each in swept.records
        if each.name == "cross_entropy" and each.of.get("edit") == "none"
    ]
    assert len(clean) == 2


def test_the_chosen_dictionary_is_the_first_seeds_and_can_be_opened(swept):
    key = swept.choice["setting"]
    own = load_dictionary(swept.folder / "dictionaries" / key / "seed-3")
    assert torch.equal(swept.chosen.atoms, own.atoms)
    assert swept.choice["because"]
    table = pq.read_table(swept.folder / "artifacts" / "frontier.parquet")
    row = next(each for each in table.to_pylist() if each["key"] == key)
    assert math.isclose(row["fvu"], swept.choice["means"]["fvu"])
    page = swept.report.read_text(encoding="utf-8")
    assert "At equal L0" in page or "Every setting" in page
    assert swept.choice["because"][:40] in page


def test_a_finished_sweep_is_read_again_and_another_refused(swept, tiny, programs):
    again = sweep(settings_for(tiny, programs), swept.folder)
    assert again.records == swept.records
    with pytest.raises(UserError, match="seeds"):
        sweep(settings_for(tiny, programs, seeds=(4,)), swept.folder)


def test_a_sweep_that_was_stopped_measures_only_what_is_missing(
    tmp_path, tiny, programs, monkeypatch, swept
):
    whole, asked = tacit.verbs.sweep._figures_of, []

    def stops(settings, subject, store, member, fitted):
        asked.append(dict(member.of))
        if len(asked) == 3:
            raise InterruptedError
        return whole(settings, subject, store, member, fitted)

    monkeypatch.setattr(tacit.verbs.sweep, "_figures_of", stops)
    with pytest.raises(InterruptedError):
        sweep(settings_for(tiny, programs), tmp_path / "one")
    assert not (tmp_path / "one").exists()
    again = sweep(settings_for(tiny, programs), tmp_path / "one")
    assert len(asked) == 3 + 6 - 2
    assert again.records == swept.records


def test_a_store_that_is_there_is_read(tmp_path, tiny, programs, swept):
    store = swept.folder / "store"
    again = sweep(settings_for(tiny, programs, store=str(store)), tmp_path / "two")
    assert again.records == swept.records
    assert not (tmp_path / "two" / "store").exists()


def measured(value, low=None, high=None):
    ends = None if low is None else (low, high)
    return Result(
        name="x", value=value, unit="1", better="lower", n=9, interval=ends, of={}
    )


def setting(key, *, method="top-k", fvu, l0, kept=None, dead=0.0):
    """One setting at two seeds, the second a little worse."""
    return Tried(
        key=key,
        of={"method": method, "k": 1},
        fvu=tuple(measured(v, v - 0.01, v + 0.01) for v in (fvu, fvu + 0.002)),
        l0=(measured(l0), measured(l0)),
        dead=(measured(dead), measured(dead)),
        kept=()
        if kept is None
        else tuple(measured(v, v - 0.01, v + 0.01) for v in (kept, kept - 0.002)),
    )


def test_the_sparsest_that_is_good_enough_is_chosen():
    rule = ChoiceSettings(loss_recovered=0.9, dead_share=0.1, tie=0.05)
    found = [
        setting("too sparse", fvu=0.3, l0=4, kept=0.905),  # its interval begins below .9
        setting("good", fvu=0.2, l0=10, kept=0.95),
        setting("near, and better", fvu=0.19, l0=10.4, kept=0.95),
        setting("denser", fvu=0.01, l0=30, kept=0.99),
        setting("dead", fvu=0.05, l0=5, kept=0.99, dead=0.2),
        setting("control", method="random", fvu=0.01, l0=1, kept=0.99),
    ]
    best, reason = choose(found, rule)
    assert best.key == "near, and better"
    assert "(3 of 5)" in reason
    best, reason = choose(found[:1], rule)
    assert best.key == "too sparse"
    assert reason.startswith("no dictionary reached")


def test_without_a_loss_the_rule_goes_by_fvu():
    found = [setting("sparse", fvu=0.3, l0=4), setting("good", fvu=0.18, l0=9)]
    assert choose(found, ChoiceSettings(fvu=0.2))[0].key == "good"
    assert choose(found, ChoiceSettings(fvu=0.1))[1].startswith(
        "no dictionary reached an FVU"
    )


def test_the_difference_at_equal_l0_is_read_off_a_line():
    # ReLU's FVU is 1 - log10(L0) / 2 at both seeds (+ .002 at the second, as for all).
    line = [
        setting("a", method="relu-l1", fvu=1.0, l0=1.0),
        setting("b", method="relu-l1", fvu=0.0, l0=100.0),
    ]
    own = [
        setting("c", fvu=0.5 - 0.125, l0=10.0),
        setting("outside", fvu=0.0, l0=1000.0),
    ]
    (found,) = against_priced([*line, *own], seed=0)
    assert isinstance(found, Result)
    assert found.value == pytest.approx(-0.125)
    assert (found.n, found.of["settings"]) == (2, 2)
    assert "top-k: FVU -0.1250" in (line_of(found) or "")
    (gap,) = against_priced([*line, own[1]], seed=0)
    assert isinstance(gap, Gap)
    assert line_of(gap) is None
    assert against_priced(own, seed=0) == []


def test_the_grid_is_every_sparsity_size_and_rate(tiny, programs):
    settings = settings_for(
        tiny, programs, sizes=(16, 32), learning_rates=(1e-3, 2e-3), k=(2, 20)
    )
    members, gaps = swept_members(settings, 16)
    assert [gap.of["num_atoms"] for gap in gaps if gap.of["method"] == "top-k"] == [16]
    assert len([key for key in members if key.startswith("top-k")]) == 2 * 3
    assert len([key for key in members if key.startswith("relu-l1")]) == 2 * 2 * 2
    assert len([key for key in members if key.startswith("random")]) == 3
    rates = {member.of.get("learning_rate") for member in members.values()}
    assert rates == {None, 1e-3, 2e-3}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": ("topk",)}, "no method is called 'topk'.*top-k"),
        ({"seeds": (-1,)}, r"seeds \[-1\] are not"),
        ({"seeds": (1, 1)}, "repeat"),
        ({"fit": PaceSettings(steps=5, batch=256, memory_gib=1e-6)}, "GiB are free"),
    ],
)
def test_what_cannot_be_swept_is_told(tmp_path, tiny, programs, changes, message):
    with pytest.raises(UserError, match=message):
        sweep(settings_for(tiny, programs, **changes), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_prints_what_was_chosen(tmp_path, tiny, programs, swept):
    from typer.testing import CliRunner

    from tacit.cli.commands import app

    words = [
        "sweep",
        str(tiny),
        "--site",
        "resid.0",
        "--store",
        str(swept.folder / "store"),
    ]
    words += ["--method", "top-k", "--seed", "0", "--steps", "5", "--set", "k=[2]"]
    words += ["--set", "fit.batch=256", "--set", "baselines=[]", "--set", "loss_windows=2"]
    words += ["--json", "--out", str(tmp_path / "out")]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    plain = json.loads(told.stdout)
    assert plain["choice"]["of"]["method"] == "top-k"
    assert (tmp_path / "out" / "chosen" / "dictionary.json").exists()
