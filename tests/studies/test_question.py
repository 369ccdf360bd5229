"""Rules stand in QUESTION.md, are registered in QUESTION.log, and have no say once changed."""

import hashlib

import pytest

from tacit.base.errors import UserError
from tacit.studies import STUDIES, load_study
from tacit.studies.question import FIELDS, read_question

CLAIM = "\n".join(f"- {field.capitalize()}: {field} in\n  words" for field in FIELDS)
TEXT = f"""# trial

## Question
Is it so?

## What would change our mind
Nothing.

## Claims

### first
{CLAIM}

### second
{CLAIM}
"""


def folder_with(path, text, *, log=True):
    (path / "QUESTION.md").write_text(text)
    if log:
        digest = hashlib.sha256(text.encode()).hexdigest()
        (path / "QUESTION.log").write_text(f"2026-11-01 {digest} registered\n")
    return path


def test_a_question_is_read_with_its_claims_in_order(tmp_path):
    found = read_question(folder_with(tmp_path, TEXT))
    assert (found.title, found.question) == ("trial", "Is it so?")
    assert list(found.rules) == ["first", "second"]
    assert found.rule("second").smallest_effect == "smallest effect in words"
    assert not found.is_void


def test_rules_that_changed_after_they_were_registered_are_void(tmp_path):
    folder = folder_with(tmp_path, TEXT)
    (folder / "QUESTION.md").write_text(TEXT.replace("rule in", "another rule in"))
    assert read_question(folder).is_void
    assert read_question(folder_with(tmp_path, TEXT)).is_void is False
    (folder / "QUESTION.log").unlink()
    assert read_question(folder).is_void


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        ("## What would change our mind", "no section '## What would change our mind'"),
        ("- Rule: rule in", "claim 'first' of .* lacks rule"),
    ],
)
def test_what_is_missing_is_named(tmp_path, gone, told):
    with pytest.raises(UserError, match=told):
        read_question(folder_with(tmp_path, TEXT.replace(gone, "", 1)))


def test_an_unknown_claim_is_named_with_those_there_are(tmp_path):
    with pytest.raises(UserError, match="first"):
        read_question(folder_with(tmp_path, TEXT)).rule("frist")


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_stands_as_registered(name):
    study = load_study(name)
    found = read_question(study.folder)
    assert study.name == name
    assert set(study.presets) == {"quick", "laptop", "paper"}
    assert not found.is_void, (
        f"{study.folder / 'QUESTION.md'} has changed since it was registered. If that is meant, "
        "add a line with the date, its SHA-256 and the reason to QUESTION.log, and say in "
        "docs/results.md that earlier verdicts are void."
    )
