"""Any dictionary is scored by every measure in one run: resumable, refused where it cannot be."""

import json
import shlex

import pytest
import torch

import tacit
import tacit.verbs.measure
from tacit.base.configuration import gather
from tacit.base.errors import UserError
from tacit.base.folders import partial_of
from tacit.base.records import Gap, Result
from tacit.dictionaries import METHODS, load_dictionary, save_dictionary
from tacit.evaluations.readings import read_readings
from tacit.evaluations.suite import MEASURES
from tacit.verbs.fit import fit_store
from tacit.verbs.measure import command_of
from tacit.verbs.measured_text import foretold
from tacit.verbs.members import Member, make
from tacit.verbs.settings import MeasureSettings, PaceSettings, TextSettings
from tacit.verbs.source import Source

SITE = "resid.0"
SIZES = {"num_atoms": 48, "k": 4, "penalty": 0.1, "num_vectors": 2_000}
FEWER = {"pca": 16, "ica": 16, "neuron-basis": 16, "orthonormal": 16}
"""Atoms of bases that have no more than the site is wide."""
SMALL = {"stability": {"steps": 10}, "explanations": {"features": 6}}
FAST = {"size": "quick", "extra": SMALL}


@pytest.fixture(scope="module")
def dictionaries(tmp_path_factory, tiny_store):
    """The folder of a dictionary of every method, by its name."""
    folder = tmp_path_factory.mktemp("every method")
    members = {
        name: Member(
            method=make(name, SIZES | {"num_atoms": FEWER.get(name, 48)}, {}),
            of={"method": name},
        )
        for name in METHODS
    }
    source = Source(stores=[tiny_store], sites=[SITE])
    pace = PaceSettings(batch=256, steps=60)
    fit_store(source, members, pace, folder, seed=0)
    return {name: folder / name / "seed-0" for name in METHODS}


def measured(tiny, folder, store, out, **more):
    return tacit.measure(tiny, folder, store=store.folder, out=out, **{**FAST, **more})


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny, dictionaries, tiny_store):
    out = tmp_path_factory.mktemp("measured") / "top-k"
    return measured(tiny, dictionaries["top-k"], tiny_store, out, baselines=("random",))


@pytest.mark.parametrize("method", sorted(METHODS))
def test_the_suite_scores_every_method(
    method, tmp_path, tiny, dictionaries, tiny_store, run
):
    if method == "top-k":
        found = run
    else:
        ways = {"out": tmp_path / "run", "baselines": ()}
        found = measured(tiny, dictionaries[method], tiny_store, **ways)
    told = {each.of.get("measure") for each in found.records}
    assert set(MEASURES) <= told
    own = [each for each in found.records if isinstance(each, Result)]
    assert {each.of["method"] for each in own} == {method}
    gaps = [each for each in found.records if isinstance(each, Gap)]
    assert all(each.reason for each in gaps)
    whole = {name for name in MEASURES for each in own if each.of["measure"] == name}
    # The tiny model says too little for some; nothing may be missing for all methods' sake.
    assert {"fidelity", "loss", "probing", "absorption", "stability"} <= whole
    page = found.report.read_text()
    assert "How far" in page and "Unit by unit" in page


def test_figures_add_up_from_the_readings_kept(run):
    readings = read_readings(run.folder / "artifacts" / "readings.parquet")
    own = [
        each
        for each in readings
        if each.figure == "fvu" and each.of["basis"] == "dictionary"
    ]
    fvu = sum(each.top for each in own) / sum(each.bottom for each in own)
    (record,) = (
        each
        for each in run.records
        if each.name == "fvu" and each.of["basis"] == "dictionary"
    )
    assert record.value == pytest.approx(fvu)
    assert record.n == len(own)


def test_differences_from_baselines_are_paired_and_told(run):
    found = [each for each in run.records if each.name == "figure_difference"]
    assert {each.of["minus"] for each in found} == {"random"}
    (one,) = (
        each
        for each in found
        if each.of["figure"] == "fvu" and each.of["minus"] == "random"
    )
    fvu = {
        each.of["basis"]: each.value
        for each in run.records
        if isinstance(each, Result) and each.name == "fvu"
    }
    assert one.value == pytest.approx(fvu["dictionary"] - fvu["random"])
    assert one.interval is not None
    assert "Against the baselines" in run.report.read_text()


