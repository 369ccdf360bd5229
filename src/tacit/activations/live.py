"""Blocks straight from the model: a buffer of activations shuffled in memory, nothing on disk.

A buffer holds what flows while the model reads some windows, drawn from all over the text; blocks
are cut from its shuffled rows. Buffer after buffer depends on its number and the seed alone, so
that any block can be had again, at the price of its buffer. Axes: n rows, d width, w windows.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.activations.contexts import Contexts
from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.models.subject import Subject

BUFFER_ROWS = 2**18
# Rows beyond those that blocks need, in case some are left out for their norm.
SLACK = 0.02


@dataclass(frozen=True, kw_only=True)
class Buffer:
    """Which windows a buffer reads, and how many blocks are cut from it."""

    windows: Int[np.ndarray, " w"]
    num_blocks: int


class Live:
    """Endless shuffled blocks of what a subject computes on windows of text."""

    def __init__(
        self,
        subject: Subject,
        contexts: Contexts,
        windows: Bool[np.ndarray, " w"],
        sites: Sequence[str],
        *,
        seed: int,
        block_rows: int,
        buffer_rows: int = BUFFER_ROWS,
        high_norm_factor: float | None = 10.0,
        batch_contexts: int = 16,
    ) -> None:
        """Read only the ``windows`` that are true; a buffer holds about ``buffer_rows`` rows.

        Special tokens are left out, and at each site rows whose norm is above
        ``high_norm_factor`` medians of the first buffer's.
        """
        self._subject, self._contexts = subject, contexts
        self.sites, self._seed, self._block_rows = tuple(sites), seed, block_rows
        self._factor, self._batch = high_norm_factor, batch_contexts
        special = np.isin(contexts.ids, sorted(subject.special_ids))
        special[:, 0] |= contexts.bos
        self._usable = contexts.mask & ~special
        self._windows = np.flatnonzero(windows & self._usable.any(axis=1))
        self._buffer_rows = max(buffer_rows, block_rows)
        self._plans: list[list[Buffer]] = []
        self._firsts: list[list[int]] = []
        self._under_way: dict[int, Future[dict[str, Tensor]]] = {}
        self._pool, self._planning = ThreadPoolExecutor(1), threading.Lock()
        self._closed = threading.Event()
        self._limits: dict[str, float] = {}
        self.num_repeated = 0
        """Rows that were given twice, because too many of a buffer were left out."""
        self.num_read = self.num_high_norm = 0
        """Usable rows of all buffers so far, and those of them left out for their norm."""
        if self.num_rows < block_rows:
            raise UserError(
                f"blocks of {block_rows} rows were asked for, and the text has {self.num_rows} "
                "usable rows; read more text or ask for smaller blocks (--batch)."
            )

    @property
    def num_rows(self) -> int:
        """Usable rows of one reading of the text, those of high norm included."""
        return int(self._usable[self._windows].sum())

    def width(self, site: str) -> int:
        """Return the width of a site's vectors."""
        return self._subject.width(site)

    def block(self, i: int) -> dict[str, Float[Tensor, "n d"]]:
        """Return block ``i``; the next buffer is filled meanwhile."""
        number, place = self._place(i)
        rows = self._buffer(number)
        part = slice(place * self._block_rows, (place + 1) * self._block_rows)
        return {site: each[part] for site, each in rows.items()}

    def close(self) -> None:
        """Read no further; the buffer under way is given up."""
        self._closed.set()
        self._pool.shutdown(cancel_futures=True)

    def _buffer(self, number: int) -> dict[str, Tensor]:
        for other in set(self._under_way) - {number, number + 1}:
            del self._under_way[other]
        for each in (number, number + 1):
            if each not in self._under_way:
                self._under_way[each] = self._pool.submit(self._filled, each)
        return self._under_way[number].result()

    def _place(self, i: int) -> tuple[int, int]:
        """Return the number of a block's buffer, and the block's place in it."""
        number, left = 0, i
        for epoch in range(i + 1):  # every epoch has a block or more
            firsts = self._plan(epoch)[1]
            if left < firsts[-1]:
                inside = bisect_right(firsts, left) - 1
                return number + inside, left - firsts[inside]
            left -= firsts[-1]
            number += len(firsts) - 1
        raise AssertionError("an epoch without blocks")

    def _plan(self, epoch: int) -> tuple[list[Buffer], list[int]]:
        """Return an epoch's buffers, and the first block of each, with the end of the last."""
        with self._planning:
            while len(self._plans) <= epoch:
                self._plan_next()
        return self._plans[epoch], self._firsts[epoch]

    def _plan_next(self) -> None:
        rng = stream(self._seed, f"activations/live/{len(self._plans)}")
        order = rng.permutation(self._windows)
        rows = np.cumsum(self._usable[order].sum(axis=1))
        count = max(1, int(rows[-1]) // self._buffer_rows)
        edges = np.searchsorted(rows, np.linspace(0, rows[-1], count + 1)[1:-1]) + 1
        plan = [self._planned(each) for each in np.split(order, edges) if len(each)]
        self._plans.append(plan)
        ends = np.cumsum([0, *(each.num_blocks for each in plan)])
        self._firsts.append(ends.tolist())

    def _planned(self, windows: Int[np.ndarray, " w"]) -> Buffer:
        rows = int(self._usable[windows].sum())
        safe = rows if self._factor is None else int((1 - SLACK) * rows)
        return Buffer(windows=windows, num_blocks=max(1, safe // self._block_rows))

    def _filled(self, number: int) -> dict[str, Tensor]:
        """Return a buffer's rows of every site, shuffled, as many as its blocks need."""
        epoch, inside = 0, number
        while inside >= len(self._plan(epoch)[0]):
            inside -= len(self._plan(epoch)[0])
            epoch += 1
        buffer = self._plan(epoch)[0][inside]
        rows = self._read(buffer.windows)
        num_read = len(next(iter(rows.values())))
        if self._factor is not None:
            limits = self._limits_of(number, rows)
            keep = torch.stack(
                [each.norm(dim=1) <= limits[site] for site, each in rows.items()]
            ).all(dim=0)
            rows = {site: each[keep] for site, each in rows.items()}
        count = len(next(iter(rows.values())))
        if not count:
            raise UserError("a whole buffer was left out for its norms; raise the factor.")
        needed = buffer.num_blocks * self._block_rows
        order = stream(self._seed, f"activations/live/rows/{number}").permutation(count)
        self.num_repeated += max(0, needed - count)
        self.num_read += num_read
        self.num_high_norm += num_read - count
        chosen = torch.from_numpy(np.resize(order, needed))
        return {site: each[chosen] for site, each in rows.items()}

    def _limits_of(self, number: int, rows: dict[str, Tensor]) -> dict[str, float]:
        """Return the largest norm of each site that is not left out, by the first buffer's."""
        if not self._limits:
            assert self._factor is not None
            first = rows if number == 0 else self._read(self._plan(0)[0][0].windows)
            self._limits = {
                site: self._factor * float(each.norm(dim=1).median())
                for site, each in first.items()
            }
        return self._limits

    def _read(self, windows: Int[np.ndarray, " w"]) -> dict[str, Tensor]:
        """Return what flows at the usable positions of some windows, like lengths together."""
        lengths = self._contexts.mask[windows].sum(axis=1)
        windows = windows[np.argsort(-lengths, kind="stable")]
        parts: dict[str, list[Tensor]] = {site: [] for site in self.sites}
        for start in range(0, len(windows), self._batch):
            if self._closed.is_set():
                raise CancelledError
            batch = windows[start : start + self._batch]
            longest = int(self._contexts.mask[batch[0]].sum())
            ids = torch.from_numpy(self._contexts.ids[batch, :longest])
            flow = self._subject.run(ids, sites=self.sites)
            usable = torch.from_numpy(self._usable[batch, :longest])
            for site in self.sites:
                value = flow.activations[site]
                parts[site].append(value[usable.to(value.device)].float())
        return {site: torch.cat(each) for site, each in parts.items()}
