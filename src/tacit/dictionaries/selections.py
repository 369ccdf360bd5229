"""Which pre-activations become active: the rule that a dictionary was fitted with.

Axes: n rows, f atoms, k places. The same rule is used in training and afterwards, row by row.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.kernels import flat_positions, padded, top_k


@dataclass(frozen=True, kw_only=True)
class Selection(ABC):
    """A rule that keeps a few of a row's pre-activations."""

    @abstractmethod
    def __call__(
        self, projected: Float[Tensor, "n f"], thresholds: Float[Tensor, " f"] | None = None
    ) -> tuple[Float[Tensor, "n k"], Int[Tensor, "n k"]]:
        """Return values and columns of what is kept; silent places have value 0.

        ``thresholds``: the dictionary's own, of each atom, where it has any.
        """


@final
@dataclass(frozen=True, kw_only=True)
class Relu(Selection):
    """Keep everything above zero."""

    def __call__(
        self, projected: Float[Tensor, "n f"], thresholds: Float[Tensor, " f"] | None = None
    ) -> tuple[Float[Tensor, "n k"], Int[Tensor, "n k"]]:
        """Return the positive entries, padded to the longest row."""
        del thresholds
        return _kept(projected, projected > 0)


@final
@dataclass(frozen=True, kw_only=True)
class AboveThreshold(Selection):
    """Keep what is above zero and above the atom's own threshold."""

    def __call__(
        self, projected: Float[Tensor, "n f"], thresholds: Float[Tensor, " f"] | None = None
    ) -> tuple[Float[Tensor, "n k"], Int[Tensor, "n k"]]:
        """Return the entries above ``thresholds``, padded to the longest row."""
        assert thresholds is not None, "a dictionary of this selection has them"
        return _kept(projected, projected > thresholds.clamp_min(0))


@final
@dataclass(frozen=True, kw_only=True)
class TopKPositive(Selection):
    """Keep the k largest, and of these what is above zero."""

    k: int
    """Most atoms active in a row."""

    def __post_init__(self) -> None:
        _check_k(self.k)

    def __call__(
        self, projected: Float[Tensor, "n f"], thresholds: Float[Tensor, " f"] | None = None
    ) -> tuple[Float[Tensor, "n k"], Int[Tensor, "n k"]]:
        """Return the k largest entries of each row; those at or below zero become silent."""
        del thresholds
        values, indices = top_k(projected, self.k)
        return values.relu_(), indices


@final
@dataclass(frozen=True, kw_only=True)
class Largest(Selection):
    """Keep the k of largest magnitude, with their sign."""

    k: int
    """Atoms kept in a row."""

    def __post_init__(self) -> None:
        _check_k(self.k)

    def __call__(
        self, projected: Float[Tensor, "n f"], thresholds: Float[Tensor, " f"] | None = None
    ) -> tuple[Float[Tensor, "n k"], Int[Tensor, "n k"]]:
        """Return the k entries of largest magnitude of each row."""
        del thresholds
        if self.k == projected.shape[1]:
            every = torch.arange(self.k, device=projected.device)
            return projected.clone(), every.expand(len(projected), -1)
        _, indices = top_k(projected.abs(), self.k)
        return projected.gather(1, indices), indices


SELECTIONS: dict[str, type[Selection]] = {
    "relu": Relu,
    "above-threshold": AboveThreshold,
    "top-k": TopKPositive,
    "largest": Largest,
}


def _kept(
    projected: Float[Tensor, "n f"], mask: Bool[Tensor, "n f"]
) -> tuple[Float[Tensor, "n k"], Int[Tensor, "n k"]]:
    n, f = projected.shape
    found = flat_positions(mask)
    rows = found // f
    values = projected.reshape(-1).index_select(0, found)
    return padded(values, rows, found - rows * f, n, 0.0)


def _check_k(k: int) -> None:
    if k < 1:
        raise UserError(
            f"k is {k}: a row must keep at least one atom; give k of 1 or more."
        )
