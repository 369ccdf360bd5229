"""``tacit compare`` over measure runs: dictionaries in order, and which are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tacit.base.manifest import describe
from tacit.base.pages import write_pages
from tacit.base.records import Gap, Record, Result, write_records
from tacit.evaluations.readings import Key, within_range
from tacit.metrics.catalogue import METRICS
from tacit.metrics.results import as_result
from tacit.metrics.student import student_mean
from tacit.verbs.entrants import Entrant, Scoring, digests_of, entrants_of, read_scorings
from tacit.verbs.ranked_figures import FigureRanking, rank_figure

CONTROLS = {
    "way": ("random atoms", "random", "difference of means", "prompt", "unsteered"),
    "twin": ("random",),
    "explainer": ("another feature's",),
}
"""Coordinates of what a measure takes beside the dictionary: it says nothing of it."""
NOT_OF_ATOMS = ("dense_probe_accuracy",)


@dataclass(frozen=True, kw_only=True)
class Field:
    """Dictionaries that were measured alike, with their rankings."""

    entrants: tuple[Entrant, ...]
    figures: tuple[FigureRanking, ...]
    mean_ranks: tuple[Result, ...]
    """In order, the best first; over the figures that all of them have."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """All that a ranking found, on its way to the page."""

    runs: Sequence[Scoring]
    entrants: Sequence[Entrant]
    fields: tuple[Field, ...]
    records: tuple[Record, ...]

    @property
    def num_compared(self) -> int:
        """Pairs of dictionaries that were compared, over all figures."""
        return sum(len(each.pairs) for field in self.fields for each in field.figures)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be ranked, before anything is computed."""

    runs: Sequence[Scoring]
    entrants: Sequence[Entrant]

    @classmethod
    def of(cls, folders: Sequence[str | Path]) -> Asked:
        """Return what is ranked, of the folders of finished measure runs."""
        runs = sorted(read_scorings(folders), key=lambda run: run.label)
        return cls(runs=runs, entrants=entrants_of(runs))

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of the run: nothing but the runs decides what it is."""
        folders = [run.folder for run in self.runs]
        own = {"runs": digests_of(self.runs)}
        return describe("compare", own, passed=["runs"], seed=0, parents=folders)

    def write(self, partial: Path) -> None:
        """Write results, tables and pages of the ranking."""
        from tacit.verbs.ranking_story import pages_of

        found = ranked(self.runs, self.entrants)
        write_records(partial / "results.json", found.records)
        artifacts = partial / "artifacts"
        artifacts.mkdir(exist_ok=True)
        write_pages(artifacts / "pages.json", pages_of(found, artifacts))


def order_of(records: Sequence[Record], entrants: Sequence[Entrant]) -> tuple[str, ...]:
    """Return the names of the dictionaries by mean rank, then those without one."""
    placed = [
        str(each.of["dictionary"])
        for each in records
        if isinstance(each, Result) and each.name == "mean_rank"
    ]
    return tuple(dict.fromkeys([*placed, *(each.name for each in entrants)]))


def ranked(runs: Sequence[Scoring], entrants: Sequence[Entrant]) -> Ranking:
    """Return the dictionaries in order, on every figure and over all, by what was measured alike.

    Dictionaries measured on other subjects, sites, text or settings than the rest are gaps.
    """
    groups: dict[frozenset[str], list[Entrant]] = {}
    for each in entrants:
        groups.setdefault(_ground(each, "all"), []).append(each)
    largest = max(groups.values(), key=len)
    fields, records = list[Field](), list[Record]()
    for group in groups.values():
        if len(group) > 1:
            field, found = _field(group)
            fields.append(field)
            records += found
        else:
            other = next(each for each in (*largest, *entrants) if each is not group[0])
            reason = _differs(group[0], other)
            records.append(Gap(name="mean_rank", reason=reason, of=group[0].of))
    return Ranking(
        runs=runs, entrants=entrants, fields=tuple(fields), records=tuple(records)
    )


def _ground(entrant: Entrant, measure: str) -> frozenset[str]:
    """Return all ways in which a dictionary was measured, one a subject."""
    return frozenset(repr(run.measured_as(measure)) for run in entrant.runs)


def _differs(entrant: Entrant, other: Entrant, measure: str = "all") -> str:
    own, theirs = (
        {run.subject: run.measured_as(measure) for run in each.runs}
        for each in (entrant, other)
    )
    if own.keys() != theirs.keys():
        subjects = [" and ".join(each.subjects) for each in (entrant, other)]
        return f"measured on {subjects[0]}, and {other.name} on {subjects[1]}"
    told = dict.fromkeys(
        f"{key} {own[subject][key]!s}, and of {other.name} {theirs[subject][key]!s}"
        for subject in own
        for key in own[subject]
        if own[subject][key] != theirs[subject][key]
    )
    return f"not measured alike: {'; '.join(told)}"


def _field(group: Sequence[Entrant]) -> tuple[Field, list[Record]]:
    rankings, gaps = list[FigureRanking](), list[Record]()
    for key in _figures(group):
        found, missing = _one_figure(key, group)
        rankings += found
        gaps += missing
    ranks = _mean_ranks(group, rankings)
    records = [record for each in rankings for record in _records(each)]
    field = Field(entrants=tuple(group), figures=tuple(rankings), mean_ranks=tuple(ranks))
    if not ranks:
        reason = "no figure with a better side was measured of all of them"
        gaps.append(Gap(name="mean_rank", reason=reason, of=group[0].of))
    return field, [*ranks, *records, *gaps]


def _figures(group: Sequence[Entrant]) -> list[Key]:
    """Return the figures that say of a dictionary that it is better, in order of appearance."""
    keys = dict.fromkeys(key for each in group for run in each.runs for key in run.units)
    return [
        (figure, of)
        for figure, of in keys
        if METRICS[figure].direction != "neither"
        and figure not in NOT_OF_ATOMS
        and not any(value in CONTROLS.get(name, ()) for name, value in of)
    ]


def _one_figure(
    key: Key, group: Sequence[Entrant]
) -> tuple[list[FigureRanking], list[Gap]]:
    """Return the ranking of those that have the figure, measured in the way of the most."""
    measure = str(dict(key[1])["measure"])
    gaps: dict[str, str] = {}
    ways: dict[frozenset[str], list[Entrant]] = {}
    for each in group:
        without = [run for run in each.runs if key not in run.units]
        if without:
            gaps[each.name] = without[0].why_without(key)
        else:
            ways.setdefault(_ground(each, measure), []).append(each)
    alike = max(ways.values(), key=len)
    for each in (one for own in ways.values() if own is not alike for one in own):
        gaps[each.name] = _differs(each, alike[0], measure)
    found = (
        "it is alone in having the figure" if len(alike) < 2 else rank_figure(key, alike)
    )
    if isinstance(found, str):
        gaps |= {each.name: found for each in alike}
    told = [
        Gap(name="figure_difference", reason=reason, of={"dictionary": name, **_place(key)})
        for name, reason in gaps.items()
    ]
    return ([] if isinstance(found, str) else [found]), told


def _place(key: Key) -> dict[str, str | int | float]:
    return {"figure": key[0], **dict(key[1])}


def _records(ranking: FigureRanking) -> list[Record]:
    """Return each value, and the differences of neighbours and from the best."""
    figure, own = ranking.key[0], dict(ranking.key[1])
    row = METRICS[figure]
    over: dict[str, str | int | float] = {"over": ranking.over, "units": ranking.num_units}
    if ranking.left_out:
        over["units_left_out"] = ranking.left_out
    records: list[Record] = [
        as_result(
            figure,
            within_range(ranking.values[each.name], figure),
            {**each.of, **own, "rank": ranking.ranks[each.name], **over},
        )
        for each in ranking.entrants
    ]
    for each in ranking.shown():
        of = {"dictionary": each.entrant.name, "minus": each.minus.name}
        tested = {"p_corrected": each.corrected} if each.corrected is not None else {}
        of = {**of, **_place(ranking.key), **over, **tested}
        found = as_result("figure_difference", each.tested.interval, of)
        records.append(replace(found, unit=row.unit, better=row.direction))
    return records


def _mean_ranks(
    group: Sequence[Entrant], rankings: Sequence[FigureRanking]
) -> list[Result]:
    """Return the mean over figures of the rank; settings of one figure count as one together."""
    whole = [each for each in rankings if len(each.entrants) == len(group)]
    figures = dict.fromkeys(each.key[0] for each in whole)
    if not figures:
        return []
    left_out = len(rankings) - len(whole)
    counted = {"rankings": len(whole)} | (
        {"rankings_left_out": left_out} if left_out else {}
    )
    found: list[Result] = []
    for entrant in group:
        ranks = [
            np.mean([r.ranks[entrant.name] for r in whole if r.key[0] == figure])
            for figure in figures
        ]
        mean = within_range(student_mean(np.array(ranks, dtype=np.float64)), "mean_rank")
        found.append(as_result("mean_rank", mean, {**entrant.of, **counted}))
    return sorted(found, key=lambda each: each.value)
