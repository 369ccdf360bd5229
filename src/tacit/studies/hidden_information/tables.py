"""The tables that a run of the study leaves, and figures over its seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, final

import numpy as np

from tacit.base.records import Gap, Result
from tacit.metrics.results import as_result
from tacit.metrics.student import student_mean
from tacit.studies.hidden_information.cues import CueRow
from tacit.studies.hidden_information.likeness import ApartRow, PairRow
from tacit.studies.hidden_information.measuring import CurveRow, PlaceRow, RunRow
from tacit.studies.hidden_information.pieces import TABLES
from tacit.studies.hidden_information.swaps import SwapRow
from tacit.studies.hidden_information.wires import WireRow
from tacit.studies.tables import read_rows
from tacit.studies.units import Of

T = TypeVar("T")
NO_TWINS = "there are no twins in these pictures, of which alone it is known what can leak"
NOT_RUN = "its arm is not among those of this run"


@final
@dataclass(frozen=True, kw_only=True)
class Tables:
    """All rows of a run."""

    seeds: tuple[int, ...]
    runs: Sequence[RunRow]
    curves: Sequence[CurveRow]
    places: Sequence[PlaceRow]
    swaps: Sequence[SwapRow]
    wires: Sequence[WireRow]
    pairs: Sequence[PairRow]
    apart: Sequence[ApartRow]
    cues: Sequence[CueRow]

    @property
    def arms(self) -> list[str]:
        """Arms that have rows, in order, the independent heads among them."""
        return list(dict.fromkeys(row.arm for row in self.runs))

    def by_seed(
        self, arm: str, figure: Callable[[RunRow], float | None]
    ) -> dict[int, float | None]:
        """Return a figure of an arm for each seed; empty where the arm was not run."""
        return {row.seed: figure(row) for row in self.runs if row.arm == arm}


def read_tables(partial: Path, seeds: Sequence[int], arms: Sequence[str]) -> Tables:
    """Return the tables of a run's folder, arms in the order given."""

    def every(stem: str, kind: type[T]) -> list[T]:
        paths = sorted((partial / TABLES).glob(f"{stem}.parquet"), key=_place)
        return [row for path in paths for row in read_rows(path, kind)]

    def _place(path: Path) -> tuple[int, str]:
        named = [place for place, arm in enumerate(arms) if f"-{arm}-" in path.name]
        return (named[-1] if named else 0, path.name)

    return Tables(
        seeds=tuple(seeds),
        runs=every("run-*", RunRow),
        curves=every("curves-*", CurveRow),
        places=every("places-*", PlaceRow),
        swaps=every("swaps", SwapRow),
        wires=every("wires-*", WireRow),
        pairs=every("pairs", PairRow),
        apart=every("apart", ApartRow),
        cues=every("cues-*", CueRow),
    )


def over_seeds(
    name: str, values: Mapping[int, float | None], of: Of, missing: str = NO_TWINS
) -> Result | Gap:
    """Return the mean over seeds with Student's interval; a gap where a seed has no value."""
    if not values:
        return Gap(name=name, reason=NOT_RUN, of=dict(of))
    lacking = [str(seed) for seed, value in values.items() if value is None]
    if lacking:
        reason = f"{missing} (seeds {', '.join(lacking)} of {len(values)})"
        return Gap(name=name, reason=reason, of=dict(of))
    known = [value for value in values.values() if value is not None]
    return as_result(name, student_mean(np.array(known)), of)


def less(
    first: Mapping[int, float | None], second: Mapping[int, float | None]
) -> dict[int, float | None]:
    """Return the difference for each seed that both have."""
    return {
        seed: None if value is None or other is None else value - other
        for seed, value in first.items()
        if seed in second
        for other in [second[seed]]
    }
