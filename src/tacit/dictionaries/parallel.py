"""How a step's work is shared among threads: in slices, each done by one thread from end to end.

PyTorch's own way is to split every operation over all threads and wait for the last of them
after each. A step has a hundred operations, so on a machine that also does other things the
waiting is most of the time; whole slices wait only once. What they give is put together in
their order, so that the numbers do not depend on which of them was done first.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

import torch

T = TypeVar("T")

# Two each, so that a thread that was held up can be helped; smaller ones make slow products.
SLICES_PER_THREAD = 2
SMALLEST_SLICE = 128


@runtime_checkable
class Over(Protocol):
    """Runs work over ``range(count)`` in slices of at most ``size``; answers come in order."""

    def __call__(self, count: int, size: int, work: Callable[[slice], T]) -> list[T]:
        """Return ``work`` of every slice."""
        ...


def _slices(count: int, size: int) -> list[slice]:
    return [slice(first, min(count, first + size)) for first in range(0, count, size)]


def _one_by_one(count: int, size: int, work: Callable[[slice], T]) -> list[T]:
    return [work(each) for each in _slices(count, size)]


def _shared(
    pool: ThreadPoolExecutor,
    threads: int,
    count: int,
    size: int,
    work: Callable[[slice], T],
) -> list[T]:
    share = math.ceil(count / (SLICES_PER_THREAD * threads))
    return list(pool.map(work, _slices(count, min(size, max(share, SMALLEST_SLICE)))))


@contextlib.contextmanager
def sharing(*, worth_it: bool) -> Iterator[Over]:
    """Yield what runs slices on as many threads as PyTorch may use.

    Meanwhile its operations use one thread each. Where it is not ``worth_it`` (little work,
    a GPU) slices run one after another and operations are split as ever.
    """
    threads = torch.get_num_threads()
    if threads == 1 or not worth_it:
        yield _one_by_one
        return
    torch.set_num_threads(1)
    # Made anew each time: a pool that outlives a step would not survive a fork.
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield partial(_shared, pool, threads)
    finally:
        pool.shutdown()
        torch.set_num_threads(threads)
