"""What repetitions add up to: how far an instrument can be trusted at one size of sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np

from tacit.base.records import Gap, Record
from tacit.calibrations.instrument import ASPECTS, Aspect, Instrument, Trial
from tacit.metrics.calibrating import covered
from tacit.metrics.intervals import Interval, clopper_pearson
from tacit.metrics.results import as_result
from tacit.metrics.student import student_mean

Key = tuple[str, str]
"""A figure and its setting."""
NEVER = "no repetition of this size gave a value"


@final
@dataclass(frozen=True, kw_only=True)
class Told:
    """One number of a calibration with its 95 % interval over repetitions."""

    value: float
    low: float | None
    high: float | None
    n: int
    """Repetitions behind it."""


@final
@dataclass(frozen=True, kw_only=True)
class CalibrationRow:
    """One figure of an instrument at one size."""

    instrument: str
    kind: str
    figure: str
    setting: str
    world: str
    size: int
    unit: str
    """What the size counts."""
    repeats: int
    unmeasured: int
    """Repetitions that gave no figure: no detection, no alarm, and not ranked rightly."""
    told: Mapping[Aspect, Told]
    lacks: Mapping[Aspect, str]
    """What is not told, and why."""
    version: str
    """Of the software that was tried."""

    def records(self) -> list[Record]:
        """Return the row as results and gaps."""
        of: dict[str, str | int | float] = {
            "instrument": self.instrument,
            "figure": self.figure,
            **({"setting": self.setting} if self.setting else {}),
            "world": self.world,
            "size": self.size,
            "unit": self.unit,
            "unmeasured": self.unmeasured,
        }
        found: list[Record] = []
        for aspect in ASPECTS:
            if aspect in self.told:
                found.append(as_result(aspect, _interval(self.told[aspect]), of))
            else:
                found.append(Gap(name=aspect, reason=self.lacks[aspect], of=of))
        return found


def plain(row: CalibrationRow) -> dict[str, Any]:
    """Return a row as JSON keeps it."""
    return asdict(row)


def read_row(kept: Mapping[str, Any]) -> CalibrationRow:
    """Return the row that ``plain`` gave."""
    told = {aspect: Told(**each) for aspect, each in kept["told"].items()}
    return CalibrationRow(**{**kept, "told": told})


def rows_of(
    instrument: Instrument,
    size: int,
    trials: Mapping[int, Sequence[Trial]],
    truths: Mapping[int, Mapping[Key, float]],
    version: str,
) -> list[CalibrationRow]:
    """Return a row for each figure from all repetitions of a size, by their seeds.

    ``truths``: what the same repetitions give at the size ``large``.
    """
    by_figure: dict[Key, dict[int, Trial]] = {}
    for seed, found in trials.items():
        for each in found:
            by_figure.setdefault((each.figure, each.setting), {})[seed] = each
    rows = []
    for key, own in by_figure.items():
        told = _told(instrument, key, own, len(trials), truths)
        lacks: dict[Aspect, str] = {
            aspect: instrument.lacks.get(aspect, NEVER)
            for aspect in ASPECTS
            if aspect not in told
        }
        rows.append(
            CalibrationRow(
                instrument=instrument.name,
                kind=instrument.kind,
                figure=key[0],
                setting=key[1],
                world=instrument.world,
                size=size,
                unit=instrument.unit,
                repeats=len(trials),
                unmeasured=len(trials)
                - sum(each.value is not None for each in own.values()),
                told=told,
                lacks=lacks,
                version=version,
            )
        )
    return rows


def _told(
    instrument: Instrument,
    key: Key,
    own: Mapping[int, Trial],
    repeats: int,
    truths: Mapping[int, Mapping[Key, float]],
) -> dict[Aspect, Told]:
    found: dict[Aspect, Interval | None] = {
        "power": _share([each.detected for each in own.values()], repeats),
        "false_alarm_rate": _share([each.false_alarm for each in own.values()], repeats),
        "ranked_rightly": _share([each.ranked for each in own.values()], repeats),
        "interval_coverage": _coverage(own, from_trials=instrument.large is None),
        "calibration_bias": _bias(own, {s: each.get(key) for s, each in truths.items()}),
    }
    return {
        aspect: _of(each)
        for aspect, each in found.items()
        if each is not None and aspect not in instrument.lacks
    }


def _share(said: Sequence[bool | None], repeats: int) -> Interval | None:
    """Return how often it was said, of all repetitions; None where it never could be."""
    if all(each is None for each in said):
        return None
    return clopper_pearson(sum(each is True for each in said), repeats)


def _coverage(own: Mapping[int, Trial], *, from_trials: bool) -> Interval | None:
    """Return how often the printed interval held the figure's true value.

    Where repetitions do not know it, it is the mean of all of them: what as much fresh text, with
    fresh concepts, gives on average. How far that is from the value of a large sample is the bias.
    """
    printed = [each for each in own.values() if each.low is not None]
    values = [each.value for each in own.values() if each.value is not None]
    if not printed or not values:
        return None
    mean = float(np.mean(values))
    ends = [
        (each.low, each.high, each.truth if from_trials else mean)
        for each in printed
        if each.truth is not None or not from_trials
    ]
    if not ends:
        return None
    low, high, truth = (
        np.array(column, dtype=np.float64) for column in zip(*ends, strict=True)
    )
    return covered(low, high, truth)


def _bias(own: Mapping[int, Trial], truths: Mapping[int, float | None]) -> Interval | None:
    """Return the mean of what was printed minus the truth, over repetitions that know it."""
    apart = []
    for seed, each in own.items():
        truth = each.truth if each.truth is not None else truths.get(seed)
        if each.value is not None and truth is not None:
            apart.append(each.value - truth)
    return student_mean(np.array(apart)) if apart else None


def _of(found: Interval) -> Told:
    return Told(value=found.value, low=found.low, high=found.high, n=found.n)


def _interval(told: Told) -> Interval:
    reason = "as the calibration found it" if told.low is None else None
    return Interval(
        value=told.value,
        low=told.low,
        high=told.high,
        n=told.n,
        method="kept",
        reason=reason,
    )
