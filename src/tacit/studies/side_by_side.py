"""Independent pieces of long work, one a thread, under one progress bar.

Small networks do not gain from splitting every product over the cores; whole pieces do. Each
piece computes on one thread, so that its numbers do not depend on how many run beside it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import torch

from tacit.base.progress import Progress, Task

Piece = Callable[[Progress], object]
"""Work that reports to the progress it is given, at moments when it may be stopped; what it
returns is dropped."""


class _Stopped(Exception):
    """Ends a piece at its next report, because another one failed."""


def run_side_by_side(pieces: Sequence[Piece], advance: Task) -> None:
    """Run all pieces on as many threads as PyTorch may use; an error of one ends the others.

    Everything that pieces report, under any title, goes to ``advance``.
    """
    threads = torch.get_num_threads()
    halt, turn = threading.Event(), threading.Lock()

    @contextlib.contextmanager
    def shared(_title: str, _total: int, _unit: str) -> Generator[Task, None, None]:
        def report(done: int = 1, *, earlier: bool = False) -> None:
            if halt.is_set():
                raise _Stopped
            with turn:
                advance(done, earlier=earlier)

        yield report

    torch.set_num_threads(1)
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        running = [pool.submit(piece, shared) for piece in pieces]
        wait(running, return_when=FIRST_EXCEPTION)
        failed = [each for each in running if each.done() and each.exception()]
        for each in failed[:1]:
            each.result()
    finally:
        halt.set()
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
