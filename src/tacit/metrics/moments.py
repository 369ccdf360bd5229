"""How far from Gaussian are a feature's activations? Moments, summed block by block.

Axes: n rows, k places, f atoms. Padded codes as in ``sparsity``; a silent atom counts as 0.
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from tacit.base.errors import UserError

ROUNDING = 1e-12
"""Share of the mean square below which a variance is taken for 0."""


@final
@dataclass(frozen=True, kw_only=True)
class Moments:
    """Sums of every atom's activation to the powers 1 to 4; of blocks with ``+``.

    Skew and kurtosis are those of Cunningham et al. 2023, arXiv:2309.08600, table 2, as their
    code takes them: powers about 0, over the variance about the mean. For a sparse feature both
    grow as it fires less. NaN for an atom whose activation does not vary.
    """

    sums: Float64[Tensor, "4 f"]
    num_rows: int

    def __add__(self, other: "Moments") -> "Moments":
        """Return the sums over the rows of both."""
        if self.sums.shape != other.sums.shape:
            raise UserError(
                f"moments of {self.sums.shape[1]} atoms cannot be added to those of "
                f"{other.sums.shape[1]}: they are of different dictionaries."
            )
        return Moments(sums=self.sums + other.sums, num_rows=self.num_rows + other.num_rows)

    def mean(self) -> Float64[Tensor, " f"]:
        """Return ``E[c]``."""
        return self.sums[0] / self.num_rows

    def variance(self) -> Float64[Tensor, " f"]:
        """Return ``E[c^2] - E[c]^2``; 0 where it is no more than rounding."""
        power = self.sums[1] / self.num_rows
        variance = power - self.mean().square()
        return torch.where(variance > ROUNDING * power, variance, 0)

    def skew(self) -> Float64[Tensor, " f"]:
        """Return ``E[c^3] / variance^1.5``: 0 for what is symmetric about 0."""
        return self._over_spread(3)

    def kurtosis(self) -> Float64[Tensor, " f"]:
        """Return ``E[c^4] / variance^2``: 3 for a Gaussian about 0."""
        return self._over_spread(4)

    def _over_spread(self, order: int) -> Float64[Tensor, " f"]:
        spread = self.variance().sqrt()
        raw = self.sums[order - 1] / self.num_rows
        return torch.where(spread > 0, raw / spread**order, torch.nan)


def moments_of_code(
    values: Float[Tensor, "n k"], indices: Int[Tensor, "n k"], num_atoms: int
) -> Moments:
    """Return the moments of a padded code over ``num_atoms`` atoms, in double precision.

    Raises ``UserError`` where there is no row, or a value that is not finite.
    """
    bad = int((~torch.isfinite(values)).sum())
    if bad or not len(values):
        raise UserError(
            f"moments of {len(values)} rows were asked for, {bad} of whose values are not finite; "
            "give one row or more, and finite values."
        )
    fires = values != 0
    own, atoms = values[fires].double(), indices[fires].long()
    sums = torch.stack(
        [
            torch.bincount(atoms, weights=own**order, minlength=num_atoms).double()
            for order in (1, 2, 3, 4)
        ]
    )
    if sums.shape[1] > num_atoms:
        raise UserError(
            f"the code names atom {int(atoms.max())}, but the dictionary has {num_atoms} (0 to "
            f"{num_atoms - 1}): use the dictionary that made it."
        )
    return Moments(sums=sums, num_rows=len(values))
