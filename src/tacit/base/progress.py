"""How long work shows that it lives: throughput and time left; quiet without a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Generator
from typing import Protocol, runtime_checkable


@runtime_checkable
class Task(Protocol):
    """One stretch of work under way."""

    def __call__(self, done: int = 1, *, earlier: bool = False) -> None:
        """Report ``done`` more units of work; ``earlier`` ones, from before a stop, set no pace."""


Progress = Callable[[str, int, str], contextlib.AbstractContextManager[Task]]
"""``with progress("harvest", total, "tokens") as advance: ... advance(512)``."""


@contextlib.contextmanager
def silent(_title: str, _total: int, _unit: str) -> Generator[Task, None, None]:
    """Show nothing: the default of everything called from Python."""

    def advance(done: int = 1, *, earlier: bool = False) -> None:
        del done, earlier

    yield advance


@contextlib.contextmanager
def lines(title: str, total: int, unit: str) -> Generator[Task, None, None]:
    """Write one line to standard error when the work is done: for logs and pipes."""
    now, before, began = 0, 0, time.monotonic()

    def advance(done: int = 1, *, earlier: bool = False) -> None:
        nonlocal now, before
        now, before = (now, before + done) if earlier else (now + done, before)

    yield advance
    seconds = time.monotonic() - began
    rate = now / seconds if seconds > 0 else 0.0
    kept = f", {before:,} of them before" if before else ""
    sys.stderr.write(
        f"{title}: {now + before:,} of {total:,} {unit}{kept} in {seconds:.1f} s "
        f"({rate:,.0f} a second)\n"
    )


@contextlib.contextmanager
def bars(title: str, total: int, unit: str) -> Generator[Task, None, None]:
    """Draw a bar with throughput and time left on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("[bold]{task.description:>10}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as drawn:
        task = drawn.add_task(title, total=total, rate="")
        began, count, before = time.monotonic(), 0, 0

        def advance(done: int = 1, *, earlier: bool = False) -> None:
            nonlocal count, before
            if earlier:  # the bar begins there, or the time left would be far too short
                before += done
                drawn.reset(task, completed=before + count)
                return
            count += done
            seconds = max(time.monotonic() - began, 1e-9)
            drawn.update(task, advance=done, rate=f"{count / seconds:,.0f} {unit}/s")

        yield advance


def for_terminal(*, quiet: bool = False) -> Progress:
    """Return bars on a terminal, single lines elsewhere, nothing when ``quiet``."""
    if quiet:
        return silent
    return bars if sys.stderr.isatty() else lines
