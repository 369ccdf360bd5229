"""How a study becomes a run: settings, estimate, resumable measurement, verdicts, report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from tacit.base.configuration import Configuration, gather
from tacit.base.errors import UserError, unknown
from tacit.base.folders import is_complete, whole_folder
from tacit.base.manifest import describe
from tacit.base.pages import Limits, Page, Table, Text, write_pages
from tacit.base.progress import Progress, silent
from tacit.base.records import Claim, Judgement, Record, read_records, write_records
from tacit.reports import render_report
from tacit.studies import load_study
from tacit.studies.question import Question, read_question
from tacit.studies.study import FIRST_VERDICT_SEED, Finding, Findings, Preset, Study

USABLE_SHARE = 0.8
"""Of the machine's memory: the rest is for the interpreter, libraries and the system."""


@dataclass(frozen=True, kw_only=True)
class StudyRun:
    """A finished run of a study."""

    folder: Path
    records: tuple[Record, ...]

    @property
    def report(self) -> Path:
        """The page to read."""
        return self.folder / "report.html"

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Every published claim beside what was measured."""
        return tuple(each for each in self.records if isinstance(each, Claim))


def settings_of(
    study: Study, preset: str, sets: Sequence[str] = ()
) -> tuple[Configuration, list[str]]:
    """Return a preset's settings with ``key=value`` changes, and the names of what was changed."""
    if preset not in get_args(Preset):
        raise unknown("preset", preset, get_args(Preset))
    changed = {each.partition("=")[0] for each in sets}
    chosen: dict[str, Any] = {
        name: value
        for name, value in study.presets[preset].items()  # type: ignore[index]
        if name not in changed
    }
    settings, _ = gather(study.settings, sets=list(sets), options=chosen)
    study.check(settings, memory_of_machine())
    return settings, sorted(changed)


def memory_of_machine() -> int:
    """Return the bytes of memory that a run may use here."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(USABLE_SHARE * whole)


def run_study(
    study: Study | str,
    preset: str,
    out: Path,
    *,
    sets: Sequence[str] = (),
    replace: bool = False,
    progress: Progress = silent,
) -> StudyRun:
    """Return the run in ``out``; a stopped one goes on, a finished one is returned as it is.

    ``study``: one of ``STUDIES``, or its name.
    """
    study = load_study(study) if isinstance(study, str) else study
    settings, changed = settings_of(study, preset, sets)
    question = read_question(study.folder)
    configuration = {
        "study": study.name,
        "preset": preset,
        "settings": settings.model_dump(mode="json"),
        "question_sha256": question.digest,
    }
    seeds = study.seeds(settings)
    manifest = describe("study", configuration, passed=changed, seed=seeds[0])
    if replace or not is_complete(out, manifest):
        with whole_folder(out, manifest, replace=replace) as partial:
            study.measure(settings, partial, progress)
            found = study.analyse(settings, partial)
            _write(partial, study, settings, question, found)
    elif not (out / "report.html").exists():
        render_report(out)
    return StudyRun(folder=out, records=tuple(read_records(out / "results.json")))


def claims_of(
    question: Question, findings: Sequence[Finding], seeds: Sequence[int]
) -> list[Claim]:
    """Return every claim of the question with its finding, in the question's order.

    No verdict is given where the rules have changed since they were registered, or on seeds
    that are kept for development: such claims stay inconclusive.
    """
    by_name = {finding.claim: finding for finding in findings}
    if set(by_name) != set(question.rules):
        odd = sorted(set(by_name) ^ set(question.rules))
        raise UserError(
            f"claims of QUESTION.md and findings differ in {odd}; give each its other half."
        )
    withheld = question.is_void or min(seeds) < FIRST_VERDICT_SEED
    claims = []
    for name, rule in question.rules.items():
        judgement: Judgement = by_name[name].judgement
        if withheld and judgement in ("reproduced", "not reproduced"):
            judgement = "inconclusive"
        claims.append(
            Claim(
                published=rule.published,
                source=rule.source,
                rule=rule.rule,
                measured=by_name[name].measured,
                judgement=judgement,
            )
        )
    return claims


def _write(
    partial: Path,
    study: Study,
    settings: Configuration,
    question: Question,
    found: Findings,
) -> None:
    seeds = study.seeds(settings)
    claims = claims_of(question, found.findings, seeds)
    write_records(partial / "results.json", [*claims, *found.records])
    _write_claims(partial / "artifacts" / "claims.parquet", question)
    rules = Table(
        table="artifacts/claims.parquet",
        columns=(
            ("claim", "claim"),
            ("measure", "measured by"),
            ("smallest_effect", "smallest effect of interest"),
            ("control", "control"),
        ),
        title="Rules, as written before the run",
        caption=f"From QUESTION.md, SHA-256 {question.digest[:12]}, of {study.name}.",
    )
    told = [study.units(settings), *_notes(question, found, seeds)]
    notes = Limits(items=tuple(told))
    asked = Text(text=question.question)
    doubt = Text(text=f"What would change our mind: {question.change_of_mind}")
    pages = [
        Page(title="The question", blocks=(asked, doubt)),
        *found.pages,
        Page(title="How the verdicts were reached", blocks=(rules, notes)),
    ]
    write_pages(partial / "artifacts" / "pages.json", pages)
    render_report(partial)


def _notes(question: Question, found: Findings, seeds: Sequence[int]) -> list[str]:
    """Return what a reader must know of the verdicts, a sentence or two each."""
    notes = [
        f"Of {len(question.rules)} claims, chance alone would pass {found.chance:.2g}.",
    ]
    if question.is_void:
        notes.append(
            "The rules of this study have changed since they were registered: every verdict is "
            "void until the change is logged."
        )
    if min(seeds) < FIRST_VERDICT_SEED:
        notes.append(
            f"Seeds below {FIRST_VERDICT_SEED} are for development: claims stay inconclusive "
            "whatever was found."
        )
    return notes


def _write_claims(path: Path, question: Question) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    path.parent.mkdir(exist_ok=True)
    rows = [
        {
            "claim": rule.name,
            "measure": rule.measure,
            "smallest_effect": rule.smallest_effect,
            "control": rule.control,
        }
        for rule in question.rules.values()
    ]
    parquet.write_table(pa.Table.from_pylist(rows), path)
