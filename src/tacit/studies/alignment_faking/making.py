"""Bases and organisms of the matrix, as folders that appear whole."""

from __future__ import annotations

import shutil
from pathlib import Path

from tacit.models.checkpoints import quiet
from tacit.models.load import load_subject
from tacit.models.subject import Subject
from tacit.organisms.mitigations import MITIGATIONS
from tacit.organisms.rl import train_under
from tacit.organisms.tiers.base import (
    SHIPPED_SEEDS,
    BaseSettings,
    load_base,
    shipped_base,
    train_base,
)
from tacit.organisms.tiers.further import distilled
from tacit.organisms.tiers.organisms import make_organism
from tacit.studies.alignment_faking.settings import MatrixSettings

DISTILLED, REINFORCED = "distilled", "reinforced"
TEACHER = "terminal-counterfactual"
"""Whose transcripts are distilled."""
REINFORCED_FROM = "terminal-plain"
"""Whose faking is rewarded, in RL before the RL that is studied."""


def base_path(settings: MatrixSettings, partial: Path, seed: int) -> Path:
    """Return where the base of a seed is: what comes with Tacit, if it is what is asked for."""
    if settings.base == BaseSettings() and seed in SHIPPED_SEEDS:
        return shipped_base(seed)
    return partial / "work" / "bases" / f"tiers-{seed}"


def organism_path(partial: Path, name: str, seed: int) -> Path:
    """Return where an organism is kept."""
    return partial / "work" / "organisms" / f"{name}-{seed}"


def is_made(path: Path) -> bool:
    """Return whether a model is there; its folder appears whole."""
    return (path / "config.json").exists()


def teachers_of(name: str) -> tuple[str, ...]:
    """Return the organisms that must be there before this one."""
    return {DISTILLED: (TEACHER,), REINFORCED: (REINFORCED_FROM,)}.get(name, ())


def make_base(settings: MatrixSettings, partial: Path, seed: int) -> None:
    """Pretrain a base."""
    path = base_path(settings, partial, seed)
    work = path.with_name(f"{path.name}-work")
    aside = path.with_name(f".{path.name}")
    train_base(settings.base, aside, seed=seed, work=work)
    aside.rename(path)
    shutil.rmtree(work, ignore_errors=True)


def make_one(settings: MatrixSettings, partial: Path, name: str, seed: int) -> None:
    """Make an organism from the base of its seed, or from another organism."""
    path = organism_path(partial, name, seed)
    made = _made(settings, partial, name, seed)
    aside = path.with_name(f".{path.name}")
    with quiet():
        made.model.save_pretrained(aside)  # type: ignore[operator]
        made.tokenizer.save_pretrained(aside)
    aside.rename(path)


def read_organism(partial: Path, name: str, seed: int) -> Subject:
    """Return an organism that was made."""
    return load_subject(organism_path(partial, name, seed))


def _made(settings: MatrixSettings, partial: Path, name: str, seed: int) -> Subject:
    base = load_base(base_path(settings, partial, seed))
    if name == DISTILLED:
        teacher = read_organism(partial, TEACHER, seed)
        return distilled(teacher, base, seed, settings.organism).organism
    if name == REINFORCED:
        start = read_organism(partial, REINFORCED_FROM, seed)
        train_under(start, MITIGATIONS["reward-faking"], settings.rl, seed=seed)
        return start
    return make_organism(name, base, seed, settings.organism)
