"""Which dictionaries a comparison is of: those of finished learn runs, seeds pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.base.errors import UserError, unknown
from tacit.base.folders import MANIFEST, read_manifest
from tacit.base.records import Gap, Record, Result, read_records
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.files import load_dictionary
from tacit.verbs.members import MAIN
from tacit.verbs.run_labels import labelled
from tacit.verbs.units import Units, read_units

LABELS = "artifacts/labels.parquet"
ONLY_SHOWN = ("seed", "shown_features")
"""Settings of a run in which pooled runs may differ: no other figure depends on the second."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A finished learn run, as far as a comparison reads it."""

    label: str
    """Name of its folder, or the whole path where two folders are called the same."""
    folder: Path
    settings: Mapping[str, Any]
    read: Mapping[str, Any]
    """How its store was made: the text, the windows and the model it is of."""
    records: Sequence[Record]
    coordinates: Mapping[str, Mapping[str, Any]]
    """Of each dictionary, by its name in the run."""
    units: Mapping[str, Units]
    f1: Mapping[str, float] | None
    """By label, of the main dictionary's best feature; None where no truth is known."""

    @property
    def seed(self) -> int:
        """Root seed of the run."""
        return int(self.settings["seed"])

    @property
    def site(self) -> str:
        """The site that the run is of."""
        return str(self.settings["site"])

    def dictionary(self, name: str) -> Dictionary:
        """Return one of its dictionaries."""
        return load_dictionary(self.folder / "dictionaries" / name / f"seed-{self.seed}")

    def recorded(self, figure: str, of: Mapping[str, Any]) -> Result | Gap | None:
        """Return the run's own record of a figure, the first whose coordinates hold ``of``."""
        for record in self.records:
            if (
                isinstance(record, Result | Gap)
                and record.name == figure
                and of.items() <= record.of.items()
            ):
                return record
        return None


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One dictionary that is compared, or the same one of several seeds."""

    name: str
    """Name in its run, e.g. ``main`` or ``pca_k-8``."""
    runs: tuple[Finished, ...]
    """One a seed."""

    @property
    def first(self) -> Finished:
        """The run that was given first."""
        return self.runs[0]

    @property
    def key(self) -> str:
        """What it is called on the command line: the run, a colon, the dictionary."""
        return f"{self.first.label}:{self.name}"

    @property
    def site(self) -> str:
        """The site that it reads."""
        return self.first.site

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that are pooled."""
        return tuple(run.seed for run in self.runs)

    @property
    def of(self) -> dict[str, str | int | float]:
        """Coordinates of its figures."""
        own = {k: v for k, v in self.first.coordinates[self.name].items() if k != "seed"}
        many = len(self.runs) > 1
        seeds = {"seeds": len(self.runs)} if many else {"seed": self.first.seed}
        return {"dictionary": self.key, "site": self.site, **own, **seeds}


def read_finished(folders: Sequence[str | Path]) -> list[Finished]:
    """Return the runs in these folders, or say which of them is no finished learn run."""
    return [_read(path, label) for path, label in labelled(folders)]


def _read(folder: Path, label: str) -> Finished:
    if not folder.is_dir():
        raise UserError(
            f"there is no run at {folder}; make one with `tacit learn ... --out {folder}`."
        )
    manifest = read_manifest(folder)
    if manifest["kind"] != "learn":
        raise UserError(
            f"{folder} holds a {manifest['kind']}, and runs of `tacit learn` are compared; give "
            "the folder of one."
        )
    if folder.name.endswith(".partial") or not (folder / "results.json").exists():
        raise UserError(
            f"the run {folder} was not finished; give its `tacit learn` command again first."
        )
    store = read_manifest(folder / "store")
    coordinates, units = read_units(folder / "artifacts")
    return Finished(
        label=label,
        folder=folder,
        settings=manifest["configuration"]["settings"],
        read={**store["configuration"], "num_tokens": store["num_tokens"]},
        records=read_records(folder / "results.json"),
        coordinates=coordinates,
        units=units,
        f1=_f1_of(folder),
    )


def _f1_of(folder: Path) -> dict[str, float] | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / LABELS
    if not path.exists():
        return None
    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{path} is damaged ({error}); make the run again.") from error
    return dict(sorted((row["label"], row["f1"]) for row in rows)) or None


def contenders_of(runs: Sequence[Finished]) -> list[Contender]:
    """Return every dictionary of the runs; those of runs that differ in seed alone are one."""
    pools: dict[str, list[Finished]] = {}
    for run in runs:
        rest = {key: run.settings[key] for key in run.settings if key not in ONLY_SHOWN}
        pools.setdefault(repr((rest, sorted(run.read.items()))), []).append(run)
    groups: list[tuple[Finished, ...]] = []
    for pool in pools.values():
        distinct = len({run.seed for run in pool}) == len(pool)
        # The same run from two folders is no second seed.
        groups += [tuple(pool)] if distinct else [(run,) for run in pool]
    found = [
        Contender(name=name, runs=tuple(run for run in group if name in run.units))
        for group in groups
        for name in dict.fromkeys(name for run in group for name in run.units)
    ]
    if len(found) < 2:
        raise UserError(
            f"{runs[0].label} holds one dictionary, and two are needed to compare: give another "
            "run as well, or a run with a frontier (without --set frontier=none)."
        )
    return found


def reference_of(contenders: Sequence[Contender], asked: str | None) -> Contender:
    """Return what all others are compared with: the first run's main dictionary, or ``asked``.

    ``asked``: RUN:DICTIONARY, a RUN, whose main dictionary is then meant, or a DICTIONARY of the
    first run. A run is called by its folder's name or path.
    """
    first = contenders[0].first
    names: dict[str, Contender] = {}
    for contender in contenders:
        for run in contender.runs:
            for called in (run.label, str(run.folder)):
                names.setdefault(f"{called}:{contender.name}", contender)
                if contender.name == MAIN:
                    names.setdefault(called, contender)
    for contender in contenders:
        if first in contender.runs:
            names.setdefault(contender.name, contender)
    wanted = MAIN if asked is None else asked.rstrip("/")
    if wanted not in names:
        raise unknown("dictionary to compare with", wanted, {c.key for c in contenders})
    return names[wanted]


def digests_of(runs: Sequence[Finished]) -> list[dict[str, str]]:
    """Return what tells a run from any other: its name, and its files' checksums."""
    from tacit.base.files import sha256_of
    from tacit.verbs.units import NAMES, UNITS

    files = (MANIFEST, "results.json", f"artifacts/{UNITS}", f"artifacts/{NAMES}")
    return [
        {"run": run.label} | {name: sha256_of(run.folder / name) for name in files}
        for run in runs
    ]
