"""``tacit leak``: what somebody's concept layer says of the class beyond its concepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.base.folders import is_complete, whole_folder
from tacit.base.manifest import describe
from tacit.base.pages import write_pages
from tacit.base.progress import Progress, silent
from tacit.base.records import Record, read_records, write_records
from tacit.reports import render_report
from tacit.verbs.leak_arrays import open_arrays
from tacit.verbs.leak_inputs import LeakSource
from tacit.verbs.leak_measures import NUM_STEPS, measured
from tacit.verbs.leak_pictures import open_pictured
from tacit.verbs.leak_settings import LeakSettings, kind_of
from tacit.verbs.leak_story import CONCEPTS, pages_of


@dataclass(frozen=True)
class LeakRun:
    """A finished measurement of one bottleneck."""

    folder: Path
    records: tuple[Record, ...]

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.folder / "report.html"

    @property
    def concepts(self) -> list[dict[str, Any]]:
        """Every concept with its leak in nats, the largest first; None where there is none."""
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / CONCEPTS).to_pylist()


def leak(
    settings: LeakSettings,
    out: str | Path,
    *,
    passed: Sequence[str] = (),
    replace: bool = False,
    progress: Progress = silent,
) -> LeakRun:
    """Return the run in ``out``: what leaks, where, and in which pictures.

    A finished run with the same settings is returned as it is. One that was stopped does not ask
    the model again where it had answered.

    Raises:
        UserError: where model, pictures, concepts or arrays are missing or do not go together.
    """
    folder = Path(out)
    source = opened(settings)
    manifest = describe(
        "leak",
        {"settings": settings.model_dump(mode="json"), "digests": dict(source.digests)},
        passed=passed,
        seed=settings.seed,
    )
    if replace or not is_complete(folder, manifest):
        with whole_folder(folder, manifest, replace=replace) as partial:
            _fill(partial, source, settings, progress)
    elif not (folder / "report.html").exists():
        render_report(folder)
    return LeakRun(folder, tuple(read_records(folder / "results.json")))


def opened(settings: LeakSettings) -> LeakSource:
    """Return what settings name: a model with its pictures, or arrays."""
    if kind_of(settings.model) == "arrays":
        return open_arrays(settings)
    return open_pictured(settings)


def _fill(
    partial: Path, source: LeakSource, settings: LeakSettings, progress: Progress
) -> None:
    examined = source.examined(partial, progress)
    with progress("measure", NUM_STEPS, "steps") as advance:
        found = measured(examined, settings, told=advance)
    write_records(partial / "results.json", found.records)
    artifacts = partial / "artifacts"
    artifacts.mkdir(exist_ok=True)
    write_pages(artifacts / "pages.json", pages_of(found, source, settings, artifacts))
    render_report(partial)
