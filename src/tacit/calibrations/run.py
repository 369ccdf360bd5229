"""Repeats an instrument at several sizes, each repetition kept the moment it is done."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

from tacit import __version__
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.calibrations.calibration_row import CalibrationRow, Key, rows_of
from tacit.calibrations.instrument import Instrument, Trial
from tacit.explanations.ledger import Ledger

TRUTHS = 20
"""Repetitions that are also taken at the size ``large``, where a figure's true value is read."""


@final
@dataclass(frozen=True, kw_only=True)
class _Task:
    """One repetition, or what it gives at the size ``large`` (``size`` None)."""

    instrument: Instrument
    size: int | None
    seed: int

    @property
    def key(self) -> str:
        return f"{self.instrument.name}/{self.size or 'truth'}/{self.seed}"

    def done(self) -> dict[str, Any]:
        """Do it; return what the ledger keeps."""
        if self.size is None:
            found = self.instrument.truths(self.seed)
            return {"truths": [[*key, value] for key, value in found.items()]}
        trials = self.instrument.trial(self.size, self.seed)
        return {"trials": [asdict(each) for each in trials]}


def calibrate(
    instrument: Instrument,
    ledger: Path,
    *,
    sizes: Sequence[int] = (),
    repeats: int = 100,
    processes: int = 1,
    progress: Progress = silent,
) -> tuple[CalibrationRow, ...]:
    """Return what ``repeats`` repetitions at each size add up to; seeds are 0 and up.

    Repetitions that are in the ledger are not done again. The numbers do not depend on
    ``processes``.

    Raises:
        UserError: for sizes or repeats that are none, or a ledger that is damaged.
    """
    wanted = tuple(sorted(set(sizes))) or instrument.sizes
    if repeats < 2 or min(wanted) < 1 or processes < 1:
        raise UserError(
            f"sizes {', '.join(map(str, wanted))}, {repeats} repeats and {processes} processes "
            "were asked for; give sizes and processes of 1 or more, and 2 repeats or more."
        )
    kept = Ledger(ledger)
    tasks = [
        _Task(instrument=instrument, size=n, seed=i) for n in wanted for i in range(repeats)
    ]
    seeds = range(min(TRUTHS, repeats) if instrument.large is not None else 0)
    tasks += [_Task(instrument=instrument, size=None, seed=seed) for seed in seeds]
    left = [each for each in tasks if each.key not in kept]
    with progress(instrument.name, len(tasks), "repetitions") as advance:
        advance(len(tasks) - len(left), earlier=True)
        for task, found in _each(left, processes):
            kept.append(task.key, found)
            advance()
    truths = {
        seed: _truths(kept.records[f"{instrument.name}/truth/{seed}"]) for seed in seeds
    }
    rows: list[CalibrationRow] = []
    for size in wanted:
        trials = {
            seed: _trials(kept.records[f"{instrument.name}/{size}/{seed}"])
            for seed in range(repeats)
        }
        rows += rows_of(instrument, size, trials, truths, __version__)
    return tuple(rows)


def _trials(record: Mapping[str, Any]) -> list[Trial]:
    return [Trial(**each) for each in record["trials"]]


def _truths(record: Mapping[str, Any]) -> dict[Key, float]:
    return {(figure, setting): value for figure, setting, value in record["truths"]}


def _each(tasks: Sequence[_Task], processes: int) -> Iterator[tuple[_Task, dict[str, Any]]]:
    """Yield each task with what it gave; Ctrl-C leaves those not begun."""
    if processes == 1 or len(tasks) < 2:
        for task in tasks:
            yield task, task.done()
        return
    import multiprocessing

    # Started afresh: a copy of a process that has used threads may wait for them forever.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, fresh, initializer=_begin) as pool:
        try:
            yield from zip(tasks, pool.map(_Task.done, tasks), strict=True)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """Leave Ctrl-C to the process that waits for this one, and compute on one thread."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
