"""``learn`` goes from a model and text to a folder that answers, and says how far to trust it."""

import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from tacit.base.errors import UserError
from tacit.base.folders import partial_of, read_manifest
from tacit.base.records import Gap, Result
from tacit.dictionaries import METHODS, SUPERVISED, load_dictionary
from tacit.dictionaries.learned_method import LearnedMethod
from tacit.metrics.fidelity import fraction_variance_unexplained
from tacit.verbs.learn import learn
from tacit.verbs.settings import FitSettings, FrontierSettings, LearnSettings, TextSettings


def settings_for(tiny, programs, **changes) -> LearnSettings:
    return LearnSettings(
        model=str(tiny),
        site="resid.0",
        text=TextSettings(source=str(programs)),
        fit=FitSettings(k=4, steps=80, batch=256),
        frontier=FrontierSettings(k=(2, 8), penalties=(0.1,)),
        shown_features=8,
        **changes,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny, programs):
    return learn(settings_for(tiny, programs), tmp_path_factory.mktemp("runs") / "run")


def test_the_run_folder_holds_everything(run):
    names = {path.name for path in run.folder.iterdir()}
    expected = {
        "manifest.json",
        "results.json",
        "report.html",
        "artifacts",
        "store",
        "index",
    }
    assert expected | {"dictionaries"} == names
    assert read_manifest(run.folder)["seed"] == 0


def test_recorded_fvu_is_that_of_the_saved_dictionary_on_held_out_rows(run):
    dictionary = load_dictionary(run.folder / "dictionaries" / "main" / "seed-0")
    store = run.store
    rows = np.flatnonzero(store.usable("resid.0") & store.column("held_out"))
    original = store.vectors("resid.0", rows)
    expected = fraction_variance_unexplained(original, dictionary.rebuild(original))
    (headline,) = (record for record in run.headlines if record.name == "fvu")
    assert isinstance(headline, Result)
    assert headline.value == pytest.approx(expected, rel=1e-6)
    assert headline.n == len(set(store.column("document")[rows].tolist()))


def test_five_headline_numbers_are_printed_with_their_n(run):
    assert [record.name for record in run.headlines] == [
        "fvu",
        "l0",
        "loss_recovered",
        "dead_share",
        "f1",
    ]
    assert all(isinstance(record, Result) for record in run.headlines)


def test_figures_come_with_and_without_the_masked_positions(run):
    of_main = [
        record
        for record in run.records
        if isinstance(record, Result) and record.name == "fvu" and record.of.get("k") == 4
    ]
    positions = sorted(
        str(record.of["positions"]) for record in of_main if record.of["method"] == "top-k"
    )
    assert positions == ["all", "usable"]


def test_baselines_stand_beside_the_learned_dictionaries(run):
    methods = {record.of.get("method") for record in run.records if record.name == "fvu"}
    drawn = FrontierSettings()
    asked = {*drawn.learned, *drawn.priced, *drawn.baselines, *drawn.supervised}
    assert methods == asked
    learned = {name for name, kind in METHODS.items() if issubclass(kind, LearnedMethod)}
    assert asked == set(METHODS) - learned | {"top-k", "relu-l1"} | set(SUPERVISED)


def test_the_report_says_what_baselines_were_fitted_on(run):
    page = (run.folder / "report.html").read_text()
    dictionary = load_dictionary(run.folder / "dictionaries" / "ica_k-4" / "seed-0")
    outcome = dictionary.outcome
    assert f"ICA (largest coordinates): {outcome['num_vectors']:,} vectors" in page
    assert outcome["num_vectors"] <= 10_000


def test_supervised_directions_know_their_labels_and_no_held_out_row(run):
    folder = run.folder / "dictionaries" / "difference-of-means_k-4" / "seed-0"
    dictionary = load_dictionary(folder)
    store, names = run.store, dictionary.outcome["labels"]
    rows = np.flatnonzero(store.usable("resid.0") & ~store.column("held_out"))
    assert dictionary.outcome["num_vectors"] == min(10_000, len(rows))
    if len(rows) <= 10_000:
        mean = store.vectors("resid.0", rows).mean(dim=0)
        torch.testing.assert_close(dictionary.centre, mean, atol=1e-5, rtol=1e-4)
    assert set(names) <= set(store.labels)
    assert dictionary.num_atoms == len(names)


def test_the_same_settings_return_the_finished_run_at_once(run, tiny, programs):
    before = (run.folder / "report.html").stat().st_mtime_ns
    again = learn(settings_for(tiny, programs), run.folder)
    assert again.records == run.records
    assert (run.folder / "report.html").stat().st_mtime_ns == before


def test_other_settings_are_refused_and_named(run, tiny, programs):
    with pytest.raises(UserError, match=r"settings\.seed: 0 there, 1 asked"):
        learn(settings_for(tiny, programs, seed=1), run.folder)


def test_a_run_stopped_before_its_report_goes_on_and_ends_the_same(
    run, tmp_path, tiny, programs, monkeypatch
):
    import tacit.verbs.learn as room

    def stop(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(room, "write_cards", stop)
        learn(settings_for(tiny, programs), tmp_path / "run")
    assert partial_of(tmp_path / "run").is_dir()
    again = learn(settings_for(tiny, programs), tmp_path / "run")
    assert again.records == run.records
    for name in (
        "index/by_feature.parquet",
        "dictionaries/main/seed-0/dictionary.safetensors",
    ):
        assert (again.folder / name).read_bytes() == (run.folder / name).read_bytes()


def test_an_encoder_and_text_without_truth_leave_gaps_not_zeros(tmp_path, tiny):
    from transformers import AutoTokenizer, BertConfig, BertModel

    folder = tmp_path / "encoder"
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=400,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(folder)
    notes = tmp_path / "notes"
    notes.mkdir()
    for number in range(30):
        (notes / f"{number}.txt").write_text(
            f"note {number} says that shapes return areas. " * 8
        )
    settings = settings_for(folder, notes).model_copy(
        update={"site": "resid.1", "frontier": None}
    )
    found = learn(settings, tmp_path / "run")
    gaps = {
        record.name: record.reason for record in found.records if isinstance(record, Gap)
    }
    assert "predicts no next token" in gaps["loss_recovered"]
    assert "no truth is known" in gaps["f1"]
    assert "predicts no next token" in (found.folder / "report.html").read_text()


def test_shown_features_include_random_ones(run):
    facts = pq.read_table(run.folder / "artifacts" / "facts.parquet").to_pylist()
    headings = [row["heading"] for row in facts]
    assert sum("at random" in heading for heading in headings) >= len(headings) / 2


def test_the_report_is_redrawn_from_the_folder_alone(run, tmp_path):
    from tacit.reports import render_report

    copy = tmp_path / "copy"
    shutil.copytree(
        run.folder, copy, ignore=shutil.ignore_patterns("store", "index", "dictionaries")
    )
    before = (copy / "report.html").read_bytes()
    (copy / "report.html").unlink()
    assert render_report(copy).read_bytes() == before
