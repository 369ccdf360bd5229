"""The toy world of Sharkey, Braun and Millidge 2022, as its replication drew it, and variants.

Beside ``SuperposedWorld`` it has correlations: which features are common changes from batch to
batch. Axes: n samples, d activation width, g true features.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy import special
from torch import Tensor

from tacit.base.seeds import stream
from tacit.data.worlds import WorldBlock, assemble, random_directions, require

Drawn = Literal["batch", "sample", "never"]
Structure = Literal["none", "hierarchy", "rivals"]
CHILD_GIVEN_PARENT = 0.5
SPREAD_OF_STRENGTHS = 0.5


@final
@dataclass(frozen=True, kw_only=True)
class ToyWorld:
    """Sparse sums of unit directions whose chances are correlated.

    A vector z is drawn from a normal distribution with a random covariance S: the symmetric
    part of uniform numbers, shifted by 1.001 times its smallest eigenvalue so that it is one
    (its variances are near 9.6, not 1). Feature i is active with probability proportional to
    Phi(z_i) decay**i, scaled to a mean of ``num_active / g``, with a strength uniform in (0, 1].
    A sample with no feature gets one at random, of strength 1. Generator of
    ``replicate_toy_models.py``, whose z is drawn once a batch.
    """

    num_features: int = 512
    """True features (g)."""
    width: int = 256
    """Dimensions of a sample (d)."""
    num_active: int = 5
    """Mean of active features a sample, before empty ones are filled."""
    decay: float = 0.99
    """Ratio of each feature's weight to the one before, in (0, 1]."""
    correlation: Drawn = "batch"
    """How often z is drawn; ``never``: chances follow the decay alone."""
    structure: Structure = "none"
    """``hierarchy``: the second half of the features need their parent in the first half, and
    come with half of its firings; ``rivals``: of features 2i and 2i + 1 only one is ever active."""
    varied_strengths: bool = False
    """Whether each feature has a size of its own, log-normal with a spread of 0.5."""
    noise: float = 0.0
    """Standard deviation of the normal noise added to each dimension."""
    seed: int = 0
    """Decides features, covariance and every block."""

    def __post_init__(self) -> None:
        g, active = self.num_features, self.num_active
        require("num_features", g, "at least 2", holds=g >= 2)
        require("width", self.width, "at least 1", holds=self.width >= 1)
        require(
            "num_active", active, f"between 1 and num_features, {g}", holds=1 <= active <= g
        )
        require("decay", self.decay, "above 0 and at most 1", holds=0 < self.decay <= 1)
        finite = np.isfinite(self.noise) and self.noise >= 0
        require("noise", self.noise, "0 or more, and finite", holds=bool(finite))
        paired = self.structure == "none" or g % 2 == 0
        require("num_features", g, "even, where features come in pairs", holds=paired)

    @property
    def features(self) -> Float[Tensor, "g d"]:
        """The true features, unit rows, most frequent first. Treat as read-only."""
        return self._features

    @functools.cached_property
    def _features(self) -> Float[Tensor, "g d"]:
        return random_directions(self.seed, self.num_features, self.width)

    @functools.cached_property
    def sizes(self) -> Float[np.ndarray, " g"]:
        """What each feature's strengths are multiplied by."""
        if not self.varied_strengths:
            return np.ones(self.num_features, dtype=np.float32)
        drawn = stream(self.seed, "data/toy/sizes").normal(
            0, SPREAD_OF_STRENGTHS, self.num_features
        )
        return np.exp(drawn).astype(np.float32)

    @functools.cached_property
    def covariance(self) -> Float[np.ndarray, "g g"]:
        """Covariance of z."""
        uniform = stream(self.seed, "data/toy/covariance").random((self.num_features,) * 2)
        symmetric = (uniform + uniform.T) / 2
        smallest = float(np.linalg.eigvalsh(symmetric)[0])
        return symmetric + 1.001 * max(0.0, -smallest) * np.eye(self.num_features)

    @functools.cached_property
    def _root(self) -> Float[np.ndarray, "g g"]:
        return np.linalg.cholesky(self.covariance)

    def block(self, index: int, rows: int) -> WorldBlock:
        """Return ``rows`` samples, the same ones for the same index and number of rows."""
        require("block index", index, "0 or more", holds=index >= 0)
        require("number of rows", rows, "at least 1", holds=rows >= 1)
        rng = stream(self.seed, f"data/toy/block/{index}/{rows}")
        mask = self._active(rng, rows)
        empty = np.flatnonzero(~mask.any(axis=1))
        filled = rng.integers(0, self.num_features, size=len(empty))
        mask[empty, filled] = True
        samples, active = np.nonzero(mask)
        # Generators draw from [0, 1); a strength of 0 would mean that the feature is silent.
        strengths = 1 - rng.random(len(samples), dtype=np.float32)
        strengths[np.isin(samples, empty)] = 1.0
        return assemble(
            samples,
            active,
            strengths * self.sizes[active],
            self.features,
            rng,
            rows=rows,
            noise=self.noise,
        )

    def chances(self, rng: np.random.Generator, rows: int) -> Float[np.ndarray, "n g"]:
        """Return every feature's chance in each sample; one row where all samples share it."""
        decayed = self.decay ** np.arange(self.num_features, dtype=np.float64)
        if self.correlation == "never":
            chance = decayed[None]
        else:
            drawn = rows if self.correlation == "sample" else 1
            z = rng.standard_normal((drawn, self.num_features)) @ self._root.T
            chance = special.ndtr(z) * decayed
        return chance * (
            self.num_active / self.num_features / chance.mean(axis=1, keepdims=True)
        )

    def _active(self, rng: np.random.Generator, rows: int) -> Bool[np.ndarray, "n g"]:
        chance, half = self.chances(rng, rows), self.num_features // 2
        if self.structure == "hierarchy":
            parents = chance[:, :half]
            # Parents and their children together are active as often as asked.
            scale = (
                self.num_active
                / (1 + CHILD_GIVEN_PARENT)
                / parents.sum(axis=1, keepdims=True)
            )
            chance = np.concatenate(
                [parents * scale, np.full_like(parents, CHILD_GIVEN_PARENT)], axis=1
            )
        mask = rng.random((rows, self.num_features)) < chance
        if self.structure == "hierarchy":
            mask[:, half:] &= mask[:, :half]
        if self.structure == "rivals":
            both = mask[:, 0::2] & mask[:, 1::2]
            first = rng.random(both.shape) < 0.5
            mask[:, 0::2] &= ~both | first
            mask[:, 1::2] &= ~both | ~first
        return mask


def frequencies(world: ToyWorld, rows: int, blocks: int) -> Float[np.ndarray, " g"]:
    """Return the share of samples in which each feature is active, counted in first blocks."""
    counts = torch.zeros(world.num_features, dtype=torch.float64)
    for index in range(blocks):
        block = world.block(index, rows)
        counts += (block.dense() > 0).sum(dim=0)
    return (counts / (rows * blocks)).numpy()
