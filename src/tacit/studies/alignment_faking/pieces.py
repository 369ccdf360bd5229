"""The pieces of the matrix: bases, organisms, runs; each resumable by what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial as partial_of
from pathlib import Path

import torch

from tacit.base.progress import Progress
from tacit.studies.alignment_faking.making import (
    base_path,
    is_made,
    make_base,
    make_one,
    organism_path,
    teachers_of,
)
from tacit.studies.alignment_faking.running import (
    checks_path,
    run_one,
    table_path,
    write_checks,
)
from tacit.studies.alignment_faking.settings import MatrixSettings
from tacit.studies.in_processes import run_in_processes

Work = Callable[[], None]


def run_matrix(settings: MatrixSettings, partial: Path, progress: Progress) -> None:
    """Make what is not there yet, in an order in which everything finds what it starts from."""
    (partial / "artifacts").mkdir(exist_ok=True)
    seeds = settings.every_seed
    bases = [
        partial_of(make_base, settings, partial, seed)
        for seed in seeds
        if not is_made(base_path(settings, partial, seed))
    ]
    _side_by_side("pretrain", bases, progress, "bases")
    names = list(dict.fromkeys((organism, seed) for organism, _, seed in settings.runs()))
    teachers = list(
        dict.fromkeys((each, seed) for name, seed in names for each in teachers_of(name))
    )
    for wanted in (teachers, names):
        todo = [
            partial_of(make_one, settings, partial, name, seed)
            for name, seed in wanted
            if not is_made(organism_path(partial, name, seed))
        ]
        _side_by_side("teach", todo, progress, "organisms")
    checks = [
        partial_of(write_checks, settings, partial, seed)
        for seed in seeds
        if not checks_path(partial, seed).exists()
    ]
    _side_by_side("check", checks, progress, "bases")
    runs = [
        partial_of(run_one, settings, partial, organism, arm, seed)
        for organism, arm, seed in settings.runs()
        if not table_path(partial, "steps", organism, arm, seed).exists()
    ]
    _side_by_side("train", runs, progress, "runs")


def _side_by_side(title: str, works: Sequence[Work], progress: Progress, unit: str) -> None:
    if not works:
        return
    pieces = [partial_of(_piece, title, work, unit) for work in works]
    with progress(title, len(works), unit) as advance:
        run_in_processes(pieces, [1] * len(works), torch.get_num_threads(), advance)


def _piece(title: str, work: Work, unit: str, progress: Progress) -> None:
    work()
    with progress(title, 1, unit) as advance:
        advance()
