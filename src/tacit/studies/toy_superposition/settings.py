"""What can be set in the toy study: the world, the grid, and how long each cell trains."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.data.toy import Drawn, Structure, ToyWorld
from tacit.dictionaries import ReluL1

TWIN = 10_000
"""Added to a seed for the second dictionary of each cell, on the same world and data."""


class WorldSettings(Configuration):
    """The true features and how they fire."""

    num_features: int = Field(default=512, ge=2)
    width: int = Field(default=256, ge=1)
    num_active: int = Field(default=5, ge=1)
    """Mean of active features a sample."""
    decay: float = Field(default=0.99, gt=0, le=1)
    correlation: Drawn = "batch"
    structure: Structure = "none"
    varied_strengths: bool = False
    noise: float = Field(default=0.0, ge=0)

    def world(self, seed: int) -> ToyWorld:
        """Return the world of a seed."""
        return ToyWorld(**self.model_dump(), seed=seed)


class ToySettings(Configuration):
    """One grid of sizes and penalties, over several worlds."""

    world: WorldSettings = WorldSettings()
    seeds: tuple[int, ...] = Field(default=(100, 101, 102, 103, 104), min_length=1)
    """One world, one stream and one set of dictionaries each."""
    sizes: tuple[int, ...] = Field(default=(512, 1024), min_length=1)
    """Atoms (K), ascending."""
    penalties: tuple[float, ...] = Field(default=(0.1, 0.316, 1.0), min_length=1)
    """The original's alpha, ascending."""
    convention: Literal["divided", "plain"] = "divided"
    """Loss of the original: mean squared error plus alpha times L1 over K; ``plain`` divides
    by the number of true features at every size."""
    steps: int = Field(default=6_000, ge=10)
    batch: int = Field(default=256, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    start_size: int = Field(default=1024, ge=1)
    start_penalty: float = Field(default=0.316, gt=0)
    """Size and alpha of the cell that is also started from data points."""
    held_out_blocks: int = Field(default=10, ge=1)
    """Fresh batches on which dead atoms, L0 and FVU are counted."""

    def price(self, size: int, alpha: float) -> float:
        """Return the penalty with squared error summed over dimensions: alpha d / K."""
        share = size if self.convention == "divided" else self.world.num_features
        return alpha * self.world.width / share

    def method(self, size: int, alpha: float) -> ReluL1:
        """Return a cell's method: the original's loss, on raw rows, with nothing added to it."""
        return ReluL1(
            num_atoms=size,
            penalty=self.price(size, alpha),
            encoder_start="uniform",
            learning_rate=self.learning_rate,
            warm_up_steps=0,
            sparsity_warm_up=0.0,
            clip=None,
            centre="none",
            scaled=False,
            revive_every_steps=None,
        )

    def cells(self) -> dict[str, tuple[int, float]]:
        """Return the size and penalty of every cell by its name."""
        return {
            f"K{size}-alpha{alpha:g}": (size, alpha)
            for size in self.sizes
            for alpha in self.penalties
        }


PRESETS: dict[Literal["quick", "laptop", "paper"], dict[str, Any]] = {
    "quick": {
        "world.num_features": 128,
        "world.width": 64,
        "world.num_active": 3,
        "seeds": (0, 1),
        "sizes": (64, 128, 256),
        "penalties": (0.1, 0.3, 1.0),
        "steps": 300,
        "learning_rate": 8e-3,
        "start_size": 256,
        "start_penalty": 0.3,
    },
    "laptop": {
        "sizes": (256, 512, 1024),
        "penalties": (0.0316, 0.1, 0.316, 1.0),
        "steps": 1_500,
        # Four times the published rate, so that 1,500 steps can go as far as 6,000 do.
        "learning_rate": 4e-3,
    },
    "paper": {
        "sizes": tuple(128 * 2**power for power in range(8)),
        "penalties": tuple(round(10 ** (power / 4), 6) for power in range(-8, 9)),
        "steps": 20_000,
    },
}
