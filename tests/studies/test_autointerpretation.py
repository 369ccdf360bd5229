"""The study of automatic interpretation: from text to report, stopped, refused, at its presets."""

import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tacit.base.errors import UserError
from tacit.base.records import Gap, Result
from tacit.metrics.catalogue import METRICS
from tacit.studies import load_study
from tacit.studies.autointerpretation import instruments, pieces
from tacit.studies.autointerpretation.bases import (
    BASELINES,
    BASES,
    CONTROL_BASES,
    LARGEST,
    SPARSE,
    TOP_K,
)
from tacit.studies.question import read_question
from tacit.studies.runner import memory_of_machine, run_study, settings_of

STUDY = load_study("autointerpretation")
NUM = 5
FIGURES = {"top-and-random", "any", "top-only", "random-only", "detection", "fuzzing"}
BARE = (
    "documents=300",
    "tokens=9000",
    'sites=["resid.1"]',
    "control_sites=[]",
    "embedding=false",
    'sweep_site="resid.1"',
    "sizes=[]",
    "shares=[0.5]",
    "steps=30",
    "batch=128",
    "component_rows=500",
    "features=2",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run that a user makes, in a process of its own, as the command line has it."""
    folder = tmp_path_factory.mktemp("autointerpretation") / "run"
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


def table(run, name):
    paths = sorted((run.folder / "artifacts").glob(f"{name}-stories-*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def results(run, name, **of):
    return [
        record
        for record in run.records
        if isinstance(record, Result)
        and record.name == name
        and all(record.of.get(key) == value for key, value in of.items())
    ]


def test_every_basis_is_measured_under_one_protocol(run):
    rows = [row for row in table(run, "features") if not row["is_swept"]]
    for site in ("resid.2", "mlp.1"):
        own = [r for r in rows if r["site"] == site and r["arm"] == "trained"]
        by_basis = {b: [r for r in own if r["basis"] == b] for b in BASES}
        assert set(by_basis) == {row["basis"] for row in own}
        for basis, some in by_basis.items():
            told = [row for row in some if row["explainer"] == "lexical"]
            assert len(told) == NUM, basis
            assert len({row["feature"] for row in told}) == NUM
            assert all(row["num_active"] >= 20 for row in told)
            assert all(row["unanswered"] == 0 for row in told)
        floors = {row["explainer"] for row in by_basis[SPARSE]}
        assert floors == {"lexical", "random", "unigram"}
    control = {row["basis"] for row in rows if row["arm"] == "random weights"}
    assert control == {row["basis"] for row in rows if row["site"] == "embed"}
    assert control == set(CONTROL_BASES)


def test_bases_of_the_k_largest_are_as_sparse_as_sparse_coding(run):
    rows = [row for row in table(run, "bases") if not row["is_swept"]]
    for row in rows:
        # k is a whole number.
        slack = max(0.05 * row["sparse_l0"], 0.5)
        if row["basis"] in (TOP_K, *(name + LARGEST for name in BASELINES)):
            assert row["l0"] == pytest.approx(row["sparse_l0"], abs=slack), row
        elif row["basis"] in ("neurons", "pca", "random") and "resid" in row["site"]:
            assert row["l0"] == pytest.approx(row["atoms"] / 2, rel=0.2)
        assert row["enough"] >= row["scored"] == NUM
    assert {row["l0"] == row["sparse_l0"] for row in rows if row["basis"] == SPARSE} == {
        True
    }


def test_the_floors_and_controls_are_where_the_truth_is_known(run):
    """A token embedding depends on the token alone, and nothing on another feature's words."""
    (tokens,) = results(
        run,
        "explanation_correlation",
        site="embed",
        basis=SPARSE,
        explainer="unigram",
        figure="top-and-random",
    )
    assert tokens.value > 0.95
    for site in ("resid.2", "mlp.1"):
        of = {"arm": "trained", "site": site, "basis": SPARSE, "figure": "top-and-random"}
        of |= {"ratio": None}  # the study's own size
        (own,) = results(run, "explanation_correlation", explainer="lexical", **of)
        (exchanged,) = results(run, "explanation_correlation", explainer="random", **of)
        assert abs(exchanged.value) < 0.25 < own.value - 0.25


def test_every_figure_has_its_row_in_the_catalogue(run):
    names = {each.name for each in run.records if not hasattr(each, "judgement")}
    assert names <= METRICS.keys()
    assert {"explanation_correlation", "detection_accuracy", "fuzzing_accuracy"} < names
    assert {each.of["figure"] for each in results(run, "explanation_correlation")} | {
        "detection",
        "fuzzing",
    } == FIGURES


def test_claims_are_those_of_the_question_and_development_gives_no_verdict(run):
    question = read_question(STUDY.folder)
    assert [claim.published for claim in run.claims] == [
        rule.published for rule in question.rules.values()
    ]
    assert not question.is_void
    judged = {claim.judgement for claim in run.claims}
    assert judged == {"inconclusive", "not testable at this scale"}
    left_out = [each.measured for each in run.claims if isinstance(each.measured, Gap)]
    assert len(left_out) == 4
    assert {gap.reason for gap in left_out} == {"the settings leave it out"}


def test_labels_tell_features_and_have_their_control(run):
    rows = table(run, "labels")
    assert {row["basis"] for row in rows} == {*BASES, "random, equally dense"}
    own = [row for row in rows if row["basis"] == SPARSE]
    control = [row for row in rows if row["basis"] == "random, equally dense"]
    assert len(own) == len(control) == 2 * NUM
    for one, other in zip(own, control, strict=True):
        # The control is cut on training text alone.
        assert other["density"] == pytest.approx(one["density"], rel=0.3)
    assert results(run, "f1", basis=SPARSE, site="resid.2")


def test_a_finished_run_keeps_tables_and_a_page_of_every_part(run):
    assert {path.name for path in run.folder.iterdir()} == {
        "artifacts",
        "manifest.json",
        "report.html",
        "results.json",
    }
    page = run.report.read_text()
    for title in (
        "Which features are explained best?",
        "Is it what was learned?",
        "Is it how often features fire?",
        "Does size or training matter?",
        "Do known labels say the same?",
        "What is said",
    ):
        assert title in page
    assert page.count("Scores of features at") >= 2
    assert len(page) < 3_000_000


def test_a_run_that_was_stopped_goes_on_and_ends_the_same(tmp_path, monkeypatch):
    """Stopped in the middle of a place: some of its bases are explained."""
    monkeypatch.setattr(pieces, "BASES", (SPARSE, TOP_K, "ica", "ica" + LARGEST))
    whole = run_study(STUDY, "quick", tmp_path / "whole", sets=BARE)
    real, calls = pieces.drawn, []

    def stops(*words):
        calls.append(words)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*words)

    monkeypatch.setattr(pieces, "drawn", stops)
    with pytest.raises(KeyboardInterrupt):
        run_study(STUDY, "quick", tmp_path / "run", sets=BARE)
    assert not (tmp_path / "run").exists()
    again = run_study(STUDY, "quick", tmp_path / "run", sets=BARE)
    assert again.records == whole.records


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("seeds=[100, 100]", "each once"),
        ("sizes=[2.0]", "the study's own among them"),
        ("shares=[1.0]", "the study's own among them"),
        ("shares=[2.0]", "shares below 1"),
        ('control_sites=["resid.9"]', "resid.9.*add them to sites"),
        ('sweep_site="resid.7"', "resid.7.*add them to sites"),
        ("most_tokens=10", "no chat model is asked"),
        ("tokens=90000000000", "GiB"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(UserError, match=said):
        settings_of(STUDY, "laptop", [change])


def test_a_chat_models_words_are_not_read_by_patterns():
    changes = ["explainer=openai/gpt-4o", "reader=lexical"]
    with pytest.raises(UserError, match="patterns, not words"):
        settings_of(STUDY, "laptop", changes)


def test_an_estimate_says_what_a_run_would_take():
    settings, _ = settings_of(STUDY, "quick")
    found = STUDY.estimate(settings)
    assert 1 < found.seconds < 3_600
    assert 0 < found.memory_bytes < memory_of_machine()
    assert "explained by lexical" in found.units


@pytest.fixture
def pythia(tmp_path, tiny, programs):
    """The large preset's model and text in small: a random Pythia, and data in the hub's layout."""
    from transformers import AutoTokenizer, GPTNeoXConfig, GPTNeoXForCausalLM

    rows = [{"text": path.read_text() * 4} for path in sorted(programs.iterdir())]
    data = tmp_path / "data" / "train-00000-of-00001.parquet"
    data.parent.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), data)
    torch.manual_seed(0)
    config = GPTNeoXConfig(
        vocab_size=400, hidden_size=16, num_hidden_layers=6, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    GPTNeoXForCausalLM(config).save_pretrained(tmp_path / "pythia")
    AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path / "pythia")
    return [
        f"subjects={json.dumps([[str(tmp_path / 'pythia'), str(data)]])}",
        "tokens=12000",
        # The preset's penalty is for rows as long as Pythia's own.
        "scaled=true",
        "penalty=0.1",
        "mlp_penalty=0.05",
        "fewest=4",
        "steps=30",
        "batch=128",
        "component_rows=500",
        "features=3",
        "sizes=[0.5]",
        "shares=[0.5]",
    ]


