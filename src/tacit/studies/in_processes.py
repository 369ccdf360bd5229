"""Independent pieces of long work, one a process: for work that is mostly Python.

Threads of one interpreter take turns at Python; processes do not. Each piece computes on one
thread, so that its numbers do not depend on how many run beside it.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence

import torch
from threadpoolctl import threadpool_limits

from tacit.base.progress import Task, silent
from tacit.studies.side_by_side import Piece, run_side_by_side


def run_in_processes(
    pieces: Sequence[Piece], sizes: Sequence[int], processes: int, advance: Task
) -> None:
    """Run all pieces, so many at a time; an error of one, or Ctrl-C, ends the others.

    With one process they run here, one after another, and report as they go. Otherwise they must
    be picklable, and ``advance`` is told a piece's size when it is done.
    """
    if processes == 1 or len(pieces) < 2:
        with threadpool_limits(1):
            for piece in pieces:
                run_side_by_side([piece], advance)
        return
    import multiprocessing

    tasks = list(zip(pieces, sizes, strict=True))
    # Started afresh: a copy of a process that has used threads may wait for them forever.
    fresh = multiprocessing.get_context("spawn")
    with fresh.Pool(min(processes, len(tasks)), _begin) as pool:
        for size in pool.imap_unordered(_run, tasks, chunksize=1):
            advance(size)


def _begin() -> None:
    """Leave Ctrl-C to the process that waits for this one, and compute on one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    threadpool_limits(1)


def _run(task: tuple[Piece, int]) -> int:
    piece, size = task
    piece(silent)
    return size
