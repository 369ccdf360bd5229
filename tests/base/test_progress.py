"""Progress says what was done, by whom, and how fast."""

import re

import pytest

from tacit.base import progress


def test_lines_leave_earlier_work_out_of_the_pace(capsys, monkeypatch):
    clock = iter([0.0, 10.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.lines("fit", 500, "steps") as advance:
        advance(400, earlier=True)
        for _ in range(100):
            advance()
    assert capsys.readouterr().err == (
        "fit: 500 of 500 steps, 400 of them before in 10.0 s (10 a second)\n"
    )


def test_bars_leave_earlier_work_out_of_the_pace(capsys, monkeypatch):
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.bars("fit", 1_000, "steps") as advance:
        advance(300, earlier=True)
        advance(200, earlier=True)
        now = 10.0
        advance(100)
    written = capsys.readouterr().err
    assert "10 steps/s" in written
    assert re.search(r"60%", written)


@pytest.mark.parametrize("quiet", [True, False])
def test_nothing_is_drawn_when_quiet_or_piped(capsys, quiet):
    with progress.for_terminal(quiet=quiet)("index", 2, "tokens") as advance:
        advance(2)
    assert bool(capsys.readouterr().err) is not quiet
