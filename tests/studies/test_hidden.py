"""The study of hidden information, from drawn birds to its report, and what it refuses."""

import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from tacit.base.errors import UserError
from tacit.base.records import Gap, Result
from tacit.studies import load_study
from tacit.studies.hidden_information.arms import ARMS
from tacit.studies.hidden_information.swaps import SwapRow, cells_of
from tacit.studies.runner import memory_of_machine, run_study, settings_of

STUDY = load_study("hidden-information")
BARE = (
    "pictures.birds.classes=4",
    "pictures.birds.images=30",
    "pictures.others.classes=4",
    "pictures.others.images=12",
    "pictures.least_classes=1",
    "pretraining.num_epochs=1",
    "encoder.num_epochs=2",
    "head.num_epochs=2",
    'arms=["joint", "sequential", "low weight", "high weight"]',
    "seeds=[0, 1]",
    "dictionaries.steps=20",
)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The run that a user makes, in a process of its own, as the command line has it."""
    folder = tmp_path_factory.mktemp("hidden") / "run"
    words = ["study", "run", STUDY.name, "--preset", "quick"]
    words += ["--out", str(folder), "--quiet"]
    subprocess.run([sys.executable, "-m", "tacit", *words], check=True, timeout=600)
    return run_study(STUDY, "quick", folder)


def one(run, name, **of):
    (found,) = [
        record
        for record in run.records
        if isinstance(record, Result) and record.name == name and dict(record.of) == of
    ]
    return found


def test_the_quick_preset_finds_the_leak_and_none_without_a_cue(quick):
    leaking = one(quick, "conditional_information", arm="joint").value
    assert leaking > one(quick, "conditional_information", arm="cueless").value + 0.05
    assert one(quick, "twin_accuracy", arm="joint").value > 0.52
    assert abs(one(quick, "twin_accuracy", arm="independent").value - 0.5) < 0.06
    assert one(quick, "entropy_given_concepts", arm="joint").value == pytest.approx(
        np.log(2), abs=0.05
    )


def test_the_report_shows_birds_swaps_and_leaks_as_pictures(quick):
    page = quick.report.read_text()
    assert page.count("data:image/png;base64") >= 24
    for title in (
        "Twins, and what two runs say of them",
        "Twins told after the swap",
        "Leak of each concept by its entropy, joint runs",
        "What the concept layer says of the class beyond its concepts",
    ):
        assert title in page


def test_the_table_of_concepts_holds_each_concepts_own_entropy_and_imbalance(quick):
    rows = pq.read_table(quick.folder / "artifacts" / "by-concept.parquet").to_pylist()
    varied = [row for row in rows if 0 < row["imbalance"] < np.inf]
    assert varied, "a concept that is the same on all test pictures has no entropy"
    for row in varied:
        share = 1 / (1 + row["imbalance"])
        bits = -share * np.log2(share) - (1 - share) * np.log2(1 - share)
        assert row["entropy"] == pytest.approx(bits)


def test_a_run_keeps_tables_and_neither_weights_nor_birds(quick):
    assert not list(quick.folder.rglob("*.safetensors"))
    assert not list(quick.folder.rglob("*.jpg"))
    assert (quick.folder / "artifacts" / "swaps.parquet").exists()


def test_seeds_of_development_get_no_verdict(quick):
    judged = {claim.judgement for claim in quick.claims}
    assert judged <= {"inconclusive", "not testable at this scale"}


def test_a_run_that_was_stopped_goes_on_and_ends_the_same(tmp_path, monkeypatch):
    from tacit.studies.hidden_information import pieces

    whole = run_study(STUDY, "quick", tmp_path / "whole", sets=BARE)
    real, calls = pieces.train_run, []

    def stops(*words):
        calls.append(words)
        if len(calls) == 3:
            raise InterruptedError
        return real(*words)

    monkeypatch.setattr(pieces, "train_run", stops)
    monkeypatch.setattr(pieces, "threads", lambda: 1)
    with pytest.raises(InterruptedError):
        run_study(STUDY, "quick", tmp_path / "again", sets=BARE)
    again = run_study(STUDY, "quick", tmp_path / "again", sets=BARE)
    assert again.records == whole.records
    assert len(calls) == 3 + 8 - 2, "two runs were not trained again"


@pytest.mark.slow
def test_the_paper_preset_runs_on_a_folder_of_cub_and_a_random_backbone(tmp_path):
    """Its own arms on few pictures, in the layout of the real set, with a network of the hub's."""
    from transformers import ResNetConfig, ResNetModel, ViTImageProcessorPil

    from tacit.data.birds import BirdSettings, draw_birds

    birds = BirdSettings(classes=200, images=6, side=32, twins=False, quirks=True)
    draw_birds(tmp_path / "birds", birds)
    (tmp_path / "birds" / "truth.parquet").unlink()
    shape = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"
    )
    ResNetModel(shape).save_pretrained(tmp_path / "resnet")
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(
        tmp_path / "resnet"
    )
    sets = [
        f"pictures.folder={tmp_path / 'birds'}",
        f"network.backbone={tmp_path / 'resnet'}",
    ]
    sets += ["pictures.side=32", "pictures.published=false", "pictures.least_classes=10"]
    sets += ["encoder.num_epochs=1", "head.num_epochs=1", "seeds=[100, 101]"]
    run = run_study(STUDY, "paper", tmp_path / "run", sets=sets)
    judged = {claim.published: claim for claim in run.claims}
    for claim in judged.values():
        if "extra" in claim.published or "encoding" in claim.published:
            assert isinstance(claim.measured, Gap)
            assert claim.judgement == "not testable at this scale"
    assert any(isinstance(claim.measured, Result) for claim in run.claims)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('arms=["joint"]', "give joint and sequential"),
        ('arms=["joint", "sequential", "sideways"]', "give joint and sequential"),
        ("seeds=[1, 1]", "give each once"),
        ("pictures.birds.twins=false", "leave it true"),
        ("pictures.birds.images=9000000", "GiB"),
    ],
)
def test_what_cannot_run_is_told_before_it_starts(setting, message):
    with pytest.raises(UserError, match=message):
        settings_of(STUDY, "quick", [setting])


