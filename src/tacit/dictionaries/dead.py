"""Atoms that no longer fire: how they are found, taught by what is left over, and replaced.

Axes: n rows, d width, f atoms, a dead atoms.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.base.seeds import torch_seed
from tacit.dictionaries.descent import Pass, squares_of
from tacit.dictionaries.kernels import rows_per_block, top_k
from tacit.dictionaries.learned import Tensors, encoder_of
from tacit.dictionaries.methods import State
from tacit.dictionaries.parallel import Over

# Dead atoms whose gradients one thread sums at a time.
DEAD_PER_SLICE = 128


def count_silence(tensors: Tensors, firings: Int[Tensor, " f"]) -> None:
    """Add a step of silence to every atom without ``firings``, in place; end the others'."""
    tensors["silent_steps"].add_(1).mul_(firings == 0)


def dead_atoms(tensors: Tensors, dead_after_steps: int) -> Int[Tensor, "a"]:
    """Return the atoms that have been silent for that many steps, ascending."""
    return (tensors["silent_steps"] >= dead_after_steps).nonzero().squeeze(1)


def _drop_small(projected: Tensor, num_kept: int) -> None:
    """Set all but the largest ``num_kept`` of each row to zero, in place."""
    if projected.shape[1] > num_kept:
        values, indices = top_k(projected, num_kept)
        projected.zero_().scatter_(1, indices, values)


@dataclass(frozen=True, kw_only=True)
class _Auxiliary:
    """Dead atoms that rebuild the residual, slice by slice."""

    seen: Pass
    dead: Tensor
    atoms: Tensor
    num_kept: int
    factor: Tensor
    error: Tensor
    through_code: Tensor

    def look(self, rows: slice) -> Tensor:
        """Return the squared error of a slice of rows, and write its gradients."""
        active = self.seen.of_dead[rows]
        _drop_small(active, self.num_kept)
        # The target is true less rebuilt, which is minus the residual.
        own = torch.addmm(
            self.seen.residual[rows], active, self.atoms, out=self.error[rows]
        )
        squares = squares_of(own)
        own *= 2 * self.factor
        torch.mm(own, self.atoms.T, out=self.through_code[rows]).mul_(active != 0)
        return squares

    def gather(self, part: slice) -> None:
        """Add what a slice of the dead atoms is due to the leaves."""
        own, leaves = self.dead[part], self.seen.leaves
        leaves["atoms"][own] += self.seen.of_dead[:, part].T @ self.error
        leaves["encoder"][own] += self.through_code[:, part].T @ self.seen.centred
        leaves["encoder_bias"][own] += self.through_code[:, part].sum(dim=0)


def add_auxiliary(
    seen: Pass,
    tensors: Tensors,
    dead: Int[Tensor, " a"],
    over: Over,
    *,
    num_kept: int,
    weight: float,
) -> Float[Tensor, ""]:
    """Let dead atoms rebuild the residual; add the gradients in place and return the loss.

    The loss is ``weight`` times the share of the residual's variance that is left, in units of
    the block's variance, so that beside the squared error it weighs what it does in Gao et al.
    2024 (both there divided by their variance). The ``num_kept`` dead atoms with the largest
    pre-activations take part, below zero too, so that each of them has a gradient, in encoder
    and atom. With few dead atoms dense products are cheaper than bag sums.
    """
    residual, n = seen.residual, len(seen.residual)
    variance = squares_of(residual) - n * squares_of(residual.mean(dim=0))
    auxiliary = _Auxiliary(
        seen=seen,
        dead=dead,
        atoms=tensors["atoms"].index_select(0, dead),
        num_kept=num_kept,
        factor=weight * seen.spread / (n * variance),
        error=torch.empty_like(residual),
        through_code=torch.empty_like(seen.of_dead),
    )
    squares = over(n, rows_per_block(len(dead)), auxiliary.look)
    over(len(dead), DEAD_PER_SLICE, auxiliary.gather)
    return auxiliary.factor * torch.stack(squares).sum()


def revive(
    state: State,
    dead: Int[Tensor, "a"],
    residual: Float[Tensor, "n d"],
    encoder_share: float,
) -> None:
    """Point dead atoms at rows that are rebuilt badly, in place, with their moments reset.

    Rows are drawn without replacement with a probability in proportion to their squared error
    (after Bricken et al. 2023); the new atom is the direction of what is missing in its row. The
    encoder's row is ``encoder_share`` of the mean length of the living ones' rows.
    """
    tensors = state.tensors
    errors = residual.square().sum(dim=1).cpu()
    drawable = int((errors > 0).sum())
    generator = torch.Generator().manual_seed(
        torch_seed(state.seed, f"dictionaries/revive/{state.step}")
    )
    count = min(len(dead), drawable)
    if count == 0:
        return
    rows = torch.multinomial(errors, count, generator=generator).to(residual.device)
    dead = dead[:count]
    directions = -residual.index_select(0, rows)
    directions /= torch.linalg.vector_norm(directions, dim=1, keepdim=True)
    tensors["atoms"][dead] = directions
    if "encoder" in tensors:
        living = tensors["silent_steps"] == 0
        lengths = torch.linalg.vector_norm(encoder_of(tensors), dim=1)
        mean_length = lengths[living].mean() if bool(living.any()) else lengths.mean()
        tensors["encoder"][dead] = directions * (encoder_share * mean_length)
    tensors["encoder_bias"][dead] = 0
    tensors["silent_steps"][dead] = 0
    for name in ("atoms", "encoder", "encoder_bias"):
        for moment in ("first", "second"):
            if f"{name}/{moment}" in tensors:
                tensors[f"{name}/{moment}"][dead] = 0
