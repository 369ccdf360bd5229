"""Worlds whose true features are known: more directions than dimensions, few at a time.

Axes: n samples, d activation width, g true features, k the most that are active in one sample.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import sparse
from torch import Tensor

from tacit.base.errors import UserError, unknown
from tacit.base.seeds import stream

# Beyond the mean by so many standard deviations, one draw of gaps nearly always suffices.
_SPARE_DEVIATIONS = 6


@dataclass(frozen=True, kw_only=True)
class WorldBlock:
    """Samples of a world with the strengths that made them."""

    vectors: Float[Tensor, "n d"]
    """Sum of strength times feature, plus noise."""
    values: Float[Tensor, "n k"]
    """Strengths in (0, 1], those of a row in the order of its features, then zeros."""
    indices: Int[Tensor, "n k"]
    """Which feature each value belongs to; 0 where the value is 0."""
    num_features: int
    """True features of the world."""

    def dense(self) -> Float[Tensor, "n g"]:
        """Return the strength of every feature in every sample."""
        strengths = torch.zeros(len(self.values), self.num_features)
        return strengths.scatter_add_(1, self.indices, self.values)


@dataclass(frozen=True, kw_only=True)
class SuperposedWorld:
    """Sparse sums of random unit directions: what superposition is thought to look like.

    Feature i of g is active in a sample with probability ``decay**i * num_active / g``,
    independently of all others, with a strength uniform in (0, 1]; a sample may have none.
    The features are normal vectors scaled to unit length, not made orthogonal. This is the
    generator of Sharkey, Braun and Millidge 2022 without its correlations between features.
    """

    num_features: int = 512
    """True features (g)."""
    width: int = 256
    """Dimensions of a sample (d)."""
    num_active: int = 5
    """Mean of active features a sample, if decay is 1; fewer otherwise."""
    decay: float = 1.0
    """Ratio of each feature's probability to the one before, in (0, 1]."""
    noise: float = 0.0
    """Standard deviation of the normal noise added to each dimension."""
    seed: int = 0
    """Decides the features and every block."""

    def __post_init__(self) -> None:
        g, active, noise = self.num_features, self.num_active, self.noise
        require("num_features", g, "at least 1", holds=g >= 1)
        require("width", self.width, "at least 1", holds=self.width >= 1)
        require("num_active", active, "at least 1", holds=active >= 1)
        require("num_active", active, f"at most num_features, {g}", holds=active <= g)
        decay_holds = 0 < self.decay <= 1
        require("decay", self.decay, "above 0 and at most 1", holds=decay_holds)
        noise_holds = math.isfinite(noise) and noise >= 0
        require("noise", noise, "0 or more, and finite", holds=noise_holds)
        require("seed", self.seed, "0 or more", holds=self.seed >= 0)

    @property
    def features(self) -> Float[Tensor, "g d"]:
        """The true features, unit rows. Treat as read-only: every block is made of them."""
        return self._features

    @functools.cached_property
    def _features(self) -> Float[Tensor, "g d"]:
        return random_directions(self.seed, self.num_features, self.width)

    @functools.cached_property
    def probabilities(self) -> Float[Tensor, " g"]:
        """How often each true feature is active; the sum is the mean number active."""
        powers = self.decay ** np.arange(self.num_features)
        return torch.from_numpy(powers * (self.num_active / self.num_features))

    def block(self, index: int, rows: int) -> WorldBlock:
        """Return samples that depend on the world, ``index`` and ``rows`` alone.

        Blocks of different index are independent; so are those of different ``rows``.
        """
        require("block index", index, "0 or more", holds=index >= 0)
        require("number of rows", rows, "at least 1", holds=rows >= 1)
        rng = stream(self.seed, f"data/world/block/{index}/{rows}")
        places = self._active(rng, rows)
        samples, active = np.divmod(places, self.num_features)
        # Generators draw from [0, 1); a strength of 0 would mean that the feature is silent.
        strengths = 1 - rng.random(len(places), dtype=np.float32)
        return assemble(
            samples, active, strengths, self.features, rng, rows=rows, noise=self.noise
        )

    def _active(self, rng: np.random.Generator, rows: int) -> Int[np.ndarray, " a"]:
        """Return which of rows x features are active, in order, without trying each.

        Candidates come at the probability of the commonest feature, by the gaps between
        them, which are geometric; each is then kept with the share of its own probability.
        """
        chance = self.probabilities.numpy()
        total, most = rows * self.num_features, float(chance[0])
        spare = _SPARE_DEVIATIONS * math.sqrt(total * most) + 1
        places = np.empty(0, dtype=np.int64)
        last = -1
        while last < total:
            gaps = rng.geometric(most, size=int(total * most + spare))
            places = np.append(places, last + np.cumsum(gaps))
            last = int(places[-1])
        places = places[: np.searchsorted(places, total)]
        if self.decay < 1:
            share = chance[places % self.num_features] / most
            places = places[rng.random(len(places)) < share]
        return places


