"""What a killed GRPO run goes on from: the trained weights, their moments, and the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn, optim

from tacit.models.subject import Subject
from tacit.training.grpo.figures import StepFigures
from tacit.training.grpo.settings import GrpoSettings
from tacit.training.kept_training import keep, restore


def decided(
    policy: Subject, reference: Subject | None, settings: GrpoSettings, seed: int
) -> dict[str, Any]:
    """Return what decides every step, for telling a folder of the same run.

    What is played is the caller's, and not known here.
    """
    return {
        **settings.model_dump(mode="json", exclude={"checkpoint_seconds"}),
        "seed": seed,
        "policy": policy.digest,
        "reference": None if reference is None else reference.digest,
    }


def keep_steps(
    model: nn.Module,
    optimiser: optim.Optimizer,
    figures: Sequence[StepFigures],
    folder: Path,
    decided: Mapping[str, Any],
) -> None:
    """Write the state after the last of ``figures``."""
    keep(model, optimiser, [asdict(each) for each in figures], folder, decided)


def restore_steps(
    model: nn.Module,
    optimiser: optim.Optimizer,
    folder: Path | None,
    decided: Mapping[str, Any],
) -> list[StepFigures]:
    """Put back what was kept in the folder, if anything; return the figures so far."""
    return [StepFigures(**each) for each in restore(model, optimiser, folder, decided)]
