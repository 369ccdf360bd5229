"""The code of rows: which atoms are active in each, and how strongly.

Axes: n rows, k places, f atoms.
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor


@final
@dataclass(frozen=True)
class Code:
    """Active atoms of n rows, k places each. A place whose value is 0 is silent."""

    values: Float[Tensor, "n k"]
    """Activation at each place, in units of the dictionary's scale; 0 where silent."""
    indices: Int[Tensor, "n k"]
    """Atom at each place (int64), each at most once in a row; 0 at silent padding."""
    num_atoms: int
    """Atoms of the dictionary (f)."""

    def dense(self) -> Float[Tensor, "n f"]:
        """Return the value of every atom in every row: n x f numbers, so only on demand."""
        matrix = self.values.new_zeros(len(self.values), self.num_atoms)
        return matrix.scatter_add_(1, self.indices, self.values)

    def l0(self) -> Int[Tensor, "n"]:
        """Return how many atoms are active in each row."""
        return torch.count_nonzero(self.values, dim=1)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.values)
