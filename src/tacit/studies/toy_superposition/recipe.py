"""How the toy study runs: every cell of the grid over one stream, seed by seed, resumable."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from functools import partial as partial_of
from pathlib import Path
from typing import Any, ClassVar, cast, final

import torch

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.data.worlds import WorldBlocks
from tacit.dictionaries import Fitted, fit
from tacit.studies.side_by_side import run_side_by_side
from tacit.studies.study import Estimate, Findings, Preset, Study
from tacit.studies.tables import write_rows
from tacit.studies.toy_superposition.analysis import findings_of
from tacit.studies.toy_superposition.cells import measure_cells
from tacit.studies.toy_superposition.settings import PRESETS, TWIN, ToySettings
from tacit.studies.toy_superposition.starts import measure_starts
from tacit.studies.toy_superposition.tables import cells_path, starts_path

TIMED_STEPS = 4
FLOAT_BYTES = 4
COPIES = 4
"""A weight, its gradient and two moments."""


@final
class ToySuperposition(Study):
    """Row 1: sparse coding in toy models."""

    name: ClassVar[str] = "toy-superposition"
    folder: ClassVar[Path] = Path(__file__).parent
    settings: ClassVar[type[Configuration]] = ToySettings
    presets: ClassVar[Mapping[Preset, Mapping[str, Any]]] = PRESETS

    def seeds(self, settings: Configuration) -> Sequence[int]:
        """Return the seeds of the worlds."""
        return cast(ToySettings, settings).seeds

    def units(self, settings: Configuration) -> str:
        """Return what intervals are over."""
        seeds = self.seeds(settings)
        return (
            f"Intervals are over {len(seeds)} seeds ({min(seeds)} to {max(seeds)}): each has its "
            "own true features, data and dictionaries."
        )

    def check(self, settings: Configuration, memory_bytes: int) -> None:
        """Raise ``UserError`` where a world cannot be or the grid does not fit in memory."""
        toy = cast(ToySettings, settings)
        toy.world.world(0)
        toy.method(toy.start_size, toy.start_penalty)
        for size, alpha in toy.cells().values():
            toy.method(size, alpha)
        for name, values in (("sizes", toy.sizes), ("penalties", toy.penalties)):
            if list(values) != sorted(set(values)):
                raise UserError(f"{name} is {values}; give each once, in ascending order.")
        if len(set(toy.seeds)) < len(toy.seeds) or max(toy.seeds) >= TWIN:
            raise UserError(f"seeds is {toy.seeds}; give each once, all below {TWIN}.")
        needed = memory_of(toy)
        if needed > memory_bytes:
            raise UserError(
                f"the grid of {len(toy.cells())} cells needs {needed / 2**30:.1f} GiB at once, and "
                f"this machine has {memory_bytes / 2**30:.1f} to give; lower sizes, or run it in "
                "parts with fewer penalties each."
            )

    def estimate(self, settings: Configuration) -> Estimate:
        """Return time and memory, from a few first steps of each size.

        First steps are the slowest, as nearly all atoms are active: the time is an upper bound.
        """
        toy = cast(ToySettings, settings)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as each world runs
        try:
            a_step = len(toy.penalties) * sum(seconds_of(toy, size) for size in toy.sizes)
            a_step = 2 * a_step + 2 * seconds_of(toy, toy.start_size)
        finally:
            torch.set_num_threads(threads)
        together = min(threads, 3 * len(toy.seeds))
        return Estimate(
            seconds=a_step * toy.steps * len(toy.seeds) / together,
            device=f"{together} threads of this machine's CPU",
            memory_bytes=memory_of(toy),
            units=f"{len(toy.cells())} cells, twice, on each of {len(toy.seeds)} worlds, "
            f"{toy.steps:,} steps of {toy.batch} samples",
        )

    def measure(self, settings: Configuration, partial: Path, progress: Progress) -> None:
        """Fit every world's grid, twins and starts, each on a thread, then measure the cells.

        What is there is not made again.
        """
        toy = cast(ToySettings, settings)
        works = (grid_of, twins_of, write_starts)
        pieces = [
            partial_of(work, toy, partial, seed) for seed in toy.seeds for work in works
        ]
        with progress("worlds", toy.steps * len(pieces), "steps") as advance:
            run_side_by_side(pieces, advance)
        with progress("cells", len(toy.seeds), "worlds") as advance:
            run_side_by_side(
                [partial_of(write_cells, toy, partial, seed) for seed in toy.seeds],
                advance,
            )

    def analyse(self, settings: Configuration, partial: Path) -> Findings:
        """Return the maps, the proxies and what they say of each claim."""
        return findings_of(cast(ToySettings, settings), partial)


def seconds_of(settings: ToySettings, size: int) -> float:
    """Return how long a step takes at a size, at the middle penalty."""
    alpha = settings.penalties[len(settings.penalties) // 2]
    blocks = WorldBlocks(world=settings.world.world(0), rows=settings.batch)
    method = settings.method(size, alpha)
    block = blocks.block(0)[blocks.sites[0]]
    state = method.initial(0, block, num_steps=settings.steps)
    state, _ = method.step(state, block)  # warm
    began = time.perf_counter()
    for _ in range(TIMED_STEPS):
        state, _ = method.step(state, block)
    return (time.perf_counter() - began) / TIMED_STEPS


def grid_of(
    settings: ToySettings, partial: Path, seed: int, progress: Progress
) -> list[Fitted]:
    """Return a world's dictionaries, or nothing where its cells are written already."""
    return _fitted(settings, partial, seed, seed, progress)


