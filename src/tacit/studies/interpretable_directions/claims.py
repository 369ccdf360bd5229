"""Published findings on penalties, sizes, substitution and the apostrophe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from tacit.base.records import Gap, Result
from tacit.metrics.replacing import over_baseline
from tacit.studies.interpretable_directions.apostrophe import DICTIONARY, NEAREST_NEURON
from tacit.studies.interpretable_directions.arms import at_penalty, of_size
from tacit.studies.interpretable_directions.curves import of_curves
from tacit.studies.interpretable_directions.everywhere import (
    LAYERS,
    NEXT_PENALTY,
    OUTPUTS,
)
from tacit.studies.interpretable_directions.figures import (
    NO_RANK,
    NOT_ACTIVE,
    Tables,
    Unit,
    by_unit,
    figure,
    perplexity,
)
from tacit.studies.interpretable_directions.settings import DirectionsSettings
from tacit.studies.study import Finding
from tacit.studies.units import REPRODUCED_ABOVE, REPRODUCED_BELOW, side_of

FREE, COSTLY, LIVE, PURE, MIXED, FELT = 1.01, 1.1, 0.95, 0.9, 0.5, 0.1
"""Levels of the rules in ``QUESTION.md``."""
HALF_DEAD, SHARED = 0.55, 0.37
OVERCOMPLETE = 4


def published_of(settings: DirectionsSettings, tables: Tables) -> list[Finding]:
    """Return the findings, gaps where the settings leave out what they are about."""
    return [
        *_of_penalties(settings, tables),
        *_of_substitution(settings, tables),
        *_of_layers(settings, tables),
        _of_moments(settings, tables),
        *_of_apostrophe(settings, tables),
    ]


def _of_penalties(settings: DirectionsSettings, tables: Tables) -> list[Finding]:
    """Return what the penalty does to curves."""
    own = of_curves(tables.curves, "relu-l1", "each prompt")
    free = of_curves(tables.curves, at_penalty(0), "each prompt")
    strongest = at_penalty(max(settings.penalties, default=0))
    floors = of_curves(tables.curves, strongest, "each prompt")
    areas = {unit: over_baseline(own[unit].area, each.area) for unit, each in free.items()}
    left = {
        unit: over_baseline(each.shares[-1], own[unit].shares[-1])
        for unit, each in floors.items()
    }
    area = figure(
        settings,
        "over_baseline",
        areas,
        {"figure": "replacement_area", "baseline": at_penalty(0)},
    )
    floor = figure(
        settings,
        "over_baseline",
        left,
        {"figure": f"KL left by all features, {strongest}", "baseline": "relu-l1"},
    )
    return [
        Finding("no-penalty-no-advantage", area, REPRODUCED_BELOW[side_of(area, 1)]),
        Finding("penalty-raises-the-floor", floor, REPRODUCED_ABOVE[side_of(floor, 1)]),
    ]


def _of_substitution(settings: DirectionsSettings, tables: Tables) -> list[Finding]:
    """Return what the reconstruction costs, and which size is fully used."""

    def cost(basis: str) -> Result | Gap:
        values = {
            unit: perplexity(row)
            for unit, row in by_unit(tables.substituted, basis=basis).items()
        }
        of = {"figure": "perplexity", "basis": basis, "baseline": "the subject itself"}
        return figure(settings, "over_baseline", values, of)

    free, costly = cost(at_penalty(0)), cost("relu-l1")
    live = figure(
        settings, "live_share", _live(settings, tables), {"atoms a dimension": OVERCOMPLETE}
    )
    return [
        Finding("free-without-penalty", free, REPRODUCED_BELOW[side_of(free, FREE)]),
        Finding("substitution-costs", costly, REPRODUCED_ABOVE[side_of(costly, COSTLY)]),
        Finding("four-a-dimension-live", live, REPRODUCED_ABOVE[side_of(live, LIVE)]),
    ]


def _live(settings: DirectionsSettings, tables: Tables) -> Mapping[Unit, float | None]:
    """Return the share of live atoms where there are four a dimension."""
    widths = {
        unit: row.atoms for unit, row in by_unit(tables.substituted, basis="pca").items()
    }
    found: dict[Unit, float | None] = {}
    for unit, width in widths.items():
        atoms = OVERCOMPLETE * width
        basis = "relu-l1" if atoms == settings.atoms else of_size(atoms)
        row = by_unit(tables.substituted, basis=basis).get(unit)
        if row is not None:
            found[unit] = row.live
    return found


def _of_layers(settings: DirectionsSettings, tables: Tables) -> list[Finding]:
    """Return what is live at the outputs of MLPs, and what two penalties share at every layer."""
    outputs = [
        row
        for row in tables.everywhere
        if row.site.startswith(OUTPUTS[:-1]) and row.basis == "relu-l1"
    ]
    live = _over_layers(outputs, lambda row: row.live)
    neighbours = [row for row in tables.shared if row.other == NEXT_PENALTY]
    shared = _over_layers(neighbours, lambda row: row.share)
    alive = figure(settings, "live_share", live, {"sites": OUTPUTS, "basis": "relu-l1"})
    close = figure(
        settings, "close_share", shared, {"sites": LAYERS, "other": NEXT_PENALTY}
    )
    return [
        Finding(
            "mlp-outputs-half-dead", alive, REPRODUCED_BELOW[side_of(alive, HALF_DEAD)]
        ),
        Finding(
            "matches-between-penalties", close, REPRODUCED_ABOVE[side_of(close, SHARED)]
        ),
    ]


def _of_moments(settings: DirectionsSettings, tables: Tables) -> Finding:
    """Return whether heavy tails tell which features agree with a label."""
    of = {"basis": "relu-l1", "moment": "kurtosis"}
    rows = by_unit(tables.moments, **of)
    if not rows:
        gap = Gap(name="moment_correlation", reason="the text has no labels", of=of)
        return Finding("moments-tell-scores", gap, "not testable at this scale")
    values = {unit: row.correlation for unit, row in rows.items()}
    tails = figure(settings, "moment_correlation", values, of, NO_RANK)
    return Finding("moments-tell-scores", tails, REPRODUCED_ABOVE[side_of(tails, 0)])


def _over_layers(rows: Sequence[Any], read: Callable[[Any], float]) -> dict[Unit, float]:
    """Return each subject and seed's mean over layers."""
    units = dict.fromkeys((row.subject, row.seed) for row in rows)
    return {
        unit: fmean(read(row) for row in rows if (row.subject, row.seed) == unit)
        for unit in units
    }


