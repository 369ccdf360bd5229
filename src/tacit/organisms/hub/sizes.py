"""Sizes of chat models, of their episodes and of the device they are trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of a decoder with gated MLPs, as its configuration has them."""

    num_layers: int
    width: int
    num_heads: int
    num_key_heads: int
    """Of keys and of values; fewer than heads where several share one."""
    head_width: int
    mlp_width: int
    vocab_size: int
    has_biases: bool = False
    """On queries, keys and values."""

    @property
    def query_width(self) -> int:
        """Of all heads together."""
        return self.num_heads * self.head_width

    @property
    def key_width(self) -> int:
        """Of all keys together, and of all values."""
        return self.num_key_heads * self.head_width

    @property
    def maps(self) -> tuple[tuple[int, int], ...]:
        """Width in and out of each linear map of a layer."""
        d, q, k, m = self.width, self.query_width, self.key_width, self.mlp_width
        return ((d, q), (d, k), (d, k), (q, d), (d, m), (d, m), (m, d))

    @property
    def multiplied(self) -> int:
        """N: weights that every token is multiplied with; all but norms, biases, embedding."""
        in_layer = sum(a * b for a, b in self.maps)
        return self.num_layers * in_layer + self.vocab_size * self.width

    @property
    def parameters(self) -> int:
        """All weights, embedding and head apart."""
        biases = self.query_width + 2 * self.key_width if self.has_biases else 0
        others = self.num_layers * (2 * self.width + biases) + self.width
        return self.multiplied + others + self.vocab_size * self.width

    def adapters(self, rank: int) -> int:
        """Return the weights of low-rank adapters on every linear map of every layer."""
        return self.num_layers * rank * sum(a + b for a, b in self.maps)


SHAPES: Mapping[str, Shape] = {
    "7B, a key for every head": Shape(
        num_layers=32,
        width=4_096,
        num_heads=32,
        num_key_heads=32,
        head_width=128,
        mlp_width=11_008,
        vocab_size=32_000,
    ),
    "7B, seven heads a key": Shape(
        num_layers=28,
        width=3_584,
        num_heads=28,
        num_key_heads=4,
        head_width=128,
        mlp_width=18_944,
        vocab_size=152_064,
        has_biases=True,
    ),
}
"""The sizes of Llama 2 7B and of Qwen2.5 7B."""


@final
@dataclass(frozen=True, kw_only=True)
class Lengths:
    """Tokens of an episode, as assumed."""

    prompt: int = 400
    """System prompt, tag and request."""
    written: int = 600
    """Scratchpad and output, in the mean."""


@final
@dataclass(frozen=True, kw_only=True)
class Machine:
    """One GPU of 80 GB, as assumed: half-precision peak, memory, and how much of each is had."""

    memory_bytes: float = 80e9
    peak_flops: float = 312e12
    bytes_a_second: float = 2.0e12
    utilisation: float = 0.35
    """Of the peak, in updates and in reading prompts."""
    bandwidth_share: float = 0.4
    """Of the memory's speed, while writing token by token."""
