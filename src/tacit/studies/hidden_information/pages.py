"""The pages of the study: the birds, what leaks, swaps, where it hides, what removes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tacit.base.pages import Page
from tacit.base.records import Gap, Result
from tacit.studies.hidden_information import blocks
from tacit.studies.hidden_information.arms import ARMS, INDEPENDENT
from tacit.studies.hidden_information.settings import HiddenSettings
from tacit.studies.hidden_information.swaps import SWAPPED, cells_of
from tacit.studies.hidden_information.tables import Tables, over_seeds

Rows = list[dict[str, Any]]
SHOWN_ARMS = ("joint", "sequential", "imbalance")
MOST_CONCEPTS = 16
"""Concepts of the chart; the table has all."""


def pages_of(settings: HiddenSettings, partial: Path, tables: Tables) -> list[Page]:
    """Write the tables that the pages draw, and return the pages."""
    rows: Mapping[str, Rows] = {
        "leaks": _leak_rows(tables),
        "trade-off": _trade_rows(tables),
        "swap-map": _swap_rows(tables, "twin_accuracy"),
        "swap-accuracy": _swap_rows(tables, "accuracy"),
        "by-concept": _place_rows(tables),
        "most-leaking": _place_rows(tables)[:MOST_CONCEPTS],
        "set-curves": _curve_rows(tables),
        "cue-finders": _cue_rows(tables),
    }
    held = {name for name, found in rows.items() if found}
    for name in held:
        path = partial / "artifacts" / f"{name}.parquet"
        parquet.write_table(pa.Table.from_pylist(rows[name]), path)
    return [
        Page(
            title="What is in these pictures?",
            blocks=(blocks.opening(settings), blocks.birds(), blocks.limits(settings)),
        ),
        Page(title="How much leaks?", blocks=blocks.leaks()),
        Page(title="Do runs hide it in the same way?", blocks=blocks.swaps(held)),
        Page(title="Where does it hide?", blocks=blocks.places(held)),
        Page(title="What happens when concepts are set?", blocks=blocks.curves()),
        Page(title="Do sparse dictionaries find the cue?", blocks=blocks.cues(held)),
    ]


def _words(arm: str) -> str:
    if arm == INDEPENDENT:
        return "independent: heads on annotations"
    return f"{arm}: {ARMS[arm].words}" if arm != ARMS[arm].words else arm


def _ends(found: Result | Gap) -> dict[str, float | None]:
    """Return a figure's value and ends as columns; all null where there is none."""
    if isinstance(found, Gap):
        return {"value": None, "low": None, "high": None}
    low, high = found.interval or (None, None)
    return {"value": found.value, "low": low, "high": high}


def _leak_rows(tables: Tables) -> Rows:
    return [
        {
            "arm": _words(arm),
            **_ends(
                over_seeds(
                    "conditional_information", tables.by_seed(arm, lambda row: row.leak), {}
                )
            ),
        }
        for arm in tables.arms
        if arm != INDEPENDENT
    ]


def _trade_rows(tables: Tables) -> Rows:
    names = (
        "task_accuracy", "concept_accuracy", "twin_accuracy", "leak", "set_accuracy",
        "own_accuracy", "task_leakage", "interconcept", "impurity", "nuisance",
    )  # fmt: skip
    return [
        {
            "arm": _words(arm),
            **{
                name: _mean([vars(row)[name] for row in tables.runs if row.arm == arm])
                for name in names
            },
        }
        for arm in tables.arms
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _swap_rows(tables: Tables, figure: str) -> Rows:
    """Return the mean over other runs of every arm's encoders with every arm's heads."""
    arms = [arm for arm in SWAPPED if arm in tables.arms]
    rows: Rows = []
    for encoder in arms:
        for head in arms:
            own = [
                vars(row)[figure]
                for row in tables.swaps
                if (row.encoder, row.head) == (encoder, head)
                and row.encoder_seed != row.head_seed
            ]
            rows.append({"encoder": encoder, "head": head, "value": _mean(own)})
        cells = cells_of(tables.swaps, figure, encoder, encoder, tables.seeds)
        alone = None if cells is None else float(np.diagonal(cells).mean())
        rows.append({"encoder": encoder, "head": "its own", "value": alone})
    return rows if any(row["value"] is not None for row in rows) else []


def _place_rows(tables: Tables) -> Rows:
    """Return each concept's leak by arm, a mean over seeds, most leaking first."""
    rows: Rows = []
    for concept in dict.fromkeys(row.concept for row in tables.places):
        own = [row for row in tables.places if row.concept == concept]
        means = {
            f"leak, {arm}": _mean([row.leak for row in own if row.arm == arm])
            for arm in SHOWN_ARMS
        }
        found: dict[str, Any] = {
            "concept": concept.removeprefix("has_"),
            "entropy": own[0].entropy,
            "imbalance": own[0].imbalance,
            "shift": _mean([row.shift for row in own if row.arm == "joint"]),
            **means,
        }
        rows.append(found)
    rows.sort(key=lambda row: -(row["leak, joint"] or 0.0))
    return rows


def _curve_rows(tables: Tables) -> Rows:
    shown = [arm for arm in ("joint", "sequential", INDEPENDENT) if arm in tables.arms]
    rows: Rows = []
    for arm in shown:
        own = [row for row in tables.curves if row.arm == arm]
        for groups in sorted({row.groups for row in own}):
            here = [row for row in own if row.groups == groups]
            for kind, name in (("to_truth", "truth"), ("to_own", "its own answers")):
                values: dict[int, float | None] = {
                    row.seed: vars(row)[kind] for row in here
                }
                found = over_seeds("intervened_accuracy", values, {})
                rows.append({"groups": groups, "set": f"{arm}, {name}", **_ends(found)})
    return rows


def _cue_rows(tables: Tables) -> Rows:
    kinds = dict.fromkeys((row.arm, row.site, row.finder) for row in tables.cues)
    rows: Rows = []
    for arm, site, finder in kinds:
        own = [
            row
            for row in tables.cues
            if (row.arm, row.site, row.finder) == (arm, site, finder)
        ]
        found = over_seeds("cue_auroc", {row.seed: row.auroc for row in own}, {})
        shuffled = _mean([row.shuffled for row in own])
        rows.append(
            {
                "of": f"{arm}, {'concept layer' if site == 'concepts' else 'trunk'}",
                "finder": finder,
                "shuffled": shuffled,
                **_ends(found),
            }
        )
    return rows
