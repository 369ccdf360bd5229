"""``tacit calibrate``: how far can an instrument be trusted where the truth is known?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from tacit import __version__
from tacit.base.configuration import Configuration
from tacit.base.errors import look_up
from tacit.base.folders import is_complete, whole_folder
from tacit.base.manifest import describe
from tacit.base.pages import write_pages
from tacit.base.progress import Progress, silent
from tacit.base.records import Gap, Record, Result, read_records, write_records
from tacit.calibrations.calibration_row import CalibrationRow
from tacit.calibrations.instruments import INSTRUMENTS
from tacit.calibrations.known import write_known
from tacit.calibrations.run import calibrate as run_calibration
from tacit.reports import render_report
from tacit.verbs.calibrated_story import pages_of
from tacit.verbs.calibrated_tables import read_rows, write_rows

LEDGER = "trials.jsonl"
ROWS = "artifacts/calibration.json"


class CalibrateSettings(Configuration):
    """All of ``tacit calibrate`` beside its folder."""

    instruments: tuple[str, ...] = ()
    """Names of ``tacit list instruments``; none: all."""
    sizes: tuple[int, ...] = ()
    """Sizes of sample, in the instrument's own unit; none: its own."""
    repeats: int = Field(default=100, ge=2)
    """Repetitions at each size, of seeds 0 and up."""


@dataclass(frozen=True)
class CalibrateRun:
    """A finished calibration."""

    folder: Path
    rows: tuple[CalibrationRow, ...]
    records: tuple[Record, ...]

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.folder / "report.html"

    @property
    def headlines(self) -> list[Result | Gap]:
        """Power and false alarms at every size."""
        return [
            each
            for each in self.records
            if isinstance(each, Result) and each.name in ("power", "false_alarm_rate")
        ]


def calibrate(
    settings: CalibrateSettings,
    out: str | Path,
    *,
    processes: int = 1,
    passed: Sequence[str] = (),
    replace: bool = False,
    write: bool = False,
    progress: Progress = silent,
) -> CalibrateRun:
    """Return the run in ``out``: power, false alarms, coverage and bias at each size.

    A finished run with the same settings is returned as it is; one that was stopped goes on where
    it was. ``write``: puts what was found among what ships with Tacit.

    Raises:
        UserError: for an unknown instrument, or a folder begun with other settings.
    """
    folder = Path(out)
    names = settings.instruments or tuple(INSTRUMENTS)
    for name in names:
        look_up(INSTRUMENTS, name, "instrument")
    configuration = {"settings": settings.model_dump(mode="json"), "version": __version__}
    manifest = describe("calibrate", configuration, passed=passed, seed=0)
    if replace or not is_complete(folder, manifest):
        with whole_folder(folder, manifest, replace=replace) as partial:
            _fill(partial, names, settings, processes, progress)
    elif not (folder / "report.html").exists():
        render_report(folder)
    rows = read_rows(folder / ROWS)
    if write:
        write_known(rows)
    return CalibrateRun(folder, rows, tuple(read_records(folder / "results.json")))


def _fill(
    partial: Path,
    names: Sequence[str],
    settings: CalibrateSettings,
    processes: int,
    progress: Progress,
) -> None:
    rows: list[CalibrationRow] = []
    for name in names:
        rows += run_calibration(
            INSTRUMENTS[name],
            partial / LEDGER,
            sizes=settings.sizes,
            repeats=settings.repeats,
            processes=processes,
            progress=progress,
        )
    artifacts = partial / "artifacts"
    artifacts.mkdir(exist_ok=True)
    write_rows(partial / ROWS, rows)
    write_records(
        partial / "results.json", [each for row in rows for each in row.records()]
    )
    write_pages(artifacts / "pages.json", pages_of(rows, settings.repeats, artifacts))
    render_report(partial)
