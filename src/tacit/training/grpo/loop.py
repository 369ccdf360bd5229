"""The GRPO loop: play, grade, compare within groups, update; resumable.

Source: Shao et al. 2024, arXiv:2402.03300; normalised over all counted tokens of a step as in
DAPO (Yu et al. 2025, arXiv:2503.14476), which is TRL's default.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.models.subject import Subject
from tacit.training.grpo.episodes import Graded
from tacit.training.grpo.figures import StepFigures
from tacit.training.grpo.keeping import decided, keep_steps, restore_steps
from tacit.training.grpo.processes import Processes
from tacit.training.grpo.settings import GrpoSettings
from tacit.training.grpo.update import Learner

if TYPE_CHECKING:
    from accelerate import Accelerator

Play = Callable[[Subject, int], Graded]
"""Samples the episodes of a step from the policy as it is, and grades them."""


def grpo(
    policy: Subject,
    play: Play,
    settings: GrpoSettings,
    *,
    seed: int,
    reference: Subject | None = None,
    folder: Path | None = None,
    report: Callable[[StepFigures], None] | None = None,
    accelerator: Accelerator | None = None,
) -> list[StepFigures]:
    """Train ``policy.model`` in place on what ``play(policy, step)`` gives; return every step.

    ``reference``: what the policy is held to by ``kl_weight``, and measured against at any. With
    a ``folder`` the state is kept there as it goes, and the same call resumes from it to the same
    weights (on a CPU, with the same number of threads and a ``play`` that its step decides).
    ``accelerator``: every process plays whole groups of its own, and the update is that of all
    of them together. The model stays in evaluation mode: dropout would make the policy that is
    trained another than the one that wrote. Load it anew (``load_subject(policy.model)``) for a
    subject with the new weights' digest.

    Raises:
        UserError: for weights that cannot learn, groups of another size than ``group_rows``, a
            loss that is not finite, and a folder that was begun otherwise.
    """
    _check(policy, reference, settings)
    processes = Processes(accelerator, policy.device)
    model = policy.model.eval()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(
        weights, lr=settings.learning_rate, weight_decay=0.0, fused=True
    )
    told = decided(policy, reference, settings, seed)
    figures = restore_steps(model, optimiser, folder, told)
    run, stepping = processes.prepared(model, optimiser)
    learner = Learner(
        policy=policy,
        run=run,
        optimiser=stepping,
        weights=weights,
        reference=reference,
        settings=settings,
        processes=processes,
    )
    kept_at = time.monotonic()
    for step in range(len(figures), settings.num_steps):
        rng = stream(seed, f"training/grpo/minibatches/{step}")
        figures.append(learner.step(step, play(policy, step), rng))
        if report is not None:
            report(figures[-1])
        is_due = time.monotonic() - kept_at > settings.checkpoint_seconds
        if folder is not None and (is_due or step + 1 == settings.num_steps):
            if processes.is_first:
                keep_steps(model, optimiser, figures, folder, told)
            kept_at = time.monotonic()
    processes.wait()
    return figures


def _check(policy: Subject, reference: Subject | None, settings: GrpoSettings) -> None:
    if not policy.is_causal:
        raise UserError(
            f"{policy.name} was to learn by GRPO; it has no head that predicts the next token. Use "
            "a causal language model."
        )
    if not any(weight.requires_grad for weight in policy.model.parameters()):
        raise UserError(
            f"no weight of {policy.name} can learn, as a loaded checkpoint is frozen; train a copy "
            "(copy.deepcopy(model).requires_grad_(True)), or an adapter (with_lora)."
        )
    if settings.kl_weight and reference is None:
        raise UserError(
            f"kl_weight is {settings.kl_weight} and no reference was given; give the policy that "
            "the divergence is from."
        )
    if reference is not None and reference.model is policy.model:
        raise UserError(
            f"the reference is the model of {policy.name} itself, and would learn with it; give a "
            "copy, or without_adapters(policy) for a policy with an adapter."
        )
    if reference is not None and reference.device != policy.device:
        raise UserError(
            f"the policy is on {policy.device} and its reference on {reference.device}; load "
            "both on one."
        )
