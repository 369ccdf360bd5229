"""``tacit compare``: finished runs beside one another, every difference paired.

Runs of ``tacit learn`` are compared with a reference, those of ``tacit measure`` are ranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.base.errors import UserError
from tacit.base.folders import is_complete, read_manifest, whole_folder
from tacit.base.manifest import describe
from tacit.base.pages import write_pages
from tacit.base.progress import Progress, silent
from tacit.base.records import Record, read_records, write_records
from tacit.reports import render_report
from tacit.verbs.comparison_story import pages_of
from tacit.verbs.comparison_tables import Comparison
from tacit.verbs.contenders import (
    Contender,
    Finished,
    contenders_of,
    digests_of,
    read_finished,
    reference_of,
)
from tacit.verbs.overlap import shared_by_seeds, shared_with
from tacit.verbs.pairing import FIGURES, difference_of, figure_of

MOST_MATCHED = 4_096
"""Atoms that are matched one to one unless more are asked for: seconds a pair."""


@dataclass(frozen=True)
class CompareRun:
    """A finished comparison."""

    folder: Path
    records: tuple[Record, ...]
    reference: str
    """What everything else is compared with, as RUN:DICTIONARY."""
    names: tuple[str, ...]
    """All that is compared, the reference included."""
    is_ranking: bool = False
    """Whether measure runs were ranked; the reference is then the best by its mean rank."""

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.folder / "report.html"


def compare(
    runs: Sequence[str | Path],
    *,
    out: str | Path = "runs/compare",
    reference: str | None = None,
    seed: int = 0,
    match_atoms: int = MOST_MATCHED,
    replace: bool = False,
    progress: Progress = silent,
) -> CompareRun:
    """Return the comparison in ``out`` of all dictionaries of finished ``tacit learn`` runs.

    Figures stand beside their difference from ``reference`` (RUN:DICTIONARY, a RUN or a
    DICTIONARY; by default the first run's main one), resampled in pairs by held-out document, F1
    by label. What was not measured on the same text and site is a ``Gap``. Runs that differ in
    seed alone are pooled, their seeds the units. Atoms are matched one to one, up to
    ``match_atoms`` of them.

    Of runs of ``tacit measure``: their dictionaries in order, see ``tacit.verbs.ranking``.
    """
    if not runs:
        raise UserError("no run was given; give the folders of runs of `tacit learn`.")
    if match_atoms < 1:
        raise UserError(f"match_atoms is {match_atoms}; give at least 1.")
    if _are_measured(runs):
        if reference is not None or seed or match_atoms != MOST_MATCHED:
            raise UserError(
                "reference, seed and match_atoms are for runs of `tacit learn`; runs of `tacit "
                "measure` are ranked, each beside the best, and nothing is drawn: leave them out."
            )
        return _rank(runs, Path(out), replace=replace)
    finished = read_finished(runs)
    contenders = contenders_of(finished)
    against = reference_of(contenders, reference)
    manifest = _manifest(finished, against, reference, seed, match_atoms)
    folder = Path(out)
    if replace or not is_complete(folder, manifest):
        with whole_folder(folder, manifest, replace=replace) as partial:
            records = _records(contenders, against, seed, match_atoms, progress)
            write_records(partial / "results.json", records)
            found = Comparison(
                runs=finished, contenders=contenders, reference=against, records=records
            )
            artifacts = partial / "artifacts"
            write_pages(artifacts / "pages.json", pages_of(found, artifacts))
            render_report(partial)
    elif not (folder / "report.html").exists():
        render_report(folder)
    return CompareRun(
        folder,
        tuple(read_records(folder / "results.json")),
        against.key,
        tuple(contender.key for contender in contenders),
    )


def _are_measured(runs: Sequence[str | Path]) -> bool:
    """Return whether all are runs of ``tacit measure``; refuse them beside others."""
    there = [Path(run) for run in runs if Path(run).is_dir()]
    kinds = {str(run): read_manifest(run)["kind"] for run in there}
    if len({*kinds.values()}) > 1 and "measure" in kinds.values():
        told = ", ".join(f"{run} ({kind})" for run, kind in kinds.items())
        raise UserError(
            f"runs of several kinds were given: {told}; compare runs of `tacit learn` with one "
            "another, and rank runs of `tacit measure` with one another."
        )
    return "measure" in kinds.values()


def _rank(runs: Sequence[str | Path], folder: Path, *, replace: bool) -> CompareRun:
    from tacit.verbs.ranking import Asked, order_of

    asked = Asked.of(runs)
    manifest = asked.manifest()
    if replace or not is_complete(folder, manifest):
        with whole_folder(folder, manifest, replace=replace) as partial:
            asked.write(partial)
            render_report(partial)
    elif not (folder / "report.html").exists():
        render_report(folder)
    records = tuple(read_records(folder / "results.json"))
    names = order_of(records, asked.entrants)
    return CompareRun(folder, records, names[0], names, is_ranking=True)


def _manifest(
    finished: Sequence[Finished],
    against: Contender,
    reference: str | None,
    seed: int,
    match_atoms: int,
) -> dict[str, Any]:
    given = {
        "runs": True,
        "reference": reference is not None,
        "seed": seed != 0,
        "match_atoms": match_atoms != MOST_MATCHED,
    }
    configuration = {
        "runs": digests_of(finished),
        "reference": against.key,
        "seed": seed,
        "match_atoms": match_atoms,
    }
    return describe(
        "compare",
        configuration,
        passed=[name for name, was_given in given.items() if was_given],
        seed=seed,
        parents=[run.folder for run in finished],
    )


def _records(
    contenders: Sequence[Contender],
    reference: Contender,
    seed: int,
    match_atoms: int,
    progress: Progress,
) -> list[Record]:
    found: list[Record | None] = []
    with progress("compare", len(contenders), "dictionaries") as advance:
        for contender in contenders:
            found += [figure_of(contender, figure, seed) for figure in FIGURES]
            if contender is not reference:
                found += [
                    difference_of(contender, reference, figure, seed) for figure in FIGURES
                ]
                found += shared_with(contender, reference, match_atoms, seed)
            if len(contender.runs) > 1:
                found += shared_by_seeds(contender, match_atoms, seed)
            advance()
    return [record for record in found if record is not None]
