"""Blocks read ahead: the next one is fetched while members take their step on this one.

Axes: n rows, d width.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.blocks import Blocks

Rows = dict[str, Float[Tensor, "n d"]]


@final
class Ahead:
    """One block ahead of a fit, in a thread of its own; notes for how long the fit waited."""

    def __init__(
        self, blocks: Blocks, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Fetch nothing yet."""
        self._blocks, self._clock = blocks, clock
        # One thread for its operations: the others are at work on the block before.
        self._pool = ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,))
        self._expected: tuple[int, Future[Rows]] | None = None
        self._began = clock()
        self._waited = 0.0

    def __enter__(self) -> "Ahead":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of what was fetched."""
        self._pool.shutdown(cancel_futures=True)

    def expect(self, number: int) -> None:
        """Begin to fetch a block."""
        self._expected = number, self._pool.submit(self._blocks.block, number)

    def block(self, number: int) -> Rows:
        """Return a block, at once if it was expected and is there."""
        began = self._clock()
        expected, self._expected = self._expected, None
        if expected is not None and expected[0] == number:
            found = expected[1].result()
        else:
            found = self._blocks.block(number)
        self._waited += self._clock() - began
        return found

    @property
    def waiting_share(self) -> float:
        """Share of the time since the beginning in which the fit waited for blocks."""
        passed = self._clock() - self._began
        return self._waited / passed if passed > 0 else 0.0
