"""How many of the true features of a world a dictionary found, and how many atoms are true.

Axes: g true features, f atoms, d width. Cosines are signed: an atom is a direction, and its
opposite says the opposite.
"""

from dataclasses import dataclass
from typing import Any, cast, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.base.errors import UserError

RECOVERED_COSINE = 0.9
"""A true feature is recovered when its atom's cosine exceeds this."""

_BLOCK_ROWS = 2048


def best_cosines(
    of: Float[Tensor, "g d"], among: Float[Tensor, "f d"]
) -> Float[Tensor, " g"]:
    """Return for each row of ``of`` the largest cosine with a row of ``among``, -1 to 1.

    Works in blocks of rows: the g by f matrix is never whole in memory.
    """
    left, right = _unit_rows(of), _unit_rows(among)
    if torch.float64 in (left.dtype, right.dtype):
        left, right = left.double(), right.double()
    blocks = [left[i : i + _BLOCK_ROWS] for i in range(0, len(left), _BLOCK_ROWS)]
    best = [(block @ right.T).amax(dim=1) for block in blocks]
    return torch.cat(best).clamp(-1, 1)  # rounding alone can pass 1


def mmcs(true_features: Float[Tensor, "g d"], atoms: Float[Tensor, "f d"]) -> float:
    """Return the mean over true features of the largest cosine with an atom.

    Range: -1 to 1; higher is better; random atoms score ``random_floor``, not 0.
    Caution: rises with the number of atoms and lets one atom serve several features, so give
    ``matched_cosine`` or the mirror, ``mmcs_of_atoms``, beside it.
    Source: Sharkey, Braun and Millidge 2022, "Taking features out of superposition with
    sparse autoencoders".
    """
    return float(best_cosines(true_features, atoms).double().mean())


def mmcs_of_atoms(
    true_features: Float[Tensor, "g d"], atoms: Float[Tensor, "f d"]
) -> float:
    """Return the mean over atoms of the largest cosine with a true feature.

    Range: -1 to 1; higher is better. The mirror of ``mmcs``: it falls when atoms are false,
    and does not notice features that are missing.
    """
    return float(best_cosines(atoms, true_features).double().mean())


def count_close(
    of: Float[Tensor, "g d"], among: Float[Tensor, "f d"], above: float = RECOVERED_COSINE
) -> int:
    """Return how many rows of ``of`` have a cosine above ``above`` with a row of ``among``."""
    return int((best_cosines(of, among) > above).sum())


def close_share(of: Float[Tensor, "g d"], among: Float[Tensor, "f d"]) -> float:
    """Return ``count_close`` over the number of rows of ``of``, 0 to 1."""
    return count_close(of, among) / len(of)


@final
@dataclass(frozen=True, kw_only=True)
class Matching:
    """A one-to-one assignment of atoms to true features that maximises the sum of cosines."""

    true_indices: Int[np.ndarray, " m"]
    """The min(g, f) true features that have an atom."""
    atom_indices: Int[np.ndarray, " m"]
    """The atom of each."""
    cosines: Float[np.ndarray, " m"]
    """Their cosines, -1 to 1."""
    num_true: int
    num_atoms: int

    def matched_cosine(self) -> float:
        """Return the mean over true features of the cosine with their own atom.

        A true feature left without an atom (f < g) counts 0. Range: -1 to 1; higher is better.
        """
        return float(self.cosines.sum()) / self.num_true

    def recall(self, above: float = RECOVERED_COSINE) -> float:
        """Return the share of true features whose own atom exceeds ``above``: 0 to 1, higher."""
        return float((self.cosines > above).sum()) / self.num_true

    def precision(self, above: float = RECOVERED_COSINE) -> float:
        """Return the share of atoms whose own true feature exceeds ``above``: 0 to 1, higher.

        Caution: a second copy of a feature counts as false, and with f > g it cannot be 1.
        """
        return float((self.cosines > above).sum()) / self.num_atoms

    def shared_cosine(self) -> float:
        """Return the mean cosine of the pairs: of two dictionaries, how alike their atoms are.

        Every atom of the smaller has a partner, so it is the same both ways. Range: -1 to 1;
        neither way is better by itself. Give that of random atoms beside it.
        """
        return float(self.cosines.mean())

    def shared(self, above: float = RECOVERED_COSINE) -> float:
        """Return the share of the smaller dictionary's atoms whose partner exceeds ``above``."""
        return float((self.cosines > above).mean())

    def shared_per_dimension(self, width: int, above: float = RECOVERED_COSINE) -> float:
        """Return the pairs that exceed ``above`` over the dimensions: above 1, more than axes."""
        return float((self.cosines > above).sum()) / width


def match(
    true_features: Float[Tensor, "g d"],
    atoms: Float[Tensor, "f d"],
    *,
    either_sign: bool = False,
) -> Matching:
    """Return the one-to-one assignment that maximises the sum of signed cosines.

    ``either_sign``: of their absolute values, for atoms whose code carries the sign.

    Holds the g by f matrix in memory; its time grows with min(g, f)^2 max(g, f).
    Source: the Hungarian method (Kuhn 1955), as scipy's ``linear_sum_assignment`` does it.
    """
    # scipy has no types.
    from scipy.optimize import linear_sum_assignment  # pyright: ignore

    cosines = _unit_rows(true_features).double() @ _unit_rows(atoms).double().T
    matrix = (cosines.abs() if either_sign else cosines).clamp(-1, 1).cpu().numpy()
    rows, columns = cast(Any, linear_sum_assignment)(matrix, maximize=True)
    return Matching(
        true_indices=rows,
        atom_indices=columns,
        cosines=matrix[rows, columns],
        num_true=matrix.shape[0],
        num_atoms=matrix.shape[1],
    )


def random_floor(width: int, num_atoms: int) -> float:
    """Return the MMCS expected of ``num_atoms`` random directions, whatever the true features.

    The cosine of a random direction with a fixed one is distributed as ``2 B - 1`` with B from
    Beta((d - 1) / 2, (d - 1) / 2); this is the mean of the largest of f such cosines.
    For the mirror, with random true features, give their number as ``num_atoms``.
    """
    if width < 2 or num_atoms < 1:
        raise UserError(
            f"the floor of {num_atoms} random atoms in {width} dimensions was asked: it takes at "
            "least one atom and two dimensions."
        )
    from scipy.special import betainc  # pyright: ignore

    # In angles the integrand is smooth to its ends, also for d = 2, where the density is not.
    angles = np.linspace(0.0, np.pi, 100_001)
    shape = (width - 1) / 2
    one_below = cast(Any, betainc)(shape, shape, (1 + np.cos(angles)) / 2)
    below = one_below**num_atoms
    return float(np.trapezoid((1 - below) * np.sin(angles), angles)) - 1.0


def _unit_rows(rows: Tensor) -> Tensor:
    if rows.shape[0] == 0:
        raise UserError("cosines with no directions were asked: give at least one row.")
    rows = rows.detach()
    if rows.dtype in (torch.float16, torch.bfloat16):
        rows = rows.float()
    # Scaled first, so that squares of tiny or huge rows neither vanish nor overflow.
    rows = rows / rows.abs().amax(dim=1, keepdim=True)
    norms = rows.square().sum(dim=1, keepdim=True).sqrt()
    bad = int((~(torch.isfinite(norms) & (norms > 0))).sum())
    if bad:
        raise UserError(
            f"{bad} of {rows.shape[0]} directions are zero or not finite, so they have no "
            "cosine: leave them out and say how many."
        )
    return rows / norms
