"""The calibration that ships with this version: what is known of each instrument."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tacit.base.errors import UserError
from tacit.base.files import write_atomically
from tacit.calibrations.calibration_row import CalibrationRow, plain, read_row

KNOWN = Path(__file__).with_name("known.json")


def known(name: str) -> tuple[CalibrationRow, ...]:
    """Return the rows of an instrument, sizes rising; none where it was not calibrated."""
    return tuple(row for row in _all(KNOWN) if row.instrument == name)


def nearest(rows: Sequence[CalibrationRow], size: int | None) -> tuple[CalibrationRow, ...]:
    """Return the rows of the size nearest to that given, by ratio; None: of the largest."""
    sizes = {row.size for row in rows}
    if not sizes:
        return ()
    if size is None:
        chosen = max(sizes)
    else:
        chosen = min(
            sizes, key=lambda each: (max(each, size) / max(1, min(each, size)), each)
        )
    return tuple(row for row in rows if row.size == chosen)


def write_known(rows: Sequence[CalibrationRow], path: Path = KNOWN) -> None:
    """Put rows into the file; those of other instruments stay."""
    replaced = {row.instrument for row in rows}
    kept = (
        [row for row in _all(path) if row.instrument not in replaced]
        if path.exists()
        else []
    )
    every = sorted([*kept, *rows], key=lambda row: row.instrument)
    write_atomically(path, json.dumps([plain(row) for row in every], indent=1) + "\n")
    _all.cache_clear()


@cache
def _all(path: Path) -> tuple[CalibrationRow, ...]:
    try:
        return tuple(read_row(each) for each in json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} does not hold what `tacit calibrate --all --write` writes ({error}); run it "
            "again."
        ) from error