def _of_apostrophe(settings: DirectionsSettings, tables: Tables) -> list[Finding]:
    """Return the case of the apostrophe's feature and of its nearest neuron."""
    feature, neuron = (
        by_unit(tables.words, arm=arm) for arm in (DICTIONARY, NEAREST_NEURON)
    )
    if not feature:
        gap = Gap(name="token_purity", reason="the text does not label apostrophes", of={})
        names = ("apostrophe-is-one-feature", "neuron-is-mixed", "apostrophe-predicts-s")
        return [Finding(name, gap, "not testable at this scale") for name in names]

    def mean(name: str, arm: str, values: Mapping[Unit, float | None]) -> Result | Gap:
        of = {"arm": arm, "word": "apostrophe"}
        return figure(settings, name, values, of, NOT_ACTIVE)

    pure = mean("token_purity", DICTIONARY, {u: e.purity for u, e in feature.items()})
    mixed = mean("token_purity", NEAREST_NEURON, {u: e.purity for u, e in neuron.items()})
    felt = mean("ablation_rise", DICTIONARY, {u: e.follows for u, e in feature.items()})
    return [
        Finding("apostrophe-is-one-feature", pure, REPRODUCED_ABOVE[side_of(pure, PURE)]),
        Finding("neuron-is-mixed", mixed, REPRODUCED_BELOW[side_of(mixed, MIXED)]),
        Finding("apostrophe-predicts-s", felt, REPRODUCED_ABOVE[side_of(felt, FELT)]),
    ]
