"""What tells one set of weights from another, wherever they are and whatever type they have."""

from __future__ import annotations

import hashlib

import torch
from torch import nn


def digest_of(model: nn.Module) -> str:
    """Return the SHA-256 over the names, shapes and values of a model's weights, by name.

    Values of 16 bits are widened to 32, which is exact, so that the digest does not depend on
    the type a half-precision checkpoint was loaded in.
    """
    digest = hashlib.sha256()
    for name, value in sorted(weights_of(model).items()):
        # Quantised weights are tensors of a class of their own, which moves in its own way.
        value = value.detach().as_subclass(torch.Tensor).cpu()
        if value.is_floating_point() and value.element_size() < torch.float32.itemsize:
            value = value.float()
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        digest.update(value.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def weights_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return a model's weights by name, those included that a device map keeps off its devices."""
    weights = model.state_dict()
    if any(value.is_meta for value in weights.values()):
        from accelerate.utils.modeling import get_state_dict_offloaded_model

        weights = get_state_dict_offloaded_model(model)
    return weights
