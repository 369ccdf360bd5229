"""How the study runs: bases, organisms and runs in processes, each resumable by itself."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast, final

import torch

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError, unknown
from tacit.base.progress import Progress
from tacit.models.load import load_subject
from tacit.organisms.mitigations import MITIGATIONS
from tacit.organisms.rl import train_under
from tacit.organisms.tiers.base import BaseSettings, new_model, tokenizer
from tacit.organisms.tiers.organisms import ORGANISMS
from tacit.studies.alignment_faking.analysis import findings_of
from tacit.studies.alignment_faking.making import DISTILLED, REINFORCED
from tacit.studies.alignment_faking.pieces import run_matrix
from tacit.studies.alignment_faking.settings import PRESETS, MatrixSettings
from tacit.studies.study import Estimate, Findings, Preset, Study

MADE_ELSEWHERE = (DISTILLED, REINFORCED)
NEEDED = "baseline"
"""The arm that all others are compared with."""
PROCESS_BYTES = 900 * 2**20
"""Of one process with its libraries, models and a step of episodes."""
TIMED_STEPS = 2
REST = 1.5
"""All work over that of RL steps: looks at policies, measures beyond the gap, organisms."""


@final
class AlignmentFaking(Study):
    """Row 7: mitigations for alignment faking in RL, on micro policies."""

    name: ClassVar[str] = "alignment-faking-mitigations"
    folder: ClassVar[Path] = Path(__file__).parent
    settings: ClassVar[type[Configuration]] = MatrixSettings
    presets: ClassVar[Mapping[Preset, Mapping[str, Any]]] = PRESETS

    def seeds(self, settings: Configuration) -> Sequence[int]:
        """Return the pretraining seeds."""
        return cast(MatrixSettings, settings).every_seed

    def units(self, settings: Configuration) -> str:
        """Return what intervals are over."""
        own = cast(MatrixSettings, settings)
        return (
            f"Intervals are over pretraining seeds ({len(own.seeds)}; {len(own.every_seed)} for "
            f"{', '.join(own.more_arms)}), by Student's t. All arms of a seed begin at the same "
            "organism and meet the same prompts, and differences are taken seed by seed. A base "
            "differs from another in its weights, its documents and their order."
        )

    def check(self, settings: Configuration, memory_bytes: int) -> None:
        """Raise ``UserError`` for an unknown or missing arm or organism, or seeds given twice."""
        own = cast(MatrixSettings, settings)
        known = (*ORGANISMS, *MADE_ELSEWHERE)
        for name in (*own.organisms, *own.controls, own.further_organism):
            if name not in known:
                raise unknown("organism", name, known)
        for arm in (*own.arms, *own.further_arms, *own.more_arms):
            if arm not in MITIGATIONS:
                raise unknown("arm", arm, list(MITIGATIONS))
        if NEEDED not in own.arms:
            raise UserError(
                f"arms is {own.arms}; add {NEEDED!r}, which others are compared with."
            )
        if len(set(own.every_seed)) < len(own.every_seed):
            raise UserError(f"seeds and more_seeds are {own.every_seed}; give each once.")
        needed = PROCESS_BYTES * torch.get_num_threads()
        if needed > memory_bytes:
            raise UserError(
                f"{torch.get_num_threads()} processes need {needed / 2**30:.1f} GiB and this "
                f"machine has {memory_bytes / 2**30:.1f} to give; set OMP_NUM_THREADS lower."
            )

    def estimate(self, settings: Configuration) -> Estimate:
        """Return time and memory, from two steps of RL on an untrained policy."""
        own = cast(MatrixSettings, settings)
        steps = sum(own.steps_of(arm) for _, arm, _ in own.runs())
        shipped = own.base == BaseSettings()
        return Estimate(
            seconds=REST * steps * _seconds_a_step(own) / torch.get_num_threads(),
            device=f"{torch.get_num_threads()} threads of this machine's CPU",
            memory_bytes=PROCESS_BYTES * torch.get_num_threads(),
            units=f"{len(own.runs())} runs of RL, {steps:,} steps; bases of "
            f"{len(own.every_seed)} seeds{', some of which come with Tacit' if shipped else ''}",
        )

    def measure(self, settings: Configuration, partial: Path, progress: Progress) -> None:
        """Make what is not there yet."""
        run_matrix(cast(MatrixSettings, settings), partial, progress)

    def analyse(self, settings: Configuration, partial: Path) -> Findings:
        """Return figures, claims and pages; then drop models that were only worked with."""
        found = findings_of(cast(MatrixSettings, settings), partial)
        shutil.rmtree(partial / "work", ignore_errors=True)
        return found


def _seconds_a_step(settings: MatrixSettings) -> float:
    """Return how long a step of RL takes on one thread, all rows of it as long as they may be."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        policy = load_subject(new_model(settings.base, 0), tokenizer=tokenizer())
        brief = settings.rl.model_copy(update={"num_steps": TIMED_STEPS})
        began = time.perf_counter()
        train_under(policy, MITIGATIONS[NEEDED], brief, seed=0)
        return (time.perf_counter() - began) / TIMED_STEPS
    finally:
        torch.set_num_threads(threads)
