"""Where a unit's work stands: what is measured at which site, and the files that keep it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

from tacit.studies.autointerpretation.settings import EMBEDDING, AutointerpretationSettings
from tacit.studies.tables import short

Arm = Literal["trained", "random weights"]
Unit = tuple[str, int]
"""A subject and a seed: what intervals are over."""
SWEEP = "sweep"
"""In place of a site: other sizes and shorter training at ``sweep_site``."""


@final
@dataclass(frozen=True, kw_only=True)
class Place:
    """One site of one subject and seed, trained or with random weights."""

    subject: str
    seed: int
    arm: Arm
    site: str

    @property
    def key(self) -> str:
        """Name that files of this place bear."""
        arm = self.arm.replace(" ", "-")
        return f"{short(self.subject)}-{self.seed}-{arm}-{self.site}"

    @property
    def store_name(self) -> str:
        """Name of the store it is read from: seeds of a trained subject share theirs."""
        own = f"-random-{self.seed}" if self.arm == "random weights" else ""
        return short(self.subject) + own


def places_of(settings: AutointerpretationSettings) -> list[Place]:
    """Return every place, the trained subjects' first of each unit."""
    found: list[Place] = []
    for subject, seed in settings.units:
        trained = [*settings.sites, *([EMBEDDING] if settings.embedding else [])]
        if settings.has_sweep:
            trained.append(SWEEP)
        sides: list[tuple[Arm, list[str]]] = [
            ("trained", trained),
            ("random weights", list(settings.control_sites)),
        ]
        found += [
            Place(subject=subject, seed=seed, arm=arm, site=site)
            for arm, sites in sides
            for site in sites
        ]
    return found


def table_of(partial: Path, name: str, place: Place) -> Path:
    """Return where a table of one place is."""
    return partial / "artifacts" / f"{name}-{place.key}.parquet"


def store_folder(partial: Path, place: Place) -> Path:
    """Return the store that a place is read from."""
    return partial / "stores" / place.store_name


def is_control(place: Place) -> bool:
    """Return whether a place is measured to be compared with: untrained, or without context."""
    return place.arm != "trained" or place.site == EMBEDDING


def site_of(settings: AutointerpretationSettings, place: Place) -> str:
    """Return the site that is read at a place."""
    return settings.sweep_site if place.site == SWEEP else place.site


def steps_at(settings: AutointerpretationSettings, place: Place) -> int:
    """Return the steps of a place's fits, each reading of the rows counted once."""
    if place.site != SWEEP:
        return 2 * settings.steps
    shorter = sum(max(1, round(share * settings.steps)) for share in settings.shares)
    return settings.steps * bool(settings.sizes) + shorter
