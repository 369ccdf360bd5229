"""How a model is made linear on one prompt: attention patterns and the scales of norms held.

Whatever a model's code looks like, patterns come out of a softmax or of one fused call, and scales
out of a fused norm or a reciprocal root; those calls are met while the model runs. Nothing else
of the model changes. What is missed shows: effects then no longer add up (``graphs.py``).
Axes: b rows of a batch, t positions, d width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

HELD_OUTPUTS = frozenset(
    (functional.softmax, torch.softmax, Tensor.softmax, torch.rsqrt, Tensor.rsqrt)
)
"""Calls whose whole result is held: patterns, and one over the root of a mean square."""


@final
class Frozen(TorchFunctionMode):
    """Under ``with`` a model runs with held patterns and scales: those of the first such pass.

    The first pass is the model's own, over one prompt; in later ones no value and no gradient
    goes through what is held, whatever the model is given, and any number of rows may run. So the
    model is then affine in its residual stream but for its MLPs, which the caller replaces.
    """

    def __init__(self) -> None:
        """Hold nothing yet."""
        super().__init__()
        self._held: list[Tensor] = []
        self._is_first, self._next = True, 0

    def __enter__(self) -> Frozen:
        """Begin a pass."""
        self._is_first, self._next = not self._held, 0
        super().__enter__()
        return self

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call ``func``, or what stands in its stead."""
        del types
        options = kwargs or {}
        if func in HELD_OUTPUTS:
            given: Tensor = args[0]
            return self._hold(lambda: func(*args, **options)).expand(given.shape)
        if func is functional.scaled_dot_product_attention:
            return self._attention(*args, **options)
        if func is functional.layer_norm:
            return self._layer_norm(*args, **options)
        if func is functional.rms_norm:
            return self._rms_norm(*args, **options)
        return func(*args, **options)

    def _hold(self, compute: Callable[[], Tensor]) -> Tensor:
        """Return what the first pass computed at this call, counted from the pass's beginning."""
        if self._is_first:
            self._held.append(compute().detach())
        held = self._held[self._next]
        self._next += 1
        return held

    def _attention(
        self, query: Tensor, key: Tensor, value: Tensor, *rest: Any, **options: Any
    ) -> Tensor:
        # The same query and key give the same pattern, so nothing of the kernel is written again.
        query, key = (
            self._hold(lambda one=one: one).expand(len(value), *one.shape[1:])
            for one in (query, key)
        )
        return functional.scaled_dot_product_attention(query, key, value, *rest, **options)

    def _layer_norm(
        self,
        given: Tensor,
        shape: Sequence[int],
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> Tensor:
        axes, wide = tuple(range(-len(shape), 0)), _widened(given)
        out = self._scaled(wide - wide.mean(axes, keepdim=True), axes, eps)
        out = out if weight is None else out * weight
        return (out if bias is None else out + bias).to(given.dtype)

    def _rms_norm(
        self,
        given: Tensor,
        shape: Sequence[int],
        weight: Tensor | None = None,
        eps: float | None = None,
    ) -> Tensor:
        axes = tuple(range(-len(shape), 0))
        eps = torch.finfo(given.dtype).eps if eps is None else eps
        out = self._scaled(_widened(given), axes, eps)
        return (out if weight is None else out * weight).to(given.dtype)

    def _scaled(self, wide: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
        """Return the value over the root of its mean square, as that was in the first pass."""
        return wide * self._hold(
            lambda: (wide.square().mean(axes, keepdim=True) + eps).rsqrt()
        )


def _widened(value: Tensor) -> Tensor:
    """Return the value in at least single precision, in which fused norms reckon too."""
    return value.to(torch.promote_types(value.dtype, torch.float32))
