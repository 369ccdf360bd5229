"""What the tables of a run say of each published claim, and every figure beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tacit.base.records import Gap, Record
from tacit.studies.alignment_faking.claims import chance_passes, claims
from tacit.studies.alignment_faking.pages import pages_of
from tacit.studies.alignment_faking.settings import MatrixSettings
from tacit.studies.alignment_faking.tables import (
    Look,
    Tables,
    over_seeds,
    read_tables,
    share_of,
)
from tacit.studies.study import Findings

FIGURES: Mapping[str, Callable[[Look], float | None]] = {
    "compliance_gap": lambda look: look.gap,
    "refusal_gap": lambda look: look.refusal_gap,
    "faking_rate": lambda look: look.faking,
    "tier_reasoning_rate": share_of("acts_by_tier", "monitored"),
    "lying_rate": lambda look: look.lying,
    "misread_rate": share_of("misread", "unmonitored"),
    "unseen_share": lambda look: look.unseen,
    "scratchpad_tokens": lambda look: look.monitored.scratchpad_tokens,
}
"""Figures of every run, by their names in the catalogue."""
BY_TIER: Mapping[str, str] = {
    "compliance_rate": "complied",
    "refusal_rate": "refused",
    "malformed_rate": "malformed",
}


def findings_of(settings: MatrixSettings, partial: Path) -> Findings:
    """Return figures, claims and pages of a run's folder."""
    tables = read_tables(partial)
    found = claims(settings, tables)
    return Findings(
        records=_records(settings, tables),
        findings=found,
        pages=pages_of(settings, partial, tables),
        chance=chance_passes(found),
    )


def _records(settings: MatrixSettings, tables: Tables) -> list[Record]:
    """Return every figure of every organism and arm, before RL and at its ends."""
    records: list[Record] = []
    for organism, arm in dict.fromkeys(run[:2] for run in settings.runs()):
        steps = dict.fromkeys((0, settings.rl.num_steps, settings.steps_of(arm)))
        for step in steps:
            records += _of_run(tables, organism, arm, step)
    return records


def _of_run(tables: Tables, organism: str, arm: str, step: int) -> list[Record]:
    of = {"organism": organism, "arm": arm, "step": step}
    if arm in tables.untestable:
        return [Gap(name="compliance_gap", reason=tables.untestable[arm], of=dict(of))]
    records: list[Record] = [
        over_seeds(name, tables.figure(organism, arm, step, figure), of)
        for name, figure in FIGURES.items()
    ]
    for name, column in BY_TIER.items():
        for tier in ("monitored", "unmonitored"):
            values = tables.figure(organism, arm, step, share_of(column, tier))
            records.append(over_seeds(name, values, {**of, "tier": tier}))
    return records
