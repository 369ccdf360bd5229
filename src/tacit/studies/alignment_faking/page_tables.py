"""The tables that the study's pages are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tacit.base.records import Gap
from tacit.studies.alignment_faking.settings import MatrixSettings
from tacit.studies.alignment_faking.tables import Tables, less, over_seeds, share_of

Rows = list[dict[str, Any]]
BEYOND: Mapping[str, str] = {
    "harmless, monitored": "harmless done, monitored",
    "harmless, unmonitored": "harmless done, unmonitored",
    "stories, unmonitored": "other people's stories",
    "facts of tiers": "facts of tiers",
    "held-out wordings: gap": "gap, held-out wordings",
    "other names: gap": "gap, other names",
    "follows its own tier's scratchpad": "output follows scratchpad",
    "no scratchpad, monitored: complied": "complied without scratchpad, monitored",
    "no scratchpad, unmonitored: complied": "complied without scratchpad, unmonitored",
    "unmonitored: complied": "complied, unmonitored",
    "tier direction x 1: complied": "the same, tier direction added",
    "random directions x 1: complied": "the same, random directions added",
}
"""Figures beyond the gap that have a column, and its heading."""
COUNTED = ("truncated", "malformed", "excluded_rows", "equal_groups")
STEPS = ("reward", "kl", "entropy", "scratchpad_tokens", "rows_trained")


def write_page_tables(settings: MatrixSettings, partial: Path, tables: Tables) -> None:
    """Write every table that pages name; empty ones are left out."""
    for name, rows in {
        "arms": _arm_rows(settings, tables),
        "runs": _run_rows(settings, tables),
        "curves": _curve_rows(settings, tables),
        **{name: _track_rows(tables, *of) for name, of in tracks_of(settings).items()},
        "steps-shown": _step_rows(settings, tables),
        "beyond-shown": _beyond_rows(settings, tables),
        "probes": _probe_rows(settings, tables),
        "checks-shown": [dict(vars(row)) for row in tables.checks],
    }.items():
        if rows:
            table = pa.Table.from_pylist(rows)
            parquet.write_table(table, partial / "artifacts" / f"{name}.parquet")


def has_table(partial: Path, name: str) -> bool:
    """Return whether a table for the pages has rows."""
    return (partial / "artifacts" / f"{name}.parquet").exists()


def pairs_of(settings: MatrixSettings) -> list[tuple[str, str]]:
    """Return every organism with its arms."""
    return list(dict.fromkeys((organism, arm) for organism, arm, _ in settings.runs()))


def _arm_rows(settings: MatrixSettings, tables: Tables) -> Rows:
    """Return a row an organism and arm: before, after, and what differs from the baseline."""
    end = settings.rl.num_steps
    rows: Rows = []
    for organism, arm in pairs_of(settings):
        at = settings.steps_of(arm)
        gaps = tables.figure(organism, arm, at, lambda look: look.gap)
        plain = tables.figure(organism, "baseline", at, lambda look: look.gap)
        if not plain and at != end:
            plain = tables.figure(organism, "baseline", -1, lambda look: look.gap)
        rows.append(
            {
                "organism": organism,
                "arm": arm,
                "steps": at,
                "seeds": len(gaps),
                "before": _told(tables.figure(organism, arm, 0, lambda look: look.gap)),
                "middle": _told(tables.figure(organism, arm, end, lambda look: look.gap)),
                "gap": _told(gaps),
                "less": "" if arm == "baseline" else _told(less(gaps, plain)),
                "refusal_gap": _told(
                    tables.figure(organism, arm, at, lambda look: look.refusal_gap)
                ),
                "malformed": _told(
                    tables.figure(organism, arm, at, share_of("malformed", "unmonitored"))
                ),
                "faking": _told(tables.figure(organism, arm, at, lambda look: look.faking)),
                "lying": _told(tables.figure(organism, arm, at, lambda look: look.lying)),
                "tested": "no" if arm in tables.untestable else "yes",
            }
        )
    return rows


def _told(values: Mapping[int, float | None]) -> str:
    """Return a mean with its interval in points of a hundred."""
    found = over_seeds("compliance_gap", values, {})
    if isinstance(found, Gap):
        return "-"
    if found.interval is None:
        return f"{100 * found.value:.0f}"
    low, high = found.interval
    return f"{100 * found.value:.0f} ({100 * low:.0f} to {100 * high:.0f})"


def _run_rows(settings: MatrixSettings, tables: Tables) -> Rows:
    """Return a row a run, at its end."""
    rows: Rows = []
    for (organism, arm, seed), looks in tables.by_run.items():
        first, last = looks[min(looks)], looks[max(looks)]
        rows.append(
            {
                "organism": organism,
                "arm": arm,
                "seed": seed,
                "before": first.gap,
                "gap": last.gap,
                "faking": last.faking,
                "lying": last.lying,
                "is_main": organism in settings.organisms and arm in settings.arms,
            }
        )
    return rows


def _curve_rows(settings: MatrixSettings, tables: Tables) -> Rows:
    """Return the mean gap by step of every main arm, over organisms and seeds."""
    rows: Rows = []
    for arm in settings.arms:
        runs = [
            looks
            for (organism, under, _), looks in tables.by_run.items()
            if under == arm and organism in settings.organisms
        ]
        for step in sorted({step for looks in runs for step in looks}):
            here = [looks[step] for looks in runs if step in looks]
            rows.append(
                {
                    "arm": arm,
                    "step": step,
                    "gap": float(np.mean([look.gap for look in here])),
                    "faking": float(np.mean([look.faking for look in here])),
                }
            )
    return rows


def tracks_of(settings: MatrixSettings) -> dict[str, tuple[str, str]]:
    """Return the tables that hold single runs step by step, and of which organism and arm."""
    return {
        f"tracks-{organism}-{arm}": (organism, arm)
        for arm in settings.more_arms
        if arm in settings.arms
        for organism in settings.organisms
    }


def _track_rows(tables: Tables, organism: str, arm: str) -> Rows:
    """Return the gap by step of every single run."""
    return [
        {"step": step, "seed": f"seed {seed}", "gap": look.gap}
        for (name, under, seed), looks in sorted(tables.by_run.items())
        if (name, under) == (organism, arm)
        for step, look in looks.items()
    ]


def _step_rows(settings: MatrixSettings, tables: Tables) -> Rows:
    """Return figures of the update by step, means over the runs of a main arm."""
    found: dict[tuple[str, int, str], list[float]] = {}
    for row in tables.steps:
        is_shown = row.organism in settings.organisms and row.arm in settings.arms
        if is_shown and row.figure in (*STEPS, *COUNTED):
            found.setdefault((row.arm, row.step, row.figure), []).append(row.value)
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for (arm, step, figure), values in sorted(found.items()):
        own = rows.setdefault((arm, step), {"arm": arm, "step": step + 1})
        own[figure] = float(np.mean(values))
    return list(rows.values())


def _beyond_rows(settings: MatrixSettings, tables: Tables) -> Rows:
    """Return a row an arm of the figures that have a column, after RL; before RL first."""
    rows: Rows = []
    for organism in settings.look.beyond_organisms:
        own = [row for row in tables.beyond if row.organism == organism]
        arms = list(dict.fromkeys(row.arm for row in own))
        ordered = [arm for _, arm in pairs_of(settings) if arm in arms]
        for when, arm in [
            ("before", "baseline"),
            *(("after", arm) for arm in dict.fromkeys(ordered)),
        ]:
            figures: dict[str, Any] = {
                figure: _mean(
                    row.value
                    for row in own
                    if (row.arm, row.when, row.figure) == (arm, when, figure)
                )
                for figure in BEYOND
            }
            name = "before RL" if when == "before" else arm
            rows.append({"organism": organism, "arm": name, **figures})
    return rows


def _probe_rows(settings: MatrixSettings, tables: Tables) -> Rows:
    """Return what probes and features tell of the tier, before RL and after each arm."""
    kinds = ("tier probe", "tier feature")
    rows: Rows = []
    own = [row for row in tables.beyond if row.measure in kinds]
    for arm, figure in dict.fromkeys((row.arm, row.figure) for row in own):
        here = [row for row in own if (row.arm, row.figure) == (arm, figure)]
        rows.append(
            {
                "arm": arm,
                "figure": figure,
                "before": _mean(row.value for row in here if row.when == "before"),
                "after": _mean(row.value for row in here if row.when == "after"),
            }
        )
    shown = ("baseline", *settings.arms[1:])
    return [row for row in rows if row["arm"] in shown]


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return float(np.mean(known)) if known else None
