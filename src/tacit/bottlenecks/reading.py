"""What a trained bottleneck says of images, as arrays that every measure takes.

Axes: n images, c concepts and slots, m classes, f features of the trunk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from tacit.bottlenecks.networks import Bottleneck, ClassHead

AT_ONCE = 256
"""Images of one pass; enough to fill a CPU, few enough for its memory."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Outputs:
    """What a bottleneck says of images."""

    concept_logits: Float[np.ndarray, "n c"]
    """Of the concepts, then of the slots."""
    class_logits: Float[np.ndarray, "n m"]


def read_out(
    model: Bottleneck, pixels: UInt8[np.ndarray, "n 3 h w"] | UInt8[Tensor, "n 3 h w"]
) -> Outputs:
    """Return concept and class logits of images, nothing dropped."""
    held = torch.from_numpy(pixels) if isinstance(pixels, np.ndarray) else pixels
    concept_logits = passed(model.encoder, held)
    with at_rest(model.head), torch.no_grad():
        class_logits = model.head(concept_logits)
    return Outputs(
        concept_logits=concept_logits.cpu().numpy(), class_logits=class_logits.cpu().numpy()
    )


def class_logits_of(
    head: ClassHead, concept_logits: Float[np.ndarray, "n c"]
) -> Float[np.ndarray, "n m"]:
    """Return what a class head makes of concept logits, its own encoder's or another's."""
    with at_rest(head), torch.no_grad():
        return head(_held(concept_logits, head)).cpu().numpy()


def class_logits_of_carried(
    head: ClassHead, read: Float[np.ndarray, "n c"]
) -> Float[np.ndarray, "n m"]:
    """Return what a class head makes of concepts set by hand, in the form it reads."""
    with at_rest(head), torch.no_grad():
        return head.decide(_held(read, head)).cpu().numpy()


def passed(
    part: nn.Module,
    pixels: UInt8[Tensor, "n 3 h w"],
    rows: Int[Tensor, " r"] | None = None,
) -> Float[Tensor, "r c"]:
    """Return what an encoder or a trunk makes of all images, or of some rows, on its device."""
    every = torch.arange(len(pixels)) if rows is None else rows
    device = device_of(part)
    with at_rest(part), torch.no_grad():
        return torch.cat([part(pixels[few].to(device)) for few in every.split(AT_ONCE)])


def device_of(module: nn.Module) -> torch.device:
    """Return where a module's weights are."""
    return next(module.parameters()).device


@contextlib.contextmanager
def at_rest(module: nn.Module) -> Iterator[None]:
    """Have a module evaluate and not learn, and put its mode back."""
    was_learning = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_learning)


@contextlib.contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Keep modules as they are: at rest, and without gradients of their own."""
    moving = [each for part in modules for each in part.parameters() if each.requires_grad]
    with contextlib.ExitStack() as stack:
        for part in modules:
            stack.enter_context(at_rest(part))
        for each in moving:
            each.requires_grad_(False)
        try:
            yield
        finally:
            for each in moving:
                each.requires_grad_(True)


def _held(values: Float[np.ndarray, "n c"], head: ClassHead) -> Float[Tensor, "n c"]:
    return torch.from_numpy(np.asarray(values, dtype=np.float32)).to(device_of(head))
