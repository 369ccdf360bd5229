"""What the cells say of each published claim, and of every proxy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tacit.base.records import Gap, Judgement, Record, Result
from tacit.base.seeds import stream
from tacit.metrics.choosing import log_log_slope, steps_ratio
from tacit.studies.study import Finding, Findings
from tacit.studies.toy_superposition.cells import Cell
from tacit.studies.toy_superposition.pages import pages_of
from tacit.studies.toy_superposition.proxies import (
    PROXIES,
    best_price,
    correlation,
    lost,
    lost_at_random,
)
from tacit.studies.toy_superposition.settings import ToySettings
from tacit.studies.toy_superposition.starts import Reading, way_of
from tacit.studies.toy_superposition.tables import read_cells, read_starts
from tacit.studies.units import (
    REPRODUCED_ABOVE,
    REPRODUCED_BELOW,
    Of,
    over_units,
    side_of,
)

WELL_FOUND = 0.9
"""MMCS from which the features count as recovered."""
CHEAP = 0.05
"""MMCS that a useful proxy loses at most."""
FIGURES: Mapping[str, Callable[[Cell], float]] = {
    "mmcs": lambda cell: cell.mmcs,
    "recall_above_0.9": lambda cell: cell.recall,
    "precision_above_0.9": lambda cell: cell.precision,
    "fvu": lambda cell: cell.fvu,
    "l0": lambda cell: cell.l0,
    "dead_share": lambda cell: cell.dead / cell.size,
}
"""Figures of each cell that go into the results, by their names in the catalogue."""
UNTESTABLE = (
    (
        "combined-loss-proxy",
        "mmcs_lost",
        "its formula is not in the text that can still be read",
    ),
    ("language-model-features", "f1", "a toy world has no language model to look into"),
    (
        "under-training-explains-the-gap",
        "fvu",
        "a toy world has no language model to train on",
    ),
)
"""Claims that no toy world decides, with the figure that would and why it is missing."""


def findings_of(settings: ToySettings, partial: Path) -> Findings:
    """Return the maps, the proxies and the claims of a run's folder."""
    worlds = {seed: read_cells(partial, seed) for seed in settings.seeds}
    starts = {seed: read_starts(partial, seed) for seed in settings.seeds}
    records = [*map_records(worlds, settings), *proxy_records(worlds)]
    return Findings(
        records=records,
        findings=claims(settings, worlds, starts),
        pages=pages_of(settings, partial, records, worlds, starts),
        chance=chance_passes(worlds),
    )


def over_seeds(
    name: str, values: Mapping[int, float | None], of: Of, missing: str
) -> Result | Gap:
    """Return the mean over seeds with its bootstrap interval; a gap where a seed has no value."""
    seed = min((key for key, value in values.items() if value is not None), default=0)
    return over_units("toy", name, values, of, missing, seed=seed)


def map_records(
    worlds: Mapping[int, Sequence[Cell]], settings: ToySettings
) -> list[Record]:
    """Return every figure of every cell, mean over seeds."""
    records: list[Record] = []
    for place, (size, alpha) in enumerate(settings.cells().values()):
        of: Of = {"method": "relu-l1", "num_atoms": size, "alpha": alpha}
        for name, figure in FIGURES.items():
            values = {seed: figure(cells[place]) for seed, cells in worlds.items()}
            records.append(over_seeds(name, values, of, ""))
    return records


def proxy_records(worlds: Mapping[int, Sequence[Cell]]) -> list[Record]:
    """Return what choosing by each proxy loses and how it ranks living cells, mean over seeds."""
    records: list[Record] = []
    for name, proxy in PROXIES.items():
        losses = {seed: lost(proxy, cells) for seed, cells in worlds.items()}
        ranks = {seed: correlation(proxy, cells) for seed, cells in worlds.items()}
        of = {"proxy": name}
        records += [
            over_seeds("mmcs_lost", losses, of, "no cell has a score"),
            over_seeds("rank_correlation", ranks, of, "too few living cells that differ"),
        ]
    by_chance = {seed: lost_at_random(cells) for seed, cells in worlds.items()}
    records.append(over_seeds("mmcs_lost", by_chance, {"proxy": "a random cell"}, ""))
    return records


def _untestable(claim: str, name: str, reason: str) -> Finding:
    return Finding(claim, Gap(name=name, reason=reason), "not testable at this scale")


