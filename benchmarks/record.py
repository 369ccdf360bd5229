"""What ``make bench`` printed, in ``docs/results.md`` between two marks: machine, date, versions.

``python -m benchmarks.record FILE`` writes what was printed into FILE.
"""

from __future__ import annotations

import datetime
import io
import os
import platform
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

RESULTS = Path(__file__).parent.parent / "docs" / "results.md"
BEGIN, END = "<!-- make bench -->", "<!-- end of make bench -->"
OURS = ("torch", "transformers", "numpy", "safetensors")


class Tee(io.TextIOBase):
    """Writes to the terminal, and keeps what was written."""

    def __init__(self, out: TextIO) -> None:
        """Pass everything on to ``out``."""
        self.out, self.kept = out, io.StringIO()

    def write(self, text: str) -> int:
        """Write to both."""
        self.out.write(text)
        return self.kept.write(text)

    def flush(self) -> None:
        """Show what is there."""
        self.out.flush()


@contextmanager
def recorded() -> Generator[None, None, None]:
    """Write what is printed meanwhile into ``docs/results.md``, once all of it is there."""
    tee = Tee(sys.stdout)
    with redirect_stdout(tee):
        yield
    write(tee.kept.getvalue(), datetime.datetime.now(datetime.UTC).date())


def machine() -> str:
    """Return the machine and the versions, in a line each."""
    rivals = sorted((Path(__file__).parent / "rivals").glob("requirements-*.txt"))
    pins = [
        line.strip()
        for file in rivals
        for line in file.read_text(encoding="utf-8").splitlines()
        if "==" in line and "torch" not in line
    ]
    ours = ", ".join(f"{name} {version(name)}" for name in OURS)
    return (
        f"{os.cpu_count()} cores of {platform.machine()}, Python {platform.python_version()}, "
        f"{ours}.\nRivals: {', '.join(dict.fromkeys(pins))}."
    )


def write(printed: str, date: datetime.date) -> None:
    """Put what was printed between the marks, in place of what stands there."""
    text = RESULTS.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    if not rest or not after:
        raise SystemExit(f"{RESULTS} lacks the marks {BEGIN} and {END}; put them back.")
    block = f"{BEGIN}\n\n{date}, {machine()}\n\n```\n{printed.strip()}\n```\n\n{END}"
    RESULTS.write_text(before + block + after, encoding="utf-8")


if __name__ == "__main__":
    file = Path(sys.argv[1])
    changed = datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC)
    write(file.read_text(encoding="utf-8"), changed.date())
