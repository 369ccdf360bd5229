"""What the tables of a run say of each published claim, and every figure beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from tacit.base.records import Gap, Record
from tacit.bottlenecks.swapping import swapped
from tacit.metrics.intervals import Interval
from tacit.metrics.results import as_result
from tacit.studies.hidden_information.arms import ARMS, INDEPENDENT
from tacit.studies.hidden_information.claims import chance_passes, claims, leak_excess
from tacit.studies.hidden_information.figures import (
    by_wire,
    hides_in,
    own_less_truth,
    retention_of,
    twins_between,
    twins_less,
    wires_less,
)
from tacit.studies.hidden_information.likeness import COMPARED
from tacit.studies.hidden_information.measuring import RunRow
from tacit.studies.hidden_information.pages import pages_of
from tacit.studies.hidden_information.settings import HiddenSettings
from tacit.studies.hidden_information.swaps import SWAPPED, cells_of
from tacit.studies.hidden_information.tables import (
    NO_TWINS,
    NOT_RUN,
    Tables,
    over_seeds,
    read_tables,
)
from tacit.studies.hidden_information.wires import AGAIN, WIRES
from tacit.studies.study import Findings

FIGURES: Mapping[str, Callable[[RunRow], float | None]] = {
    "task_accuracy": lambda row: row.task_accuracy,
    "concept_accuracy": lambda row: row.concept_accuracy,
    "twin_accuracy": lambda row: row.twin_accuracy,
    "conditional_information": lambda row: row.leak,
    "entropy_given_concepts": lambda row: row.entropy,
    "concept_task_leakage": lambda row: row.task_leakage,
    "interconcept_leakage": lambda row: row.interconcept,
    "oracle_impurity": lambda row: row.impurity,
    "uncertainty_reduction_ratio": lambda row: row.nuisance,
    "intervened_accuracy": lambda row: row.set_accuracy,
}
"""Figures of every arm, by their names in the catalogue."""
PROPERTIES = ("entropy", "imbalance", "shift")
"""Of a concept, by which its leak is ranked."""


def findings_of(settings: HiddenSettings, partial: Path) -> Findings:
    """Return figures, claims and pages of a run's folder."""
    tables = read_tables(partial, settings.seeds, [*ARMS, INDEPENDENT])
    records = [
        *_arm_records(tables),
        *_swap_records(tables),
        *_place_records(tables),
        *_wire_records(tables),
        *_likeness_records(tables),
        *_cue_records(tables),
    ]
    return Findings(
        records=records,
        findings=claims(tables),
        pages=pages_of(settings, partial, tables),
        chance=chance_passes(tables),
    )


def _arm_records(tables: Tables) -> list[Record]:
    found: list[Record] = [
        over_seeds(name, tables.by_seed(arm, figure), {"arm": arm})
        for arm in tables.arms
        for name, figure in FIGURES.items()
    ]
    excess = leak_excess(tables)
    own = [own_less_truth(tables, arm) for arm in ("joint", "sequential", INDEPENDENT)]
    return [*found, excess, *own]


def _swap_records(tables: Tables) -> list[Record]:
    """Return swaps within every arm, those across arms, and what they exceed."""
    arms = [arm for arm in SWAPPED if arm in tables.arms]
    records: list[Record] = [twins_between(tables, arm, arm) for arm in arms]
    records += [twins_between(tables, "joint", arm) for arm in arms if arm != "joint"]
    records += [twins_less(tables, "joint", arm) for arm in arms if arm != "joint"]
    records += [retention_of(tables, arm) for arm in arms if arm != "sequential"]
    return [*records, *(_agreement(tables, arm) for arm in arms)]


def _agreement(tables: Tables, arm: str) -> Record:
    """Return the share of pairs of twins that heads of other runs read the right way round."""
    cells = cells_of(tables.swaps, "sign_agreement", arm, arm, tables.seeds)
    if cells is None:
        return Gap(name="sign_agreement", reason=NO_TWINS, of={"arm": arm})
    return as_result("sign_agreement", swapped(cells), {"arm": arm})


def _place_records(tables: Tables) -> list[Record]:
    arms = [arm for arm in ("joint", "imbalance", "sequential") if arm in tables.arms]
    return [
        hides_in(tables, arm, of)
        for arm in arms
        for of in PROPERTIES
        if (arm, of) != ("sequential", "shift")
    ]


def _wire_records(tables: Tables) -> list[Record]:
    records: list[Record] = []
    for wires in (AGAIN, *WIRES):
        records.append(wires_less(tables, wires, "before"))
        values = by_wire(tables, wires, lambda row: row.set_accuracy)
        records.append(over_seeds("intervened_accuracy", values, {"wires": wires}))
    return records


def _likeness_records(tables: Tables) -> list[Record]:
    records = [_similarity(tables, arm) for arm in COMPARED]
    for row in tables.apart:
        interval = Interval(
            value=row.accuracy,
            low=row.low,
            high=row.high,
            n=row.n,
            method="student",
            reason=None if row.low is not None else "all images are alike",
        )
        records.append(as_result("told_apart", interval, {"arm": row.arm}))
    return records


def _similarity(tables: Tables, arm: str) -> Record:
    """Return how alike the runs of an arm are beyond the concepts, over runs left out in turn."""
    found = {
        frozenset((row.first, row.second)): row.similarity
        for row in tables.pairs
        if row.arm == arm
    }
    if not found:
        reason = NO_TWINS if not tables.pairs else NOT_RUN
        return Gap(name="residual_similarity", reason=reason, of={"arm": arm})
    cells = [
        [found.get(frozenset((i, j)), 1.0) for j in tables.seeds] for i in tables.seeds
    ]
    return as_result("residual_similarity", swapped(np.array(cells)), {"arm": arm})


def _cue_records(tables: Tables) -> list[Record]:
    if not tables.cues:
        reason = "no cue was drawn in these pictures"
        return [Gap(name="cue_auroc", reason=reason, of={})]
    kinds = dict.fromkeys((row.arm, row.site, row.finder) for row in tables.cues)
    return [
        over_seeds(
            "cue_auroc",
            {
                row.seed: row.auroc
                for row in tables.cues
                if (row.arm, row.site, row.finder) == kind
            },
            dict(zip(("arm", "site", "finder"), kind, strict=True)),
        )
        for kind in kinds
    ]
