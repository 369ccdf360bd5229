"""Which dictionaries a ranking is of: those of finished measure runs, seeds and subjects pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.base.errors import UserError
from tacit.base.folders import MANIFEST, read_manifest
from tacit.base.records import Gap, Record, read_records
from tacit.evaluations.differences import DICTIONARY
from tacit.evaluations.readings import Key, read_readings
from tacit.verbs.measure import READINGS
from tacit.verbs.run_labels import labelled

COUNTED = "_left_out"
"""Ending of coordinates that count, and so tell no figures apart."""
NOT_FIGURES = ("load.device", "load.device_map", "model", "dictionary", "site", "store",
               "text", "measures", "extra", "baselines")  # fmt: skip
"""Settings that no figure depends on, or that the store and the site tell better."""

Sums = dict[str, tuple[float, float]]
"""Of one unit, by its part: the sum above and the sum below."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scoring:
    """A finished measure run, as far as a ranking reads it."""

    label: str
    """Name of its folder, or the whole path where two folders are called the same."""
    folder: Path
    configuration: Mapping[str, Any]
    records: Sequence[Record]
    units: Mapping[Key, Mapping[str, Sums]]
    """The dictionary's own figures, by figure and coordinates, then by unit."""

    @property
    def of(self) -> Mapping[str, str | int | float]:
        """What the dictionary is: method, atoms, sparsity, seed."""
        return self.configuration["of"]

    @property
    def subject(self) -> str:
        """What tells the model from any other."""
        return str(self.configuration["subject_digest"])

    @property
    def seed(self) -> int:
        """Seed of the dictionary."""
        return int(self.of["seed"])

    def measured_as(self, measure: str) -> dict[str, Any]:
        """Return all that must be alike for a measure's figures to be paired."""
        own = self.configuration
        settings: dict[str, Any] = {}
        for key, value in own["settings"].items():
            nested = value.items() if key == "load" else ()
            settings |= {f"{key}.{name}": leaf for name, leaf in nested} or {key: value}
        return {
            "subject": own["subject"],
            "subject_digest": own["subject_digest"],
            "site": own["site"],
            "store": own["store"],
            **{key: value for key, value in settings.items() if key not in NOT_FIGURES},
            measure: own["settings"]["extra"].get(measure, {}),
        }

    def why_without(self, key: Key) -> str:
        """Return why the run has nothing under a figure, as it says itself."""
        figure, coordinates = key
        measure = dict(coordinates)["measure"]
        for record in self.records:
            if (
                isinstance(record, Gap)
                and record.name == figure
                and record.of.get("measure", measure) == measure
                and record.of.get("basis", DICTIONARY) == DICTIONARY
            ):
                return record.reason
        return f"{self.label} was not measured by {measure} in this way"


@dataclass(frozen=True, kw_only=True, eq=False)
class Entrant:
    """One dictionary that is ranked, or the same one of several seeds and subjects."""

    name: str
    runs: tuple[Scoring, ...]

    @property
    def of(self) -> dict[str, str | int | float]:
        """Coordinates of its figures."""
        own = {key: value for key, value in self.runs[0].of.items() if key != "seed"}
        return {"dictionary": self.name, **own}

    @property
    def subjects(self) -> tuple[str, ...]:
        """The models that it was measured on, by their names."""
        return tuple(dict.fromkeys(str(run.configuration["subject"]) for run in self.runs))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that are pooled."""
        return tuple(sorted({run.seed for run in self.runs}))


def read_scorings(folders: Sequence[str | Path]) -> list[Scoring]:
    """Return the runs in these folders, or say which of them is no finished measure run."""
    return [_read(path, label) for path, label in labelled(folders)]


def _read(folder: Path, label: str) -> Scoring:
    manifest = read_manifest(folder)
    unfinished = not all((folder / name).exists() for name in ("results.json", READINGS))
    if folder.name.endswith(".partial") or unfinished:
        raise UserError(
            f"the run {folder} was not finished; give its `tacit measure` command again first."
        )
    return Scoring(
        label=label,
        folder=folder,
        configuration=manifest["configuration"],
        records=read_records(folder / "results.json"),
        units=_units_of(folder / READINGS),
    )


def _units_of(path: Path) -> dict[Key, dict[str, Sums]]:
    found: dict[Key, dict[str, Sums]] = {}
    for each in read_readings(path):
        if each.of.get("basis") != DICTIONARY:
            continue
        own = {k: v for k, v in each.of.items() if not k.endswith(COUNTED) and k != "basis"}
        units = found.setdefault((each.figure, tuple(sorted(own.items()))), {})
        parts = units.setdefault(each.unit, {})
        top, bottom = parts.get(str(each.part), (0.0, 0.0))
        parts[str(each.part)] = (top + each.top, bottom + each.bottom)
    return found


def entrants_of(runs: Sequence[Scoring]) -> list[Entrant]:
    """Return every dictionary; those of runs that differ in seed or subject alone are one.

    Runs of one method and size that differ in anything else are called by their folders.
    """
    pools: dict[str, list[Scoring]] = {}
    for run in runs:
        pools.setdefault(_called(run), []).append(run)
    found: list[Entrant] = []
    for name, pool in pools.items():
        if _may_be_pooled(pool):
            found.append(Entrant(name=name, runs=tuple(pool)))
        else:
            found += [Entrant(name=run.label, runs=(run,)) for run in pool]
    if len(found) < 2:
        raise UserError(
            f"{', '.join(run.label for run in runs)} measured one dictionary, {found[0].name}, and "
            "a ranking needs two: give a `tacit measure` run of another."
        )
    return found


def _called(run: Scoring) -> str:
    """Return method, atoms and sparsity, e.g. ``top-k, 1,024 atoms, k 16``."""
    of = run.of
    rest = [f"{key} {of[key]:g}" for key in ("k", "penalty") if key in of]
    return ", ".join([str(of["method"]), f"{of['num_atoms']:,} atoms", *rest])


def _may_be_pooled(pool: Sequence[Scoring]) -> bool:
    """Return whether runs are each of another subject or seed, and else measured alike."""
    if len({(run.subject, run.seed) for run in pool}) < len(pool):
        return False
    grounds: dict[str, set[str]] = {}
    for run in pool:
        grounds.setdefault(run.subject, set()).add(repr(run.measured_as("all")))
    return all(len(ways) == 1 for ways in grounds.values())


def digests_of(runs: Sequence[Scoring]) -> list[dict[str, str]]:
    """Return what tells a run from any other: its name, and its files' checksums."""
    from tacit.base.files import sha256_of

    files = (MANIFEST, "results.json", READINGS)
    return [
        {"run": run.label} | {name: sha256_of(run.folder / name) for name in files}
        for run in runs
    ]
