"""Activations that the update makes again instead of keeping them: less memory, a forward more."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from tacit.base.errors import UserError
from tacit.models.subject import Subject


def remake_activations(subject: Subject) -> None:
    """Have every block of the subject keep its input alone, wherever gradients are asked for.

    Sampling is left as it was. transformers' own way needs the model in training mode, in which
    dropout would make the policy that is trained another than the one that wrote.
    """
    blocks = [site for site in subject.sites() if site.startswith("resid.")]
    if not blocks:
        raise UserError(
            f"activations of {subject.name} were to be made again, and its blocks are not known; "
            "set checkpoints_activations to false."
        )
    for site in blocks:
        block = subject.site_map.find(site).module
        block.forward = _remade(block.forward)


def _remade(forward: Any) -> Any:
    def run(*given: Any, **named: Any) -> Any:
        if torch.is_grad_enabled():
            return checkpoint(forward, *given, use_reentrant=False, **named)
        return forward(*given, **named)

    return run
