"""The study of interpretable directions, on a random subject with its own small text."""

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tacit.base.errors import UserError
from tacit.base.records import Gap, Result
from tacit.data.text import load_text
from tacit.models.shipped import shipped_folder
from tacit.studies import load_study
from tacit.studies.question import read_question
from tacit.studies.runner import run_study, settings_of

STUDY = load_study("interpretable-directions")
BARE = (
    'subjects=["stories"]',
    "documents=60",
    "prompts=6",
    "atoms=96",
    "active=6",
    "steps=40",
    "batch=256",
    "concept_rows=200",
    "windows=4",
    "few=4",
    "further_seeds=0",
    "greedy_seeds=0",
    "everywhere_seeds=0",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("directions") / "run"
    return run_study(STUDY, "quick", folder)


def results(run, name, **of):
    return [
        record
        for record in run.records
        if isinstance(record, Result)
        and record.name == name
        and all(record.of.get(key) == value for key, value in of.items())
    ]


def test_every_basis_is_measured_under_one_rule(run):
    rows = pq.read_table(run.folder / "artifacts" / "curves-stories-0.parquet").to_pylist()
    every = {row["basis"] for row in rows}
    assert {"top-k", "matryoshka", "ica", "nmf", "random", "relu-l1_frozen-adam"} < every
    assert {row["ranking"] for row in rows} == {"each prompt", "all prompts", "greedy"}
    for row in rows:
        assert row["prompts"] == 12
        assert row["shares"][0] == pytest.approx(1)
        assert row["numbers"] == sorted(row["numbers"])
        assert row["lengths"][0] == 0
        whole = "pca" in row["basis"] or "both sides" in row["basis"]
        if whole and row["ranking"] != "greedy":
            assert row["shares"][-1] < 1e-3, "a complete basis gives the whole difference"
            assert row["unreached"] == 0
    both = {row["basis"]: row for row in rows if row["ranking"] == "each prompt"}
    assert both["pca"]["area"] < both["orthonormal, both sides"]["area"]


def test_concepts_are_erased_by_every_method(run):
    for concept in ("gender", "number"):
        (before,) = results(run, "probe_accuracy", concept=concept, eraser="nothing")
        (after,) = results(run, "probe_accuracy", concept=concept, eraser="leace")
        assert before.value > after.value + 0.2
        (free,) = results(run, "other_text_kl", concept=concept, eraser="nothing")
        (price,) = results(run, "other_text_kl", concept=concept, eraser="leace")
        assert abs(free.value) < 1e-6 < price.value
    erasers = {each.of["eraser"] for each in results(run, "probe_accuracy")}
    assert len(erasers) == 7
    assert not results(run, "task_accuracy", concept="quotation")


def test_seeds_of_development_get_no_verdict_and_the_rules_are_registered(run):
    assert {claim.judgement for claim in run.claims} == {"inconclusive"}
    assert len(run.claims) == len(read_question(STUDY.folder).rules) == 18
    assert not read_question(STUDY.folder).is_void


def test_a_finished_run_keeps_tables_and_no_stores(run):
    assert not (run.folder / "stores").exists()
    assert not list(run.folder.rglob("*.safetensors"))
    page = run.report.read_text()
    assert "How few features carry the behaviour?" in page
    assert "What is left of a concept against what it costs" in page


def test_every_part_has_its_page_and_its_figures(run):
    page = run.report.read_text()
    for title in (
        "Can it be steered?",
        "What does the reconstruction cost?",
        "And at every other layer?",
        "What is one feature for?",
        "What does a feature rest on?",
    ):
        assert title in page
    assert ">None<" not in page
    own = pq.read_table(
        run.folder / "artifacts" / "everywhere-stories-0.parquet"
    ).to_pylist()
    assert {row["site"] for row in own} == {
        f"{k}.{n}" for k in ("resid", "mlp_out") for n in range(4)
    }
    for row in own:
        assert row["loss"] > row["clean"] - 0.05, "a reconstruction adds no knowledge"
        assert 0 <= row["live"] <= 1
    (random,) = results(run, "close_share", site="resid.2", other="random directions")
    assert random.value == 0
    arms = {
        row["arm"]
        for row in pq.read_table(run.folder / "artifacts" / "rests.parquet").to_pylist()
    }
    assert arms == {"trained", "untrained"}
    assert results(run, "moment_correlation", basis="relu-l1", moment="kurtosis")


@pytest.mark.slow
def test_the_paper_preset_runs_on_local_data_and_random_pythias(tmp_path):
    """Its own grid of penalties, sizes and layers; models of Pythia's shape in the hub's layout."""
    from transformers import AutoTokenizer, GPTNeoXConfig, GPTNeoXForCausalLM

    rows = [{"text": each.text} for each in load_text("stories").documents[:150]]
    data = tmp_path / "data" / "train-00000-of-00001.parquet"
    data.parent.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), data)
    tokenizer = AutoTokenizer.from_pretrained(shipped_folder("stories"))
    models = {}
    for name, layers, width in (("70m", 6, 32), ("410m", 24, 48)):
        torch.manual_seed(0)
        config = GPTNeoXConfig(
            vocab_size=len(tokenizer), hidden_size=width, num_hidden_layers=layers,
            num_attention_heads=4, intermediate_size=4 * width, max_position_embeddings=256,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
        models[name] = str(tmp_path / name)
        GPTNeoXForCausalLM(config).save_pretrained(models[name])
        tokenizer.save_pretrained(models[name])
    sets = [
        f'subjects=["{models["410m"]}"]',
        f"source={data}",
        f'everywhere=[["{models["70m"]}", "{data}"]]',
        "documents=150", "prompts=6", "atoms=192", "sizes=[24, 48, 96, 384]", "active=8",
        "steps=30", "seeds=[100, 101]", "concept_rows=200", "windows=4",
        "everywhere_steps=20", "everywhere_tokens=4000", "thresholds=[0.01, 0.1]",
    ]  # fmt: skip
    done = run_study(STUDY, "paper", tmp_path / "run", sets=sets)
    assert len(done.claims) == 18
    layers = pq.read_table(done.folder / "artifacts" / "layers.parquet").to_pylist()
    assert {row["site"] for row in layers} == {
        f"{kind}.{n}" for kind in ("resid", "mlp_out") for n in range(6)
    }
    live = next(c for c in done.claims if "drop out only beyond four" in c.published)
    assert isinstance(live.measured, Result)
    assert live.judgement in ("reproduced", "not reproduced", "inconclusive")


def test_a_text_without_labels_has_gaps_for_what_it_cannot_tell(tmp_path):
    """As the large preset runs: a folder in the hub's layout and a text of one's own."""
    folder, text = tmp_path / "model", tmp_path / "text"
    shutil.copytree(shipped_folder("stories-0"), folder)
    text.mkdir()
    for number in range(40):
        (text / f"{number}.txt").write_text(f"Mary gave a book to John {number}.\n" * 20)
    sets = [f'subjects=["{folder}"]', f"source={text}", *BARE[1:], "seeds=[100]"]
    done = run_study(STUDY, "paper", tmp_path / "run", sets=[*sets, "site=resid.1"])
    gaps = [claim for claim in done.claims if isinstance(claim.measured, Gap)]
    told = {each.judgement for each in gaps if "does not label" in each.measured.reason}
    assert told == {"not testable at this scale"}
    assert "The text has no labels." in done.report.read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("task=nosuch", "'nosuch'.*ioi"),
        ("seeds=[100, 100]", "each once"),
        ("few=2000", "must be fewer"),
        ("prompts=100000000", "GiB"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(UserError, match=said):
        settings_of(STUDY, "laptop", [change])


def test_a_run_that_was_stopped_goes_on_and_ends_the_same(tmp_path, monkeypatch):
    """Stopped after the curves of a unit, before its erasures."""
    from tacit.studies.interpretable_directions import pieces

    sets = [*BARE, "seeds=[0, 1]"]
    whole = run_study(STUDY, "quick", tmp_path / "whole", sets=sets)
    real = pieces.erasures_of

    def stop_at_the_second(settings, subject, unit, *rest):
        if unit[1] == 1:
            raise KeyboardInterrupt
        return real(settings, subject, unit, *rest)

    monkeypatch.setattr(pieces, "erasures_of", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        run_study(STUDY, "quick", tmp_path / "run", sets=sets)
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(pieces, "erasures_of", real)
    again = run_study(STUDY, "quick", tmp_path / "run", sets=sets)
    for ours, theirs in zip(again.records, whole.records, strict=True):
        assert (ours.name if isinstance(ours, Result) else ours) == (
            theirs.name if isinstance(theirs, Result) else theirs
        )
        if isinstance(ours, Result) and isinstance(theirs, Result):
            assert ours.value == pytest.approx(theirs.value, rel=1e-3, abs=1e-4)