def claims(
    settings: ToySettings,
    worlds: Mapping[int, Sequence[Cell]],
    starts: Mapping[int, Sequence[Reading]],
) -> list[Finding]:
    """Return every claim of ``QUESTION.md`` with its measurement and what the rule makes of it."""
    best = {seed: max(cell.mmcs for cell in cells) for seed, cells in worlds.items()}
    found = over_seeds("mmcs", best, {"cell": "best of each world"}, "")
    rows = [
        Finding("recovers-features", found, REPRODUCED_ABOVE[side_of(found, WELL_FOUND)])
    ]
    for claim, name in (
        ("dead-atoms-proxy", "dead"),
        ("stickiness-proxy", "stickiness"),
        ("larger-similarity-proxy", "larger"),
        ("plateau-proxy", "plateau"),
    ):
        losses = {seed: lost(PROXIES[name], cells) for seed, cells in worlds.items()}
        missing = "no cell has a score: one size has no larger one to be like"
        loss = over_seeds("mmcs_lost", losses, {"proxy": name}, missing)
        rows.append(Finding(claim, loss, REPRODUCED_BELOW[side_of(loss, CHEAP)]))
    rows += [_diagonals(settings, worlds), _starts(starts)]
    return [*rows, *(_untestable(*each) for each in UNTESTABLE)]


def _diagonals(settings: ToySettings, worlds: Mapping[int, Sequence[Cell]]) -> Finding:
    """Does the best alpha grow in proportion to the size, as the division would have it?"""
    slopes = {seed: slope_of(settings, cells) for seed, cells in worlds.items()}
    of = {"convention": settings.convention}
    missing = "the best penalty lies inside the grid at fewer than two sizes"
    found = over_seeds("log_log_slope", slopes, of, missing)
    if isinstance(found, Gap) or found.interval is None:
        return Finding("division-causes-diagonals", found, "inconclusive")
    low, high = found.interval
    expected = 1.0 if settings.convention == "divided" else 0.0
    judgement: Judgement = "inconclusive"
    if not low <= expected <= high:
        judgement = "not reproduced"
    elif not low <= 1 - expected <= high:
        judgement = "reproduced"
    return Finding("division-causes-diagonals", found, judgement)


def slope_of(settings: ToySettings, cells: Sequence[Cell]) -> float | None:
    """Return the power with which one world's best alpha grows with the size; None: too few."""
    best = {size: best_price(cells, size) for size in settings.sizes}
    inside = {size: alpha for size, alpha in best.items() if alpha is not None}
    return log_log_slope(list(inside), list(inside.values())) if len(inside) > 1 else None


def _starts(starts: Mapping[int, Sequence[Reading]]) -> Finding:
    """Do data points begin higher, and get there at the same time?"""
    ratios: dict[int, float | None] = {}
    ahead = []
    for seed, readings in starts.items():
        data, random = way_of(readings, "data"), way_of(readings, "random")
        ratios[seed] = steps_ratio(data, random, WELL_FOUND)
        ahead.append(data[0][1] > random[0][1])
    of = {"level": WELL_FOUND}
    missing = f"an MMCS of {WELL_FOUND:g} was not reached"
    found = over_seeds("steps_ratio", ratios, of, missing)
    if isinstance(found, Gap) or found.interval is None:
        return Finding("starts-from-data", found, "inconclusive")
    holds = side_of(found, 1.0) == "across" and all(ahead)
    return Finding("starts-from-data", found, "reproduced" if holds else "not reproduced")


def chance_passes(worlds: Mapping[int, Sequence[Cell]], repeats: int = 2000) -> float:
    """Return how many of the four rows on proxies a chooser of random cells would pass.

    Normal intervals stand in for the bootstrap; the other rows have no random counterpart.
    """
    rng = stream(min(worlds), "studies/toy/chance")
    losses = [
        np.max([cell.mmcs for cell in cells]) - np.array([cell.mmcs for cell in cells])
        for cells in worlds.values()
    ]
    drawn = np.stack([rng.choice(each, repeats) for each in losses])
    if len(drawn) < 2:
        return 0.0
    error = drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn))
    return 4 * float((drawn.mean(axis=0) + 1.96 * error < CHEAP).mean())
