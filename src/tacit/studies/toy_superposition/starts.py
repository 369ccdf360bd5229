"""Does a dictionary that starts from data points get there sooner than one from random ones?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from tacit.base.progress import Progress
from tacit.base.seeds import stream
from tacit.data.worlds import WorldBlocks
from tacit.dictionaries import State
from tacit.metrics.recovery import mmcs
from tacit.studies.toy_superposition.settings import ToySettings

Start = Literal["random", "data"]
READINGS = 60
"""Times that the MMCS is read, evenly over all steps."""
FIRST_UNSEEN = 2 * 10**9
"""Number of the first block that starting points are taken from; training never gets so far."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How far one dictionary had come."""

    seed: int
    start: Start
    step: int
    mmcs: float


def measure_starts(settings: ToySettings, seed: int, progress: Progress) -> list[Reading]:
    """Return the MMCS of both starts on the way, on one world and one stream."""
    world = settings.world.world(seed)
    blocks = WorldBlocks(world=world, rows=settings.batch)
    (site,) = blocks.sites
    method = settings.method(settings.start_size, settings.start_penalty)
    every = max(1, settings.steps // READINGS)
    states: dict[Start, State] = {
        start: method.initial(seed, blocks.block(0)[site], num_steps=settings.steps)
        for start in get_args(Start)
    }
    _start_from_data(states["data"], blocks, seed)
    readings = []
    with progress("starts", settings.steps, "steps") as advance:
        for step in range(settings.steps):
            block = blocks.block(step)[site]
            for start, state in states.items():
                if step % every == 0:
                    found = mmcs(world.features, state.tensors["atoms"])
                    readings.append(
                        Reading(seed=seed, start=start, step=step, mmcs=float(found))
                    )
                states[start], _ = method.step(state, block)
            advance(1)
    return readings


def _start_from_data(state: State, blocks: WorldBlocks, seed: int) -> None:
    """Make unit data points the atoms of a state; each a different sample."""
    atoms, (site,) = state.tensors["atoms"], blocks.sites
    needed = -(-len(atoms) // blocks.rows)
    rows = torch.cat([blocks.block(FIRST_UNSEEN + i)[site] for i in range(needed)])
    drawn = stream(seed, "studies/toy/starts").permutation(len(rows))[: len(atoms)]
    points = rows[torch.from_numpy(drawn)]
    atoms.copy_(points / points.norm(dim=1, keepdim=True))


def way_of(readings: Sequence[Reading], start: Start) -> list[tuple[int, float]]:
    """Return the steps and MMCS of one start."""
    return [(each.step, each.mmcs) for each in readings if each.start == start]
