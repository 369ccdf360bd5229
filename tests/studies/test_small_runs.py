"""The small transformers' study from text to report, at its presets, and what it refuses."""

import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tacit.base.errors import UserError
from tacit.base.records import Gap, Result
from tacit.studies import load_study
from tacit.studies.runner import memory_of_machine, run_study, settings_of

STUDY = load_study("small-transformers")
BARE = (
    "subject.widths=[16]",
    "subject.num_layers=3",
    "subject.context_tokens=16",
    "subject.vocabulary=320",
    "subject.steps=20",
    "subject.batch_contexts=8",
    "tokens=4000",
    "ratios=[1, 2, 4]",
    "control_ratios=[1, 2]",
    "steps=20",
    "batch=64",
    "held_out_rows=256",
    "seeds=[0, 1]",
)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The run that a user makes, in a process of its own, as the command line has it."""
    folder = tmp_path_factory.mktemp("small") / "run"
    words = [
        "study",
        "run",
        STUDY.name,
        "--preset",
        "quick",
        "--out",
        str(folder),
        "--quiet",
    ]
    subprocess.run([sys.executable, "-m", "tacit", *words], check=True, timeout=280)
    return run_study(STUDY, "quick", folder)


def values(run, name, **of):
    return [
        record
        for record in run.records
        if isinstance(record, Result)
        and record.name == name
        and all(record.of.get(key) == value for key, value in of.items())
    ]


def test_the_quick_preset_runs_from_shipped_transformers_to_a_page(quick):
    (excess,) = values(quick, "shared_per_dimension_excess")
    assert excess.n == 4
    shared = values(quick, "shared_cosine", fit="trained transformer", width=16)
    mixed = values(quick, "shared_cosine", fit="shuffled activations", width=16)
    assert len(shared) == 3
    assert shared[0].value > mixed[0].value + 0.05, "what is there is not noise"
    losses = values(quick, "cross_entropy")
    assert len(losses) == 4
    assert {record.of["width"] for record in losses} == {16, 32}
    page = quick.report.read_text()
    assert "Do sizes agree, and on how many directions?" in page
    assert "What activates shared features?" in page


def test_a_run_keeps_tables_and_no_weights_or_stores(quick):
    assert not list(quick.folder.rglob("*.safetensors")), (
        "shipped transformers stay shipped"
    )
    assert (quick.folder / "artifacts" / "cells-16-0.parquet").exists()


def test_seeds_of_development_get_no_verdict(quick):
    judged = {claim.judgement for claim in quick.claims}
    assert judged <= {"inconclusive", "not testable at this scale"}


def test_a_run_that_was_stopped_goes_on_and_ends_the_same(tmp_path, programs, monkeypatch):
    from tacit.studies.small_transformers import recipe

    sets = [*BARE, f"source={programs}"]
    whole = run_study(STUDY, "quick", tmp_path / "whole", sets=sets)
    real, calls = recipe.measure_one, []

    def stops(*words):
        calls.append(words)
        if len(calls) == 2:
            raise InterruptedError
        return real(*words)

    monkeypatch.setattr(recipe, "measure_one", stops)
    with pytest.raises(InterruptedError):
        run_study(STUDY, "quick", tmp_path / "again", sets=sets)
    again = run_study(STUDY, "quick", tmp_path / "again", sets=sets)
    assert again.records == whole.records


@pytest.mark.slow
def test_the_paper_preset_runs_on_local_data_and_a_random_pythia(tmp_path, programs, tiny):
    """Its own grid on little text; models of Pythia's shape, in the hub's layouts."""
    from transformers import AutoTokenizer, GPTNeoXConfig, GPTNeoXForCausalLM

    rows = [{"text": path.read_text()} for path in sorted(programs.iterdir())]
    data = tmp_path / "data" / "train-00000-of-00001.parquet"
    data.parent.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), data)
    models = []
    for name, layers in (("70m", 6), ("160m", 12)):
        torch.manual_seed(0)
        config = GPTNeoXConfig(
            vocab_size=400, hidden_size=32, num_hidden_layers=layers, num_attention_heads=4,
            intermediate_size=128, max_position_embeddings=64, bos_token_id=0, eos_token_id=0,
        )  # fmt: skip
        GPTNeoXForCausalLM(config).save_pretrained(tmp_path / name)
        AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path / name)
        models.append(str(tmp_path / name))
    sets = [each for each in BARE if not each.startswith(("ratios", "control", "seeds"))]
    sets += [
        f"source={data}",
        "seeds=[100, 101]",
        f"later.models={models}".replace("'", '"'),
    ]
    sets += [f"later.source={data}", "later.tokens=3000", "later.context_tokens=32"]
    sets += ["later.steps=20", "later.batch=64"]
    run = run_study(STUDY, "paper", tmp_path / "run", sets=sets)
    counts = [claim for claim in run.claims if claim.source.startswith("outputs of")]
    assert len(counts) == 4
    for claim in counts:
        assert isinstance(claim.measured, Result)
        assert claim.judgement in ("reproduced", "not reproduced")
        assert 0 <= claim.measured.value <= 6 * 32
    missing = [claim for claim in run.claims if isinstance(claim.measured, Gap)]
    assert missing[-1].judgement == "not testable at this scale"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("subject.widths=[18]", "must be a multiple of the heads"),
        ("subject.widths=[4]", "must be an even number, 2 or more"),
        ("layer=6", "the transformers have layers 0 to 5"),
        ("ratios=[4, 2]", "ascending"),
        ("control_ratios=[4, 8]", "must be the first of ratios"),
        ("seeds=[1, 1]", "give each once"),
        ("ratios=[2, 4, 8, 100000]", "GiB at once"),
    ],
)
def test_what_cannot_run_is_told_before_it_starts(setting, message):
    with pytest.raises(UserError, match=message):
        settings_of(STUDY, "quick", [setting])


def test_too_short_a_text_is_told(tmp_path):
    (tmp_path / "text").mkdir()
    for number in range(12):
        (tmp_path / "text" / f"{number}.txt").write_text("a few words, no more\n" * 3)
    sets = [*BARE, f"source={tmp_path / 'text'}"]
    with pytest.raises(UserError, match="training windows of 16 tokens"):
        run_study(
            STUDY, "quick", tmp_path / "run", sets=[*sets, "subject.batch_contexts=99"]
        )


def test_an_estimate_says_what_a_run_would_take():
    settings, _ = settings_of(STUDY, "quick")
    found = STUDY.estimate(settings)
    assert 1 < found.seconds < 3_600
    assert 0 < found.memory_bytes < memory_of_machine()
    assert "4 transformers" in found.units
