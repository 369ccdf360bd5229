"""One process, or several under ``accelerate`` that make one update together."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor, nn, optim

from tacit.base.errors import UserError

if TYPE_CHECKING:
    from accelerate import Accelerator

REPLICATED = ("NO", "MULTI_GPU", "MULTI_CPU")
"""What accelerate calls a model that stands whole in every process."""


@final
class Processes:
    """Where the update runs; alone without an accelerator."""

    def __init__(self, accelerator: Accelerator | None, device: torch.device) -> None:
        """Refuse an accelerator that shards the model, or would move it."""
        self._accelerator = accelerator
        self.count = 1 if accelerator is None else accelerator.num_processes
        if accelerator is not None and accelerator.distributed_type.value not in REPLICATED:
            raise UserError(
                f"an accelerator of type {accelerator.distributed_type.value} was given; GRPO "
                f"samples from the model in every process, so use one of {', '.join(REPLICATED)}."
            )
        # Of "cuda" and "cpu:0" a tensor tells the device that weights name.
        if (
            accelerator is not None
            and torch.empty(0, device=accelerator.device).device != device
        ):
            raise UserError(
                f"the policy is on {device} and the accelerator's device is {accelerator.device}; "
                "load the policy there (device=accelerator.device)."
            )

    @property
    def is_first(self) -> bool:
        """Whether this one writes what is kept."""
        return self._accelerator is None or self._accelerator.is_main_process

    def wait(self) -> None:
        """Return once every process is here."""
        if self._accelerator is not None:
            self._accelerator.wait_for_everyone()

    def prepared(self, model: nn.Module, optimiser: optim.Optimizer) -> tuple[Any, Any]:
        """Return both as the accelerator wants them."""
        if self._accelerator is None:
            return model, optimiser
        return self._accelerator.prepare(model, optimiser)

    def summed(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the sums over processes, by name."""
        if self._accelerator is None or self.count == 1:
            return dict(values)
        own = torch.tensor(list(values.values()), dtype=torch.float64)
        total: Any = self._accelerator.reduce(own.to(self._accelerator.device), "sum")
        return dict(zip(values, total.tolist(), strict=True))

    def most(self, number: int) -> int:
        """Return the largest of the processes' numbers."""
        if self._accelerator is None or self.count == 1:
            return number
        own = torch.tensor([number], device=self._accelerator.device)
        every: Any = self._accelerator.gather(own)
        return int(every.max())

    @contextlib.contextmanager
    def adding_up(self, model: Any, *, is_last: bool) -> Generator[None]:
        """Hold a forward and backward pass; an update's last joins the processes' gradients."""
        if self._accelerator is None or is_last:
            yield
            return
        with self._accelerator.no_sync(model):
            yield

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of a loss that is one process's share of the sum over all."""
        if self._accelerator is None:
            loss.backward()
        else:  # where gradients are joined they are averaged
            self._accelerator.backward(loss * self.count)

    def shortened(self, weights: Iterable[nn.Parameter], longest: float) -> float:
        """Shorten the gradient to ``longest``; return its length before."""
        if self._accelerator is None:
            return float(nn.utils.clip_grad_norm_(weights, longest))
        norm = self._accelerator.clip_grad_norm_(list(weights), longest)
        assert norm is not None
        return float(norm)
