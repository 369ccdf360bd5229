"""A study becomes a run: presets, verdicts that are withheld, and a stop that costs nothing."""

import contextlib
from dataclasses import replace

import pytest
import torch

from tacit.base.errors import UserError
from tacit.base.folders import read_manifest
from tacit.base.records import Gap, Result
from tacit.studies import load_study
from tacit.studies.question import read_question
from tacit.studies.runner import claims_of, run_study, settings_of
from tacit.studies.study import Finding

TOY = load_study("toy-superposition")
SMALL = (
    "world.num_features=12",
    "world.width=8",
    "world.num_active=2",
    "sizes=[8, 16]",
    "penalties=[0.1, 1.0]",
    "steps=40",
    "start_size=16",
    "batch=64",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_study(TOY, "quick", tmp_path_factory.mktemp("run") / "toy", sets=SMALL)


def test_a_run_has_every_claim_in_the_questions_order(run):
    question = read_question(TOY.folder)
    assert [claim.published for claim in run.claims] == [
        rule.published for rule in question.rules.values()
    ]
    assert [claim.rule for claim in run.claims] == [
        rule.rule for rule in question.rules.values()
    ]
    assert run.report.exists()
    made = read_manifest(run.folder)
    assert made["configuration"]["question_sha256"] == question.digest
    assert set(made["passed"]) == {each.partition("=")[0] for each in SMALL}


def test_a_finished_run_is_not_made_again(run, monkeypatch):
    monkeypatch.setattr(type(TOY), "measure", None)
    assert run_study(TOY, "quick", run.folder, sets=SMALL).records == run.records


def test_seeds_of_development_get_no_verdict(run):
    judged = {claim.judgement for claim in run.claims}
    assert judged <= {"inconclusive", "not testable at this scale"}


def findings_for(question, judgement):
    found = Result(
        name="mmcs", value=1.0, unit="1", better="higher", n=5, interval=(0.9, 1.0)
    )
    return [Finding(name, found, judgement) for name in question.rules]


def test_verdicts_stand_on_kept_seeds_and_registered_rules_alone():
    question = read_question(TOY.folder)
    findings = findings_for(question, "reproduced")
    assert {c.judgement for c in claims_of(question, findings, [100, 101])} == {
        "reproduced"
    }
    for changed, seeds in (
        (question, [99, 100]),
        (replace(question, registered=()), [100]),
    ):
        told = {claim.judgement for claim in claims_of(changed, findings, seeds)}
        assert told == {"inconclusive"}


def test_findings_and_claims_must_be_the_same(run):
    question = read_question(TOY.folder)
    with pytest.raises(UserError, match="recovers-features"):
        claims_of(question, findings_for(question, "reproduced")[1:], [100])


@pytest.mark.parametrize("stop_after", [1, 100])
def test_a_stopped_run_goes_on_to_the_same_bytes(run, tmp_path, stop_after):
    left = [stop_after]

    @contextlib.contextmanager
    def stopping(*_):
        def advance(done=1, *, earlier=False):
            if not earlier:
                left[0] -= done
                if left[0] < 0:
                    raise KeyboardInterrupt

        yield advance

    out = tmp_path / "toy"
    threads = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        run_study(TOY, "quick", out, sets=SMALL, progress=stopping)
    assert torch.get_num_threads() == threads
    assert not out.exists()
    again = run_study(TOY, "quick", out, sets=SMALL)
    for name in ("results.json", "artifacts/map.parquet", "artifacts/seed-0.parquet"):
        assert (again.folder / name).read_bytes() == (run.folder / name).read_bytes(), name


def test_numbers_do_not_depend_on_the_threads(run, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        alone = run_study(TOY, "quick", tmp_path / "toy", sets=SMALL)
    finally:
        torch.set_num_threads(threads)
    assert alone.records == run.records


@pytest.mark.parametrize(
    ("preset", "sets", "told"),
    [
        ("quik", (), "quick"),
        ("quick", ("step=5",), "steps"),
        ("quick", ("sizes=[64, 32]",), "ascending"),
        ("quick", ("seeds=[1, 1]",), "each once"),
        ("quick", ("world.num_active=500",), "between 1 and num_features"),
        ("quick", ("world.decay=0",), "decay"),
        ("quick", ("sizes=[100000000]",), "GiB at once"),
    ],
)
def test_settings_that_cannot_run_are_refused_before_anything_is_made(
    tmp_path, preset, sets, told
):
    with pytest.raises(UserError, match=told):
        run_study(TOY, preset, tmp_path / "run", sets=sets)
    assert not list(tmp_path.iterdir())


def test_an_unknown_study_is_named_with_those_there_are(tmp_path):
    with pytest.raises(UserError, match="toy-superposition"):
        run_study("toy-superpositon", "quick", tmp_path / "run")


def test_an_estimate_runs_nothing_and_grows_with_the_steps():
    settings, changed = settings_of(TOY, "quick", SMALL)
    longer, _ = settings_of(TOY, "quick", (*SMALL, "steps=40000"))
    assert "steps" in changed
    few, many = TOY.estimate(settings), TOY.estimate(longer)
    assert few.memory_bytes == many.memory_bytes
    assert many.seconds > 50 * few.seconds
    assert "4 cells" in few.units


def test_what_cannot_be_measured_is_a_gap_with_its_reason(run):
    gaps = [claim.measured for claim in run.claims if isinstance(claim.measured, Gap)]
    assert gaps
    assert all(gap.reason for gap in gaps)
