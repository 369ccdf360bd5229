"""The tables of a measured dictionary: each figure beside the baselines', each unit, each gap."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tacit.base.records import Gap, Record, Result
from tacit.evaluations.differences import DICTIONARY
from tacit.evaluations.readings import Reading, grouped, value_of
from tacit.metrics.catalogue import METRICS
from tacit.verbs.comparison_tables import words_of

OWN = ("measure", "basis")
"""Coordinates that say whose figure it is; the others tell figures of one name apart."""
Of = Mapping[str, str | int | float]


def in_words(of: Of, but: Sequence[str]) -> str:
    """Return coordinates as a phrase, e.g. ``k 5, against zero``."""
    rest = [f"{key} {value}" for key, value in of.items() if key not in {*OWN, *but}]
    return ", ".join(rest)


def figure_rows(records: Sequence[Record], dictionary: Of) -> list[dict[str, Any]]:
    """Return a row for each figure and its coordinates, with the value in every basis.

    ``dictionary``: the coordinates that all of the run's figures have.
    """
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for record in records:
        if not isinstance(record, Result) or "basis" not in record.of:
            continue
        setting = in_words(record.of, tuple(dictionary))
        key = (str(record.of["measure"]), record.name, setting)
        row = rows.setdefault(
            key,
            {
                "measure": key[0],
                "figure": key[1],
                "setting": setting,
                "better": record.better,
            },
        )
        basis = str(record.of["basis"])
        row[basis] = words_of(record)
        if basis == DICTIONARY:
            row |= {"value": record.value, "n": record.n}
            row["low"], row["high"] = record.interval or (None, None)
    return _filled(rows.values())


def difference_rows(records: Sequence[Record], dictionary: Of) -> list[dict[str, Any]]:
    """Return a row for each figure that baselines have too, with the difference from each."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for record in records:
        if not isinstance(record, Result) or "minus" not in record.of:
            continue
        setting = in_words(record.of, (*dictionary, "figure", "minus"))
        key = (str(record.of["measure"]), str(record.of["figure"]), setting)
        better = METRICS[key[1]].direction
        row = rows.setdefault(
            key,
            {"measure": key[0], "figure": key[1], "setting": setting, "better": better},
        )
        row[str(record.of["minus"])] = words_of(record)
        row["n"] = record.n
    return _filled(rows.values())


def curve_rows(records: Sequence[Record], figure: str, x: str) -> list[dict[str, Any]]:
    """Return the points of a figure against one of its coordinates, a series for each basis."""
    rows = []
    for record in records:
        if isinstance(record, Result) and record.name == figure and x in record.of:
            low, high = record.interval or (None, None)
            rows.append(
                {
                    "basis": str(record.of["basis"]),
                    x: record.of[x],
                    "value": record.value,
                    "low": low,
                    "high": high,
                }
            )
    return sorted(rows, key=lambda row: (row["basis"] != DICTIONARY, row["basis"], row[x]))


def unit_rows(readings: Sequence[Reading], measure: str) -> list[dict[str, Any]]:
    """Return the value of each unit, such as a concept, of one measure."""
    own = [each for each in readings if each.of["measure"] == measure]
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for (figure, coordinates), units in grouped(own).items():
        of = dict(coordinates)
        setting = in_words(of, ())
        for unit, sums in units.items():
            key = (figure, setting, unit)
            row = rows.setdefault(
                key, {"figure": figure, "setting": setting, "unit": unit, DICTIONARY: None}
            )
            row[str(of["basis"])] = value_of(sums)
            row["parts"] = len(sums[0])
    return _filled(rows.values())


def _filled(rows: Collection[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows that all have the columns of any of them, empty where they had none."""
    columns = dict.fromkeys(column for row in rows for column in row)
    return [columns | row for row in rows]


def gap_rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return what could not be measured, and why; like reasons once, with their number."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for record in records:
        if isinstance(record, Gap):
            where = in_words(record.of, ("method", "num_atoms", "k", "penalty", "seed"))
            key = (record.name, record.reason)
            row = found.setdefault(
                key,
                {"figure": record.name, "reason": record.reason, "of": where, "times": 0},
            )
            row["times"] += 1
    return list(found.values())
