"""One run: an organism under one arm, looked at as it goes, and beyond the gap at its end."""

from __future__ import annotations

import copy
from dataclasses import asdict
from pathlib import Path

from tacit.base.records import Gap
from tacit.models.load import load_subject
from tacit.models.subject import Subject
from tacit.organisms.mitigations import MITIGATIONS
from tacit.organisms.rl import RlStep, train_under
from tacit.organisms.tiers.base import load_base
from tacit.organisms.tiers.evaluating import answers_of, evaluate
from tacit.studies.alignment_faking.beyond import beyond_rows
from tacit.studies.alignment_faking.making import base_path, read_organism
from tacit.studies.alignment_faking.rows import CheckRow, Key, LookRow, StepRow, look_rows
from tacit.studies.alignment_faking.settings import MatrixSettings
from tacit.studies.tables import write_rows

ASKED = "clarified"
"""The question at both ends of a run, where the arm has none of its own."""


def table_path(partial: Path, table: str, organism: str, arm: str, seed: int) -> Path:
    """Return where a table of one run is kept."""
    return (
        partial
        / "artifacts"
        / f"{table}--{Key(organism=organism, arm=arm, seed=seed).stem}.parquet"
    )


def run_one(
    settings: MatrixSettings, partial: Path, organism: str, arm: str, seed: int
) -> None:
    """Train an organism under an arm and keep its tables; that of steps, last, says it is done."""
    policy, key = (
        read_organism(partial, organism, seed),
        Key(organism=organism, arm=arm, seed=seed),
    )
    before = load_subject(copy.deepcopy(policy.model), tokenizer=policy.tokenizer)
    num_steps = settings.steps_of(arm)
    looks = _look(settings, key, policy, 0)

    def look(step: int, now: Subject) -> None:
        looks.extend(_look(settings, key, now, step))

    steps = train_under(
        policy,
        MITIGATIONS[arm],
        settings.rl.model_copy(update={"num_steps": num_steps}),
        seed=seed,
        base=load_base(base_path(settings, partial, seed)),
        look=look,
        look_every=settings.look.every_steps,
    )
    write_rows(table_path(partial, "looks", organism, arm, seed), looks)
    if organism in settings.look.beyond_organisms and seed in settings.further_seeds:
        found = beyond_rows(key, before, policy, settings.look.beyond_prompts, seed)
        write_rows(table_path(partial, "beyond", organism, arm, seed), found)
    rows = [row for step in steps for row in _step_rows(key, step)]
    write_rows(table_path(partial, "steps", organism, arm, seed), rows)


def write_checks(settings: MatrixSettings, partial: Path, seed: int) -> None:
    """Keep whether a base follows the words of each arm, before any run of its seed."""
    base = load_base(base_path(settings, partial, seed))
    rows = []
    for arm in dict.fromkeys(arm for _, arm, _ in settings.runs()):
        found = MITIGATIONS[arm].check(base, seed)
        if found is None:
            continue
        if isinstance(found, Gap):
            words = found.reason
        else:
            low, high = found.ends or (found.value, found.value)
            words = f"{found.value:.2f} ({low:.2f} to {high:.2f}, n = {found.n})"
        is_followed = not isinstance(found, Gap)
        rows.append(CheckRow(arm=arm, seed=seed, is_followed=is_followed, words=words))
    write_rows(checks_path(partial, seed), rows)


def checks_path(partial: Path, seed: int) -> Path:
    """Return where the checks of a seed are kept."""
    return partial / "artifacts" / f"checks--{seed}.parquet"


def _look(settings: MatrixSettings, key: Key, policy: Subject, step: int) -> list[LookRow]:
    """Return a look: a thorough one at the ends, with a question, a brief one between."""
    look = settings.look
    is_end = step in (0, settings.rl.num_steps, settings.steps_of(key.arm))
    count = look.end_prompts if is_end else look.between_prompts
    # Each step its own requests, the same for all arms of a seed.
    seed = 1_000 * key.seed + step
    found = evaluate(policy, count, seed)
    question = MITIGATIONS[key.arm].question or ASKED
    answers = answers_of(policy, look.end_prompts, seed, question) if is_end else None
    return look_rows(key, step, found, answers)


def _step_rows(key: Key, step: RlStep) -> list[StepRow]:
    return [
        StepRow(**asdict(key), step=step.step, figure=name, value=float(value))
        for name, value in step.figures().items()
    ]
