"""How do dictionaries that were measured alike rank on one figure, and which are told apart?

Axes: s seeds, u units (concepts), or parts (documents) where a figure has one unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import rankdata  # pyright: ignore

from tacit.evaluations.readings import Key
from tacit.metrics.catalogue import METRICS
from tacit.metrics.intervals import Interval
from tacit.metrics.two_way import TestedMean, apart_mean, crossed_mean, holm
from tacit.verbs.entrants import Entrant, Scoring, Sums

OWN_UNITS = ("explanations", "stability")
"""Measures whose units are a dictionary's own features or twins, which no other one shares."""
NOISE = 0.05
"""Corrected chance from which a difference is not told from none."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The values of one figure of one dictionary on one subject."""

    table: np.ndarray
    """Seeds by units; their mean is the figure."""
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Apart:
    """One dictionary minus a better placed one."""

    entrant: Entrant
    minus: Entrant
    tested: TestedMean
    corrected: float | None
    """p-value after Holm over all pairs of the figure; None where there is no interval."""

    @property
    def is_told(self) -> bool:
        """Whether the two are told apart."""
        return self.corrected is not None and self.corrected < NOISE


@dataclass(frozen=True, kw_only=True)
class FigureRanking:
    """Dictionaries in the order of one figure, the best first."""

    key: Key
    entrants: tuple[Entrant, ...]
    values: Mapping[str, Interval]
    ranks: Mapping[str, float]
    """By name; those of one value share the mean of their places."""
    pairs: Mapping[tuple[str, str], Apart]
    """By names, worse first."""
    over: str
    """What the intervals are over."""
    num_units: int
    left_out: int
    """Units that not all of them have."""

    @property
    def with_best(self) -> tuple[str, ...]:
        """The best, and all that cannot be told from it."""
        best, *rest = (each.name for each in self.entrants)
        return (best, *(name for name in rest if not self.pairs[name, best].is_told))

    def shown(self) -> list[Apart]:
        """Return the differences of neighbours and those from the best, each once."""
        names = [each.name for each in self.entrants]
        asked = [(name, names[0]) for name in names[1:]]
        asked += list(zip(names[1:], names, strict=False))
        return [self.pairs[pair] for pair in dict.fromkeys(asked)]


def rank_figure(key: Key, entrants: Sequence[Entrant]) -> FigureRanking | str:
    """Return the ranking on a figure of dictionaries measured alike, or why there is none."""
    paired = dict(key[1])["measure"] not in OWN_UNITS
    drawn: dict[str, list[Drawn]] = {each.name: [] for each in entrants}
    num_units, left_out, kinds = 0, 0, set[str]()
    for subject in dict.fromkeys(run.subject for run in entrants[0].runs):
        runs = {
            each.name: [run for run in each.runs if run.subject == subject]
            for each in entrants
        }
        columns = _columns([run.units[key] for own in runs.values() for run in own], paired)
        if columns is None:
            return "no unit has a value in all dictionaries"
        num_units, left_out = num_units + columns.num, left_out + columns.left_out
        kinds.add(columns.kind)
        for name, own in runs.items():
            drawn[name].append(_drawn(own, key, columns))
    values = {each.name: _value(drawn[each.name]).interval for each in entrants}
    sign = -1 if METRICS[key[0]].direction == "higher" else 1
    places = rankdata([sign * values[each.name].value for each in entrants])
    ranks = {each.name: float(p) for each, p in zip(entrants, places, strict=True)}
    ordered = tuple(sorted(entrants, key=lambda each: ranks[each.name]))
    return FigureRanking(
        key=key,
        entrants=ordered,
        values=values,
        ranks=ranks,
        pairs=_pairs(ordered, drawn, paired),
        over=_over(list(drawn.values()), " and ".join(sorted(kinds))),
        num_units=num_units,
        left_out=left_out,
    )


@dataclass(frozen=True, kw_only=True)
class _Columns:
    kind: str
    units: tuple[str, ...] = ()
    """Empty where each dictionary has units of its own."""
    parts: tuple[str, ...] = ()
    num: int
    left_out: int = 0