def test_what_is_no_folder_of_birds_is_told(tmp_path):
    sets = [*BARE, f"pictures.folder={tmp_path}"]
    with pytest.raises(UserError, match="is no folder of CUB-200-2011"):
        run_study(STUDY, "quick", tmp_path / "run", sets=sets)


def test_an_estimate_says_what_a_run_would_take():
    settings, _ = settings_of(STUDY, "quick")
    found = STUDY.estimate(settings)
    assert 1 < found.seconds < 3_600
    assert 0 < found.memory_bytes < memory_of_machine()
    assert "9 bottlenecks" in found.units


def test_every_arm_changes_settings_that_there_are():
    settings, _ = settings_of(STUDY, "laptop")
    for arm in ARMS.values():
        shape = settings.shape_of(arm, 10, 4)
        learning = settings.learning_of(arm)
        assert {**shape.model_dump(), **arm.shape} == shape.model_dump()
        own = {key: value for key, value in arm.learning.items() if key != "concept_weight"}
        assert {**dict(learning), **own} == dict(learning)


def test_cells_of_two_arms_are_the_mean_of_both_ways():
    def row(encoder, i, head, j, accuracy):
        return SwapRow(
            encoder=encoder, encoder_seed=i, head=head, head_seed=j, accuracy=accuracy, n=9,
            twin_accuracy=None, sign_agreement=None,
        )  # fmt: skip

    rows = [row("a", i, "b", j, 0.1 * (i + 2 * j)) for i in (0, 1) for j in (0, 1)]
    rows += [row("b", i, "a", j, 0.5) for i in (0, 1) for j in (0, 1)]
    found = cells_of(rows, "accuracy", "a", "b", (0, 1))
    np.testing.assert_allclose(found, [[0.25, 0.35], [0.3, 0.4]])
    assert cells_of(rows, "twin_accuracy", "a", "b", (0, 1)) is None
    assert cells_of(rows, "accuracy", "a", "c", (0, 1)) is None
