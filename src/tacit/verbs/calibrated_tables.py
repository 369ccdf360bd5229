"""The tables of a calibration: a row a figure and size, as numbers and as words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tacit.base.files import write_atomically
from tacit.calibrations.calibration_row import CalibrationRow, Told, plain, read_row
from tacit.calibrations.instrument import ASPECTS, Aspect
from tacit.reports.numbers import fixed

HEADINGS: dict[Aspect, str] = {
    "power": "power",
    "false_alarm_rate": "false alarms",
    "interval_coverage": "coverage",
    "calibration_bias": "bias",
    "ranked_rightly": "ranked rightly",
}
"""Headings of the columns."""


def write_rows(path: Path, rows: Sequence[CalibrationRow]) -> None:
    """Write rows as JSON, whole or not at all."""
    write_atomically(path, json.dumps([plain(row) for row in rows], indent=1) + "\n")


def read_rows(path: Path) -> tuple[CalibrationRow, ...]:
    """Return the rows that ``write_rows`` wrote."""
    return tuple(read_row(each) for each in json.loads(path.read_text()))


def figure_of(row: CalibrationRow) -> str:
    """Return a figure with what tells it from others of its name."""
    return f"{row.figure} ({row.setting})" if row.setting else row.figure


def in_words(told: Told | None) -> str | None:
    """Return a number with its interval, as a cell; None where there is none."""
    if told is None:
        return None
    ends = "" if told.low is None or told.high is None else (
        f" ({fixed(told.low, 3)} to {fixed(told.high, 3)})"
    )  # fmt: skip
    return fixed(told.value, 3) + ends


def row_in_words(row: CalibrationRow) -> dict[str, Any]:
    """Return a row as cells, each number with its interval."""
    return {
        "instrument": row.instrument,
        "figure": figure_of(row),
        "size": row.size,
        "unit": row.unit,
        "repeats": row.repeats,
        "unmeasured": row.unmeasured,
        **{aspect: in_words(row.told.get(aspect)) for aspect in ASPECTS},
        "version": row.version,
    }


def curve_rows(rows: Sequence[CalibrationRow], aspect: Aspect) -> list[dict[str, Any]]:
    """Return the points of one aspect against size, a series for each instrument and figure."""
    found = []
    for row in rows:
        told = row.told.get(aspect)
        if told is not None:
            found.append(
                {
                    "series": f"{row.instrument}: {figure_of(row)}",
                    "size": row.size,
                    "value": told.value,
                    "low": told.low,
                    "high": told.high,
                }
            )
    return found


def lack_rows(rows: Sequence[CalibrationRow]) -> list[dict[str, Any]]:
    """Return what is not told of each instrument, and why; sizes together."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in rows:
        for aspect, reason in row.lacks.items():
            key = (row.instrument, figure_of(row), aspect)
            found[key] = {
                "instrument": row.instrument,
                "figure": figure_of(row),
                "what": HEADINGS[aspect],
                "reason": reason,
            }
    return list(found.values())
