"""What a causal model keeps between passes, so that each one reads the new tokens alone.

Axes: b rows, h heads, t positions, d width of a head.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel


def takes(model: Any, option: str) -> bool:
    """Return whether a model's pass knows an option, such as ``logits_to_keep``."""
    plain = model.module if isinstance(model, DistributedDataParallel) else model
    return option in inspect.signature(plain.forward).parameters


def cache_for(model: Any, room: int) -> Any:
    """Return an empty cache of keys and values with room for so many positions.

    Layers that see everything get theirs once, and show the positions filled so far: attention
    needs no mask over the rest. Layers that see a window are transformers' own. Its
    ``reorder_cache`` takes any rows, so rows can be left out and repeated.
    """
    from transformers import Cache, StaticCache
    from transformers.cache_utils import StaticLayer

    layers = StaticCache(config=model.config, max_cache_len=room).layers
    growing = _growing_layer()
    return Cache(
        layers=[growing(room) if type(layer) is StaticLayer else layer for layer in layers]
    )


@functools.cache
def _growing_layer() -> Any:
    """Return the class of one layer's cache, made on use as transformers is imported on use."""
    from transformers.cache_utils import DynamicLayer

    class Growing(DynamicLayer):
        """transformers' growing layer without its copy of everything at every step."""

        def __init__(self, room: int) -> None:
            super().__init__()
            self.room = room
            self.stores: list[Tensor] = []

        def update(
            self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
        ) -> Any:
            held = self.get_seq_length()
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
                self.stores = [_roomy(new, self.room) for new in (key_states, value_states)]
            end = held + key_states.shape[2]
            for store, new in zip(self.stores, (key_states, value_states), strict=True):
                store[:, :, held:end] = new
            self.keys, self.values = (store[:, :, :end] for store in self.stores)
            return self.keys, self.values

        def reorder_cache(self, beam_idx: Tensor) -> None:
            held = self.get_seq_length()
            old, self.stores = self.stores, []
            for store in old:
                chosen = store[:, :, :held].index_select(0, beam_idx.to(store.device))
                self.stores.append(_roomy(chosen, self.room))
                self.stores[-1][:, :, :held] = chosen
            self.keys, self.values = (store[:, :, :held] for store in self.stores)

    return Growing


def _roomy(like: Tensor, room: int) -> Tensor:
    rows, heads, _, width = like.shape
    return torch.empty(rows, heads, room, width, dtype=like.dtype, device=like.device)
