"""LoRA adapters on a subject (peft), and the subject that is left when they are switched off."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Generator, Sequence
from importlib.util import find_spec
from typing import Any, final

import torch
from torch import nn

from tacit.base.errors import UserError
from tacit.base.seeds import torch_seed
from tacit.models.load import load_subject
from tacit.models.subject import Subject

EVERY_MAP = "all-linear"
"""What peft calls all linear maps but the head."""


def with_lora(
    subject: Subject,
    rank: int,
    alpha: int,
    targets: Sequence[str] | None = None,
    *,
    seed: int = 0,
) -> Subject:
    """Return a subject whose only trainable weights are adapters of a rank, 0 at the start.

    The model is that of ``subject``, which gets the adapters too and is frozen but for them: no
    weight is copied. ``targets``: ends of module paths, by default every linear map but the head.
    ``alpha / rank`` scales the adapters. Source: Hu et al. 2021, arXiv:2106.09685.
    """
    if find_spec("peft") is None:
        raise UserError(
            "a LoRA adapter was asked for, and needs the package peft, which is not installed; "
            "install it with `pip install 'tacit[train]'`."
        )
    from peft import LoraConfig

    if rank < 1 or alpha < 1:
        raise UserError(
            f"an adapter of rank {rank} and alpha {alpha} was asked for; both must be "
            "1 or more."
        )
    model: Any = subject.model
    paths = [path for path, _ in model.named_modules()]
    for target in targets or ():
        if not any(path == target or path.endswith(f".{target}") for path in paths):
            raise UserError(
                f"an adapter of {target!r} was asked for; no module of {subject.name} has a path "
                "that ends so. Name maps such as q_proj, or give no targets for every linear map."
            )
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        target_modules=EVERY_MAP if targets is None else list(targets),
    )
    with torch.random.fork_rng():
        torch.manual_seed(torch_seed(seed, "training/grpo/adapters"))
        model.add_adapter(config)
    return dataclasses.replace(
        load_subject(model, tokenizer=subject.tokenizer), name=subject.name
    )


def without_adapters(subject: Subject) -> Subject:
    """Return the subject as it is with its adapters switched off, on the same weights."""
    return dataclasses.replace(
        subject, name=f"{subject.name} without adapters", model=_SwitchedOff(subject.model)
    )


@final
class _SwitchedOff(nn.Module):
    """A model whose passes leave its adapters out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    @property
    def config(self) -> Any:
        """The model's."""
        return self.model.config

    def forward(self, logits_to_keep: Any = 0, **given: Any) -> Any:
        """Run the model without its adapters, which are on again afterwards."""
        with _off(self.model):
            return self.model(logits_to_keep=logits_to_keep, **given)


@contextlib.contextmanager
def _off(model: nn.Module) -> Generator[None]:
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    for layer in layers:
        layer.enable_adapters(enabled=False)
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(enabled=True)
        # peft lets adapters learn whenever it switches them on.
        model.requires_grad_(False)
        for weight in learning:
            weight.requires_grad_(True)
