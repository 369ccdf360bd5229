"""``tacit score``: are explanations true on text that the explainer did not see?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

from tacit.base.errors import UserError
from tacit.base.manifest import describe
from tacit.base.pages import write_pages
from tacit.base.progress import Progress, silent
from tacit.base.records import Gap, Record, Result, write_records
from tacit.base.waiting import run_to_end
from tacit.explanations.ledger import read_ledger
from tacit.explanations.working import Worked
from tacit.models.spending import Budget, Usage
from tacit.reports import render_report
from tacit.verbs.explain import Shown
from tacit.verbs.explain_settings import ProtocolSettings, ScoreSettings
from tacit.verbs.explained_run import (
    Explanations,
    Learned,
    explanations_in,
    file_name,
    growing_folder,
    learned_run,
    write_rows,
)
from tacit.verbs.score_figures import figures_of
from tacit.verbs.score_story import pages_of
from tacit.verbs.score_tables import score_schema
from tacit.verbs.score_work import LEDGER, PREDICTIONS, Work
from tacit.verbs.scored import Scored, rows_in
from tacit.verbs.who_explains import (
    Means,
    chat_configuration,
    reader_for,
    reader_named,
    then_closed,
)
from tacit.verbs.who_scores import METRIC_OF, Exam, scorers_named

TABLE = "scores.parquet"


@final
@dataclass(frozen=True, kw_only=True)
class ScoreRun:
    """What a call of ``score`` came to, and all that its folder holds by now."""

    folder: Path
    explainer: str
    records: tuple[Record, ...]
    worked: Worked
    """Of the explanations, without the floors."""
    spent: Usage
    """By this call."""

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.folder / "report.html"

    @property
    def headlines(self) -> list[Result | Gap]:
        """The mean of every figure of the explanations, without those of the floors."""
        return [
            each
            for each in self.records
            if isinstance(each, Result | Gap)
            and each.name in METRIC_OF.values()
            and each.of["explainer"] == self.explainer
        ]


def score(
    run: str | Path,
    settings: ScoreSettings | None = None,
    *,
    again: bool = False,
    passed: Sequence[str] = (),
    progress: Progress = silent,
) -> ScoreRun:
    """Score the explanations of a run that have no scores yet, and report on all that have.

    ``again``: score once more where a figure has no value or fragments were left unanswered. A
    call that was stopped goes on where it was.

    Raises:
        UserError: for a run without explanations or with those of another dictionary, a reader
            or scorer that cannot be had, and a folder begun with another configuration.
    """
    settings = settings or ScoreSettings()
    learned = learned_run(run)
    made = _to_score(learned, settings)
    budget = settings.spending.budget()
    exam = Exam(
        shown=_shown(learned, made),
        explainer=made.explained[0].explainer,
        reader=settings.reader or _reader_of(made),
        num_prefixes=settings.prefixes,
    )
    reader = reader_named(exam.reader, _means(exam.shown, settings, budget))
    scorers, left_out = scorers_named(settings.scorers, exam)
    folder = made.folder / "scores" / file_name(exam.reader)
    manifest = _manifest(made, exam.reader, settings, passed)
    otherwise = "Score explanations of another --name, or delete that folder."
    with growing_folder(folder, manifest, LEDGER, otherwise):
        work = Work(
            made=made,
            shown=exam.shown,
            reader=reader,
            scorers=scorers,
            folder=folder,
            budget=budget,
            at_once=settings.spending.at_once,
            again=again,
            progress=progress,
        )
        worked = run_to_end(then_closed(work.done(control=settings.control), reader))
        records = _reported(folder, made, exam, left_out, worked.stopped, settings)
    return ScoreRun(
        folder=folder,
        explainer=exam.explainer,
        records=records,
        worked=worked,
        spent=budget.spent,
    )


def _to_score(learned: Learned, settings: ScoreSettings) -> Explanations:
    made = explanations_in(learned, settings.explainer)
    if not made.explained:
        raise UserError(
            f"none of the {len(made.said)} features in {made.folder} has an explanation to score; "
            "explain others."
        )
    return made


def _shown(learned: Learned, made: Explanations) -> Shown:
    """Return the run's text as it was when the explanations were made."""
    return Shown(
        run=learned,
        protocol=ProtocolSettings(**made.configuration["protocol"]).protocol(),
        seed=made.configuration["seed"],
    )


def _reported(
    folder: Path,
    made: Explanations,
    exam: Exam,
    left_out: Sequence[Gap],
    stopped: str | None,
    settings: ScoreSettings,
) -> tuple[Record, ...]:
    """Write all that the ledgers say as table, results and report; return the results."""
    rows, unscorable = rows_in(read_ledger(folder / LEDGER))
    found = Scored(
        made=made,
        shown=exam.shown,
        reader=exam.reader,
        figures=figures_of(rows, exam.explainer),
        predictions=read_ledger(folder / PREDICTIONS),
        left_out=left_out,
        unscorable=unscorable,
        stopped=stopped,
        num_shown=settings.shown_features,
    )
    write_rows(folder / TABLE, [asdict(each) for each in rows], score_schema())
    write_records(folder / "results.json", found.records)
    write_pages(folder / "artifacts" / "pages.json", pages_of(found, folder))
    render_report(folder)
    return tuple(found.records)


def _reader_of(made: Explanations) -> str:
    configuration = made.configuration
    return reader_for(configuration["explainer"]["name"], configuration["exchanged"])


def _means(shown: Shown, settings: ScoreSettings, budget: Budget) -> Means:
    return Means(
        index=shown.run.index,
        seed=shown.seed,
        chat=settings.chat,
        spending=settings.spending,
        budget=budget,
        exchanged=list,
    )


def _manifest(
    made: Explanations, reader: str, settings: ScoreSettings, passed: Sequence[str]
) -> dict[str, Any]:
    configuration = {
        "explanations": made.configuration,
        "reader": chat_configuration(reader, settings.chat),
        "prefixes": settings.prefixes,
    }
    return describe(
        "scores",
        configuration,
        passed=passed,
        seed=made.configuration["seed"],
        parents=[made.folder],
    )