def scripted(tokenizer_folder, monkeypatch):
    """Chat models of any name are rules that see the words of a prompt alone."""
    from transformers import AutoTokenizer

    from tacit.explanations.lexical import LexicalExplainer, LexicalReader
    from tacit.explanations.scripted import Script, scripted_chat

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)

    def tokens_of(text):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        return [tokenizer.decode([each]) for each in ids]

    script = Script(LexicalExplainer(), LexicalReader(), tokens_of=tokens_of)

    def chat_of(_settings, _name, budget):
        return scripted_chat(script, budget=budget)

    monkeypatch.setattr(instruments, "chat_of", chat_of)
    return script


@pytest.mark.slow
def test_the_paper_preset_runs_with_a_chat_model_on_a_random_pythia(
    tmp_path, pythia, tiny, monkeypatch
):
    script = scripted(tiny, monkeypatch)
    sets = [*pythia, "explainer=scripted/lexical"]
    run = run_study(STUDY, "paper", tmp_path / "run", sets=sets)
    assert script.asked
    (ours,) = results(
        run,
        "explanation_correlation",
        arm="trained",
        site="resid.2",
        basis=SPARSE,
        explainer="scripted/lexical",
        figure="top-and-random",
        ratio=None,
    )
    assert ours.value > 0.2
    assert (run.folder / "ledgers").exists(), "what was paid for is kept"


@pytest.mark.slow
def test_a_budget_ends_the_questions_and_the_rest_is_counted(
    tmp_path, pythia, tiny, monkeypatch
):
    scripted(tiny, monkeypatch)
    sets = [*pythia, "explainer=scripted/lexical", "most_tokens=20000"]
    run = run_study(STUDY, "paper", tmp_path / "run", sets=sets)
    gaps = [each for each in run.records if isinstance(each, Gap)]
    assert {gap.reason for gap in gaps if gap.name == "explanation_correlation"}
    rows = [
        row
        for path in (run.folder / "artifacts").glob("features-pythia-*.parquet")
        for row in pq.read_table(path).to_pylist()
    ]
    unasked = [row for row in rows if row["unanswered"]]
    assert unasked
    assert all(row["top_and_random"] is None for row in unasked if "budget" in row["text"])


@pytest.mark.slow
def test_processes_side_by_side_measure_the_same(run, tmp_path):
    beside = run_study(STUDY, "quick", tmp_path / "run", sets=["processes=2"])
    assert beside.records == run.records
