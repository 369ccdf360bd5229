"""The pieces of a run, each resumable by the table that it leaves; which go side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial as partial_of
from pathlib import Path

import torch

from tacit.base.progress import Progress
from tacit.studies.hidden_information.cues import write_cues
from tacit.studies.hidden_information.likeness import write_apart, write_pairs
from tacit.studies.hidden_information.measuring import write_run
from tacit.studies.hidden_information.pictures import read_pictures
from tacit.studies.hidden_information.runs import run_path, said_path, train_run
from tacit.studies.hidden_information.settings import HiddenSettings
from tacit.studies.hidden_information.swaps import write_swaps
from tacit.studies.hidden_information.wires import write_wires
from tacit.studies.in_processes import run_in_processes
from tacit.studies.side_by_side import Piece

CUED = ("joint", "sequential")
"""Arms whose concept layer and trunk are searched for the cue."""
TABLES = "artifacts"


def table_path(partial: Path, name: str) -> Path:
    """Return where a table is kept."""
    return partial / TABLES / f"{name}.parquet"


def train_all(settings: HiddenSettings, partial: Path, progress: Progress) -> None:
    """Train every run that is not there yet, so many at a time as there are threads."""
    todo = [
        run for run in settings.runs_of(has_twins=has_twins(partial))
        if not said_path(run_path(partial, *run)).exists()
    ]  # fmt: skip
    pieces = [partial_of(_train, settings, partial, *run) for run in todo]
    _side_by_side("train", pieces, progress, "runs")


def _train(
    settings: HiddenSettings, partial: Path, arm: str, seed: int, progress: Progress
) -> None:
    train_run(settings, partial, arm, seed)
    with progress("train", 1, "runs") as advance:
        advance()


def measure_all(settings: HiddenSettings, partial: Path, progress: Progress) -> None:
    """Measure runs, swaps, wires and cues, where the tables are not there yet."""
    (partial / TABLES).mkdir(exist_ok=True)
    works = _works(settings, partial)
    pieces = [partial_of(_write, work) for path, work in works if not path.exists()]
    _side_by_side("measure", pieces, progress, "tables")


def _works(
    settings: HiddenSettings, partial: Path
) -> Sequence[tuple[Path, Callable[[], None]]]:
    """Return each table with what writes it."""
    twins, works = has_twins(partial), []
    for arm, seed in settings.runs_of(has_twins=twins):
        work = partial_of(write_run, settings, partial, partial / TABLES, arm, seed)
        works.append((table_path(partial, f"run-{arm}-{seed}"), work))
    for seed in settings.seeds:
        path = table_path(partial, f"wires-{seed}")
        works.append((path, partial_of(write_wires, settings, partial, path, seed)))
    of_all = {"swaps": write_swaps, "apart": write_apart}
    if twins:
        of_all["pairs"] = write_pairs
    for name, write in of_all.items():
        path = table_path(partial, name)
        works.append((path, partial_of(write, settings, partial, path)))
    for arm, seed in [(arm, seed) for arm in CUED for seed in settings.seeds if twins]:
        path = table_path(partial, f"cues-{arm}-{seed}")
        works.append((path, partial_of(write_cues, settings, partial, path, arm, seed)))
    return works


def _write(work: Callable[[], None], progress: Progress) -> None:
    work()
    with progress("measure", 1, "tables") as advance:
        advance()


def _side_by_side(
    title: str, pieces: Sequence[Piece], progress: Progress, unit: str
) -> None:
    if not pieces:
        return
    with progress(title, len(pieces), unit) as advance:
        run_in_processes(pieces, [1] * len(pieces), threads(), advance)


def threads() -> int:
    """Return how many pieces go at a time: each computes on one thread of its own."""
    return torch.get_num_threads()


def has_twins(partial: Path) -> bool:
    """Return whether the pictures hold twins, whose truth is known."""
    return read_pictures(partial).twin_of is not None