def test_the_command_kept_makes_the_same_settings(tmp_path):
    asked = {"model": "a b", "dictionary": "d", "size": "quick", "measures": ["probing"]}
    asked |= {
        "extra.probing.ks": [1, 2],
        "baselines": [],
        "seed": 3,
        "text.source": "stories",
    }
    settings, passed = gather(MeasureSettings, given=asked)
    words = shlex.split(command_of(settings, passed, tmp_path / "out"))
    assert words[:5] == ["tacit", "measure", "a b", "--dictionary", "d"]
    sets = [
        word for word, before in zip(words[1:], words, strict=False) if before == "--set"
    ]
    again, _ = gather(
        MeasureSettings, sets=sets, options={"model": words[2], "dictionary": words[4]}
    )
    assert again == settings


def test_the_cache_is_foretold_before_anything_is_made(
    tiny, dictionaries, tiny_store, programs
):
    plain = {"model": str(tiny), "dictionary": str(dictionaries["top-k"])}
    told = foretold(MeasureSettings(**plain, store=str(tiny_store.folder)))
    assert "rows of width 16" in told and "about 4.0 active atoms a row" in told
    text = TextSettings(source=str(programs))
    assert f"{programs} (all of it)" in foretold(MeasureSettings(**plain, text=text))


def test_a_finished_run_is_returned_and_other_settings_are_refused(
    run, tiny, dictionaries, tiny_store
):
    folder = dictionaries["top-k"]
    again = measured(tiny, folder, tiny_store, run.folder, baselines=("random",))
    assert again.records == run.records
    with pytest.raises(UserError, match="seed"):
        measured(tiny, folder, tiny_store, run.folder, baselines=("random",), seed=1)


def test_a_stopped_run_goes_on_behind_the_last_measure(
    tmp_path, tiny, dictionaries, tiny_store, monkeypatch
):
    out, done = tmp_path / "run", []
    plain = tacit.verbs.measure.run_measure

    def counted(measure, *more):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(measure.name)
        return plain(measure, *more)

    only = {"measures": ("fidelity", "loss", "perturbation"), "baselines": ()}
    monkeypatch.setattr(tacit.verbs.measure, "run_measure", counted)
    with pytest.raises(KeyboardInterrupt):
        measured(tiny, dictionaries["top-k"], tiny_store, out, **only)
    kept = sorted(path.stem for path in (partial_of(out) / "measured").glob("*.json"))
    assert kept == sorted(done) == ["fidelity", "loss"]
    monkeypatch.setattr(tacit.verbs.measure, "run_measure", plain)
    whole = measured(tiny, dictionaries["top-k"], tiny_store, out, **only)
    fresh = measured(tiny, dictionaries["top-k"], tiny_store, tmp_path / "fresh", **only)
    assert whole.records == fresh.records


def test_text_is_harvested_as_the_dictionary_expects(
    tmp_path, tiny, dictionaries, programs
):
    found = tacit.measure(
        *(tiny, dictionaries["top-k"]),
        text=programs,
        out=tmp_path / "run",
        measures=("fidelity",),
        baselines=(),
    )
    store = json.loads((found.folder / "store" / "manifest.json").read_text())
    contract = load_dictionary(dictionaries["top-k"]).contract
    for name in ("prepend_bos", "context_tokens", "high_norm_factor"):
        assert store["configuration"][name] == vars(contract)[name]


def test_what_does_not_belong_together_is_refused(
    tmp_path, tiny, dictionaries, tiny_store, programs
):
    folder = dictionaries["top-k"]
    with pytest.raises(UserError, match="is not the subject that the dictionary"):
        tacit.measure("pycode", folder, store=tiny_store.folder, out=tmp_path / "a")
    with pytest.raises(UserError, match="both a store"):
        ways = {"store": tiny_store.folder, "text": programs}
        tacit.measure(tiny, folder, out=tmp_path / "b", **ways)
    with pytest.raises(UserError, match="Did you mean 'probing'"):
        measured(tiny, folder, tiny_store, tmp_path / "c", measures=("probin",))
    elsewhere = tmp_path / "elsewhere"
    own = load_dictionary(folder)
    wider = torch.nn.functional.pad(own.atoms, (0, 4))
    changed = vars(own) | {"atoms": wider, "encoder": wider}
    changed |= {"centre": torch.zeros(wider.shape[1])}
    save_dictionary(type(own)(**changed), elsewhere)
    with pytest.raises(UserError, match="20, and resid.0 of"):
        measured(tiny, elsewhere, tiny_store, tmp_path / "d")
    with pytest.raises(UserError, match="no baseline is called 'pcs'.*'pca'"):
        measured(tiny, folder, tiny_store, tmp_path / "e", baselines=("pcs",))
    assert not any(tmp_path.glob(".*.partial"))