def twins_of(
    settings: ToySettings, partial: Path, seed: int, progress: Progress
) -> list[Fitted]:
    """Return the same cells of another seed, on the same world and stream."""
    return _fitted(settings, partial, seed, seed + TWIN, progress)


def _fitted(
    settings: ToySettings, partial: Path, seed: int, own: int, progress: Progress
) -> list[Fitted]:
    if cells_path(partial, seed).exists():
        _told_as_earlier(settings, progress)
        return []
    return fit(
        {name: settings.method(*cell) for name, cell in settings.cells().items()},
        WorldBlocks(world=settings.world.world(seed), rows=settings.batch),
        [own],
        steps=settings.steps,
        folder=_work(partial, own),
        progress=progress,
    )


def _work(partial: Path, own: int) -> Path:
    folder = partial / f"fit-{own}"
    folder.mkdir(exist_ok=True)
    return folder


def _told_as_earlier(settings: ToySettings, progress: Progress) -> None:
    with progress("earlier", settings.steps, "steps") as advance:
        advance(settings.steps, earlier=True)


def write_starts(
    settings: ToySettings, partial: Path, seed: int, progress: Progress
) -> None:
    """Write how a world's two starts came along, where that is not there yet."""
    path = starts_path(partial, seed)
    if path.exists():
        _told_as_earlier(settings, progress)
    else:
        write_rows(path, measure_starts(settings, seed, progress))


def write_cells(
    settings: ToySettings, partial: Path, seed: int, progress: Progress
) -> None:
    """Write a world's cells from its finished fits, which then go."""
    if not cells_path(partial, seed).exists():
        # Finished fits are read back, not made again.
        fitted = [
            *grid_of(settings, partial, seed, silent),
            *twins_of(settings, partial, seed, silent),
        ]
        world = settings.world.world(seed)
        write_rows(cells_path(partial, seed), measure_cells(settings, world, fitted, seed))
    for own in (seed, seed + TWIN):
        shutil.rmtree(_work(partial, own))
    with progress("cells", 1, "worlds") as advance:
        advance()


def memory_of(settings: ToySettings) -> int:
    """Return the bytes held at once: a whole grid for each thread."""
    width, batch = settings.world.width, settings.batch
    weights = sum(2 * size * width for size, _ in settings.cells().values())
    grid = FLOAT_BYTES * (COPIES * weights + 4 * batch * max(settings.sizes))
    return min(torch.get_num_threads(), 2 * len(settings.seeds)) * grid
