"""How many atoms fire on a token, and which fire never or nearly always.

Axes: n tokens, k places of a padded code, f atoms. A place with value 0 is silent, whatever its
index; the atoms named by the other places of a row are distinct. Signed codes count: an atom
fires when its value is not 0.
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.errors import UserError

DENSE_DENSITY = 0.1
"""An atom that fires on more than this share of tokens is dense, unless another share is said."""


@final
@dataclass(frozen=True, kw_only=True)
class Firing:
    """How often every atom fired among the tokens seen; sums over blocks with ``+``."""

    counts: Int[Tensor, " f"]
    """Tokens on which each atom fired."""
    num_tokens: int
    """Tokens seen. What never fired among few tokens may fire among more: state it."""

    def __post_init__(self) -> None:
        if self.num_tokens < 1:
            raise UserError(
                "the firing of atoms was asked for no tokens: give at least one."
            )
        if len(self.counts) == 0:
            raise UserError("the firing of no atoms was asked: give at least one atom.")

    def __add__(self, other: "Firing") -> "Firing":
        """Return the counts over the tokens of both."""
        if len(self.counts) != len(other.counts):
            raise UserError(
                f"counts of {len(self.counts)} atoms cannot be added to counts of "
                f"{len(other.counts)}: they are of different dictionaries."
            )
        return Firing(
            counts=self.counts + other.counts, num_tokens=self.num_tokens + other.num_tokens
        )

    def mean_l0(self) -> float:
        """Return the mean number of atoms that fire on a token: 0 to f, neither way better."""
        return float(self.counts.sum()) / self.num_tokens

    def density(self) -> Float[Tensor, " f"]:
        """Return for each atom the share of tokens on which it fires, 0 to 1, in float64."""
        return self.counts.double() / self.num_tokens

    def dead(self) -> Bool[Tensor, " f"]:
        """Return which atoms fired on none of the ``num_tokens`` tokens."""
        return self.counts == 0

    def dense(self, more_than: float = DENSE_DENSITY) -> Bool[Tensor, " f"]:
        """Return which atoms fire on more than the share ``more_than`` of tokens."""
        if not 0 <= more_than < 1:
            raise UserError(
                f"dense was asked to mean more than {more_than} of tokens: give a share from 0 "
                "to below 1."
            )
        return self.density() > more_than

    def dead_share(self) -> float:
        """Return the share of atoms that never fired: 0 to 1, lower is better.

        Caution: falls with ``num_tokens``; compare only at an equal number of tokens.
        """
        return float(self.dead().double().mean())

    def live_share(self, times: int = 10) -> float:
        """Return the share of atoms that fired more than ``times``: 0 to 1, higher is better.

        Caution: rises with ``num_tokens``; compare only at an equal number of tokens.
        """
        return float((self.counts > times).double().mean())

    def dense_share(self, more_than: float = DENSE_DENSITY) -> float:
        """Return the share of atoms that are dense: 0 to 1, neither way better by itself."""
        return float(self.dense(more_than).double().mean())


def mean_l0(values: Float[Tensor, "n k"]) -> float:
    """Return the mean number of atoms that fire on a token.

    Range: 0 to k. Neither way is better by itself: compare fidelity at an equal L0.
    Source: the sparsity axis of Cunningham et al. 2023, arXiv:2309.08600.
    """
    if values.shape[0] == 0:
        raise UserError("the L0 of no tokens was asked: give at least one.")
    _check_finite(values)
    return float((values != 0).sum()) / values.shape[0]


def count_firing(
    values: Float[Tensor, "n k"], indices: Int[Tensor, "n k"], num_atoms: int
) -> Firing:
    """Return how often each of ``num_atoms`` atoms fires in a padded code.

    Raises ``UserError`` on values that are not finite and on indices that name no atom.
    """
    _check_finite(values)
    firing = indices[values != 0].long()
    if len(firing) and not 0 <= int(firing.min()) <= int(firing.max()) < num_atoms:
        raise UserError(
            f"the code names atoms {int(firing.min())} to {int(firing.max())}, but the "
            f"dictionary has {num_atoms} (0 to {num_atoms - 1}): use the dictionary that made it."
        )
    counts = torch.bincount(firing, minlength=num_atoms)
    return Firing(counts=counts, num_tokens=values.shape[0])


def _check_finite(values: Tensor) -> None:
    bad = int((~torch.isfinite(values)).sum())
    if bad:
        raise UserError(
            f"{bad} of {values.numel()} values of the code are not finite: the dictionary or "
            "its input overflowed; encode in float32 or leave those rows out."
        )
