"""What measures say of a dictionary, unit by unit, and the figures that these add up to.

A unit is a concept, a task or a pair of seeds; its parts, where it has any, are documents.
Axes: u units, p parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import final

import numpy as np

from tacit.base.errors import UserError
from tacit.base.files import written_aside
from tacit.base.records import Gap, Record
from tacit.metrics.catalogue import METRICS
from tacit.metrics.intervals import Interval
from tacit.metrics.results import as_result
from tacit.metrics.student import student_mean, student_ratio

Coordinates = Mapping[str, str | int | float]


@final
@dataclass(frozen=True, kw_only=True)
class Reading:
    """One number of one unit, as a part of a sum over another: a mean's is over 1."""

    figure: str
    """As in the catalogue of metrics."""
    unit: str
    top: float
    bottom: float = 1.0
    of: Coordinates = field(default_factory=dict)
    """What tells figures of one name apart, such as k and basis."""
    part: int | str | None = None
    """Document that the sums are over; None where the unit is not made of parts."""


Key = tuple[str, tuple[tuple[str, str | int | float], ...]]
"""A figure and its coordinates, in order."""
Units = dict[str, tuple[np.ndarray, np.ndarray]]
"""Of each unit, the sums above and below, one of each a part."""


def grouped(readings: Iterable[Reading]) -> dict[Key, Units]:
    """Return the sums of each figure by unit, figures and units in order of appearance."""
    found: dict[Key, dict[str, list[tuple[float, float]]]] = {}
    for each in readings:
        if not (np.isfinite(each.top) and np.isfinite(each.bottom)):
            raise UserError(
                f"the {each.figure} of {each.unit!r} is {each.top} over {each.bottom}; what has "
                "no value is a gap."
            )
        key = (each.figure, tuple(sorted(each.of.items())))
        found.setdefault(key, {}).setdefault(each.unit, []).append((each.top, each.bottom))
    return {
        key: {unit: _columns(sums) for unit, sums in units.items()}
        for key, units in found.items()
    }


def _columns(sums: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    top, bottom = np.array(sums, dtype=np.float64).T
    return top, bottom


def value_of(sums: tuple[np.ndarray, np.ndarray]) -> float | None:
    """Return a unit's number; None where its parts hold nothing to divide by."""
    top, bottom = sums
    return float(top.sum() / bottom.sum()) if bottom.sum() > 0 else None


def figure_over(units: Units) -> Interval | None:
    """Return the mean over units with its interval, or of a single unit the ratio over parts.

    None where no unit has a value.
    """
    values = {unit: value_of(sums) for unit, sums in units.items()}
    known = {unit: value for unit, value in values.items() if value is not None}
    if not known:
        return None
    if len(known) == 1:
        return student_ratio(*units[next(iter(known))])
    return student_mean(np.array(list(known.values())))


def records_of(readings: Iterable[Reading], of: Coordinates) -> list[Record]:
    """Return a record for each figure: the mean over its units, ``of`` added to its place."""
    records: list[Record] = []
    for (figure, own), units in grouped(readings).items():
        place = {**of, **dict(own)}
        found = figure_over(units)
        if found is None:
            reason = f"none of {len(units)} units has anything to divide by"
            records.append(Gap(name=figure, reason=reason, of=place))
            continue
        empty = sum(value_of(sums) is None for sums in units.values())
        own = {**place, **({"units_left_out": empty} if empty else {})}
        records.append(as_result(figure, within_range(found, figure), own))
    return records


def within_range(found: Interval, figure: str) -> Interval:
    """Return an interval without what lies beyond the figure's range, where no truth can be."""
    if found.low is None or found.high is None:
        return found
    low, high = METRICS[figure].range
    return replace(found, low=max(low, found.low), high=min(high, found.high))


def write_readings(path: Path, readings: Sequence[Reading]) -> None:
    """Write readings as Parquet, whole or not at all; their coordinates as JSON."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "figure": pa.array([each.figure for each in readings], pa.string()),
            "of": pa.array(
                [json.dumps(dict(each.of), sort_keys=True) for each in readings],
                pa.string(),
            ),
            "unit": pa.array([each.unit for each in readings], pa.string()),
            "part": pa.array(
                [None if each.part is None else str(each.part) for each in readings],
                pa.string(),
            ),
            "top": pa.array([float(each.top) for each in readings], pa.float64()),
            "bottom": pa.array([float(each.bottom) for each in readings], pa.float64()),
        }
    )
    with written_aside(path) as aside:
        pq.write_table(table, aside)


def read_readings(path: Path) -> list[Reading]:
    """Return the readings that ``write_readings`` wrote; parts come back as strings."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
        return [Reading(**{**row, "of": json.loads(row["of"])}) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowInvalid) as error:
        raise UserError(
            f"{path} does not hold readings of `tacit measure` ({error}); measure again."
        ) from error
