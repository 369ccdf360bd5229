"""``tacit measure``: any dictionary scored by every measure from one cache, in one run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tacit.activations.store import Store
from tacit.base.errors import look_up
from tacit.base.files import write_atomically
from tacit.base.folders import is_complete, whole_folder
from tacit.base.manifest import describe
from tacit.base.pages import write_pages
from tacit.base.progress import Progress, silent
from tacit.base.records import Gap, Record, read_records, write_records
from tacit.evaluations.concept_sources import concepts_of
from tacit.evaluations.differences import against_baselines
from tacit.evaluations.evidence import Evidence, Live
from tacit.evaluations.gathering import (
    BASELINES,
    baselines_of,
    chosen_rows,
    gathered,
    planned,
)
from tacit.evaluations.readings import read_readings, records_of, write_readings
from tacit.evaluations.suite import Measured, run_measure, suite_of
from tacit.features.build import identity_of
from tacit.reports import render_report
from tacit.verbs.fidelity import check_fits
from tacit.verbs.measured_story import Scored, pages_of
from tacit.verbs.measured_text import Given, given_of, store_of
from tacit.verbs.settings import MeasureSettings

READINGS = "artifacts/readings.parquet"
Told = Callable[[str], None]


@dataclass(frozen=True)
class MeasureRun:
    """A finished measurement of one dictionary."""

    folder: Path
    records: tuple[Record, ...]

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.folder / "report.html"


def measure(
    settings: MeasureSettings,
    out: str | Path,
    *,
    passed: Sequence[str] = (),
    replace: bool = False,
    progress: Progress = silent,
    told: Told = lambda _: None,
) -> MeasureRun:
    """Return the run in ``out``: figures of the dictionary and of baselines, and their report.

    ``told`` gets the size and time of the cache before it is made. A finished run with the same
    settings is returned as it is; one that was stopped goes on behind the last measure that it
    finished.
    """
    folder = Path(out)
    suite_of(settings.size, settings.measures, settings.extra)  # mistakes first
    _baselines(settings)
    given = given_of(settings)
    manifest = _manifest(settings, given, passed, folder)
    if replace or not is_complete(folder, manifest):
        with whole_folder(folder, manifest, replace=replace) as partial:
            _fill(partial, settings, given, progress, told)
    elif not (folder / "report.html").exists():
        render_report(folder)
    return MeasureRun(folder, tuple(read_records(folder / "results.json")))


def _baselines(settings: MeasureSettings) -> tuple[str, ...]:
    names = tuple(BASELINES) if settings.baselines is None else settings.baselines
    for name in names:
        look_up(BASELINES, name, "baseline")
    return names


def coordinates_of(given: Given) -> dict[str, str | int | float]:
    """Return what tells the dictionary from others: method, atoms, sparsity, seed."""
    own = given.dictionary
    known = {key: own.settings.get(key) for key in ("k", "penalty")}
    sparsity = {k: v for k, v in known.items() if isinstance(v, int | float)}
    return {
        "method": own.method,
        "num_atoms": own.num_atoms,
        **sparsity,
        "seed": own.seed,
    }


def _manifest(
    settings: MeasureSettings, given: Given, passed: Sequence[str], out: Path
) -> dict[str, Any]:
    configuration = {
        "settings": settings.model_dump(mode="json"),
        "subject": given.subject.name,
        "subject_digest": given.subject.digest,
        "dictionary": identity_of(given.dictionary),
        "store": given.store_identity,
        "site": given.dictionary.contract.site,
        "of": coordinates_of(given),
        "source": settings.dictionary,
    }
    manifest = describe("measure", configuration, passed=passed, seed=settings.seed)
    return {**manifest, "command": command_of(settings, passed, out)}


def command_of(settings: MeasureSettings, passed: Sequence[str], out: Path) -> str:
    """Return the command that makes a run again, whichever way its settings were passed."""
    words = ["tacit", "measure", settings.model, "--dictionary", settings.dictionary]
    for name in passed:
        if name not in ("model", "dictionary"):
            value: Any = settings.model_dump(mode="json")
            for key in name.split("."):
                value = value[key]
            told = value if isinstance(value, str) else json.dumps(value)
            words += ["--set", f"{name}={'none' if value is None else told}"]
    return shlex.join([*words, "--out", str(out)])


def _live(given: Given, store: Store, folder: Path) -> Live:
    site = check_fits(given.dictionary, store)
    return Live(subject=given.subject, store=store, site=site, folder=folder)


def _fill(
    partial: Path, settings: MeasureSettings, given: Given, progress: Progress, told: Told
) -> None:
    store = store_of(given, partial, progress)
    live = _live(given, store, partial / "cache")
    rows = chosen_rows(live, given.dictionary, settings.max_rows, settings.seed)
    expected = planned(live, given.dictionary, rows)
    told(expected.in_words())
    concepts, left_out = concepts_of(store, rows)
    evidence = gathered(live, given.dictionary, rows, concepts)
    found = _all_measured(partial, settings, evidence, progress)
    of = coordinates_of(given)
    readings = [reading for each in found for reading in each.readings]
    gaps = [
        Gap(name=gap.name, reason=gap.reason, of={**of, **gap.of})
        for gap in (*left_out, *(gap for each in found for gap in each.gaps))
    ]
    records = [*records_of(readings, of), *against_baselines(readings, of), *gaps]
    write_records(partial / "results.json", records)
    artifacts = partial / "artifacts"
    artifacts.mkdir(exist_ok=True)
    write_readings(partial / READINGS, readings)
    scored = Scored(
        baselines=_baselines(settings),
        given=given,
        store=store,
        plan=expected,
        evidence=evidence,
        records=records,
        readings=readings,
        measured=found,
        of=of,
    )
    write_pages(artifacts / "pages.json", pages_of(scored, artifacts))
    render_report(partial)


def _all_measured(
    partial: Path, settings: MeasureSettings, evidence: Evidence, progress: Progress
) -> list[Measured]:
    """Return what every measure found; each is kept as soon as it is done."""
    suite = suite_of(settings.size, settings.measures, settings.extra)
    found: list[Measured] = []
    baselines: list[Evidence] | None = None
    with progress("measure", len(suite), "measures") as advance:
        for each in suite:
            path = partial / "measured" / f"{each.name}.json"
            earlier = path.exists()
            if not earlier:
                if baselines is None:
                    baselines = baselines_of(evidence, _baselines(settings), settings.seed)
                _keep(path, run_measure(each, evidence, baselines, settings.seed))
            found.append(_kept(path))
            advance(earlier=earlier)
    return found


def _keep(path: Path, found: Measured) -> None:
    """Write the readings, and then the rest, whose file says that the measure is done."""
    path.parent.mkdir(exist_ok=True)
    write_readings(path.with_suffix(".parquet"), found.readings)
    gaps = [asdict(each) for each in found.gaps]
    plain = {"measure": found.measure, "gaps": gaps, "seconds": found.seconds}
    write_atomically(path, json.dumps(plain) + "\n")


def _kept(path: Path) -> Measured:
    plain: Mapping[str, Any] = json.loads(path.read_text())
    return Measured(
        measure=plain["measure"],
        readings=tuple(read_readings(path.with_suffix(".parquet"))),
        gaps=tuple(Gap(**each) for each in plain["gaps"]),
        seconds=plain["seconds"],
    )