def _columns(runs: Sequence[Mapping[str, Sums]], paired: bool) -> _Columns | None:
    """Return the units that all have, or where that is one its parts; None without any."""
    if not paired:
        return _Columns(kind="units", num=min(len(units) for units in runs))
    units, missing = _shared(
        [{u for u in run if _ratio(run[u]) is not None} for run in runs]
    )
    if len(units) != 1:
        told = _Columns(kind="units", units=units, num=len(units), left_out=missing)
        return told if units else None
    parts, lost = _shared([set(run[units[0]]) for run in runs])
    sums = [{part: run[units[0]][part] for part in parts} for run in runs]
    if not all(_ratio(each) is not None for each in sums):
        return None
    # A part that holds all that is divided by has no value to be left out of.
    if not all(_pseudo(each) is not None for each in sums):
        return _Columns(kind="units", units=units, num=1, left_out=missing)
    return _Columns(
        kind="documents", units=units, parts=parts, num=len(parts), left_out=lost + missing
    )


def _shared(each: Sequence[set[str]]) -> tuple[tuple[str, ...], int]:
    common = set.intersection(*each)
    return tuple(sorted(common)), len(set.union(*each)) - len(common)


def _drawn(runs: Sequence[Scoring], key: Key, columns: _Columns) -> Drawn:
    rows = []
    for run in runs:
        units = run.units[key]
        if columns.parts:
            only = {part: units[columns.units[0]][part] for part in columns.parts}
            rows.append(_pseudo(only))
        else:
            found = [_ratio(units[name]) for name in columns.units or units]
            rows.append([value for value in found if value is not None])
    if not columns.units and len(rows) > 1:
        # Units of one seed's own are no others' columns: each seed counts as its mean.
        rows = [[np.mean(row)] for row in rows]
    table = np.array(rows, dtype=np.float64)
    return Drawn(table=table, seeds=tuple(run.seed for run in runs))


def _ratio(sums: Sums) -> float | None:
    top, bottom = (sum(each[side] for each in sums.values()) for side in (0, 1))
    return top / bottom if bottom > 0 else None


def _pseudo(sums: Sums) -> list[float] | None:
    """Return a value for each part, of which the ratio is the mean: the jackknife's (Tukey)."""
    top, bottom = np.array(list(sums.values()), dtype=np.float64).T
    rest = bottom.sum() - bottom
    if len(top) < 2 or not (rest > 0).all():
        return None
    without = (top.sum() - top) / rest
    value = top.sum() / bottom.sum()
    return list(value + (len(top) - 1) * (without.mean() - without))


def _value(drawn: Sequence[Drawn]) -> TestedMean:
    """Return a figure with its interval: over subjects, else over seeds and units."""
    if len(drawn) > 1:
        return crossed_mean(np.array([[each.table.mean()] for each in drawn]))
    return crossed_mean(drawn[0].table)


def _pairs(
    ordered: Sequence[Entrant], drawn: Mapping[str, Sequence[Drawn]], paired: bool
) -> dict[tuple[str, str], Apart]:
    tested = {
        (worse, better): _apart(drawn[worse.name], drawn[better.name], paired)
        for better, worse in combinations(ordered, 2)
    }
    known = {at: each.p_value for at, each in tested.items() if each.p_value is not None}
    corrected = dict(zip(known, holm(list(known.values())), strict=True))
    return {
        (at[0].name, at[1].name): Apart(
            entrant=at[0], minus=at[1], tested=each, corrected=corrected.get(at)
        )
        for at, each in tested.items()
    }


def _apart(one: Sequence[Drawn], other: Sequence[Drawn], paired: bool) -> TestedMean:
    if len(one) > 1:
        apart = [a.table.mean() - b.table.mean() for a, b in zip(one, other, strict=True)]
        return crossed_mean(np.array(apart)[:, None])
    first, second = one[0], other[0]
    if paired:
        seeds = sorted({*first.seeds} & {*second.seeds})
        if len(seeds) < 2:
            return crossed_mean((first.table.mean(0) - second.table.mean(0))[None])
        rows = [[each.seeds.index(seed) for seed in seeds] for each in (first, second)]
        return crossed_mean(first.table[rows[0]] - second.table[rows[1]])
    return apart_mean(first.table.ravel(), second.table.ravel())


def _over(drawn: Sequence[Sequence[Drawn]], kind: str) -> str:
    if len(drawn[0]) > 1:
        return "subjects"
    return f"seeds and {kind}" if all(len(each[0].seeds) > 1 for each in drawn) else kind