def assemble(
    samples: Int[np.ndarray, " a"],
    active: Int[np.ndarray, " a"],
    strengths: Float[np.ndarray, " a"],
    features: Float[Tensor, "g d"],
    rng: np.random.Generator,
    *,
    rows: int,
    noise: float,
) -> WorldBlock:
    """Return the block in which ``active[j]`` is on in sample ``samples[j]``, these ascending."""
    num_features, width = features.shape
    ends = np.cumsum(np.bincount(samples, minlength=rows))
    bounds = np.append(0, ends)
    code = sparse.csr_array((strengths, active, bounds), shape=(rows, num_features))
    vectors = code @ features.numpy()
    if noise > 0:
        drawn = rng.standard_normal((rows, width), dtype=np.float32)
        vectors += np.float32(noise) * drawn
    longest = max(1, int(np.diff(bounds).max()))
    columns = np.arange(len(samples)) - bounds[samples]
    values = np.zeros((rows, longest), dtype=np.float32)
    indices = np.zeros((rows, longest), dtype=np.int64)
    values[samples, columns] = strengths
    indices[samples, columns] = active
    return WorldBlock(
        vectors=torch.from_numpy(vectors),
        values=torch.from_numpy(values),
        indices=torch.from_numpy(indices),
        num_features=num_features,
    )


def random_directions(seed: int, count: int, width: int) -> Float[Tensor, "g d"]:
    """Return isotropic unit rows, the features of every world of this seed and shape."""
    raw = stream(seed, "data/world/features").standard_normal((count, width))
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return torch.from_numpy(unit.astype(np.float32))


@runtime_checkable
class World(Protocol):
    """Samples made of known features."""

    @property
    def width(self) -> int:
        """Dimensions of a sample (d)."""
        ...

    @property
    def features(self) -> Float[Tensor, "g d"]:
        """The true features, unit rows."""
        ...

    def block(self, index: int, rows: int) -> WorldBlock:
        """Return ``rows`` samples, the same ones at every call."""
        ...


@dataclass(frozen=True, kw_only=True)
class WorldBlocks:
    """A world as an endless stream of blocks that dictionaries are fitted on."""

    world: World
    rows: int
    """Samples in each block."""

    def __post_init__(self) -> None:
        require("rows", self.rows, "at least 1", holds=self.rows >= 1)

    @property
    def sites(self) -> tuple[str, ...]:
        """The one site of a world."""
        return ("world",)

    def width(self, site: str) -> int:
        """Return the dimensions of the vectors at a site."""
        if site not in self.sites:
            raise unknown("site of a world", site, self.sites)
        return self.world.width

    def block(self, i: int) -> dict[str, Float[Tensor, "n d"]]:
        """Return block ``i`` of the stream, the same at every call."""
        return {"world": self.world.block(i, self.rows).vectors}


def require(name: str, value: int | float, bounds: str, *, holds: bool) -> None:
    """Raise the error of a value out of its bounds."""
    if not holds:
        raise UserError(f"{name} is {value}, which no world can have; make it {bounds}.")
