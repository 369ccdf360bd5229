"""Atoms that no longer fire: how they are found, taught by what is left over, and replaced.

Axes: n rows, d width, f atoms, a dead atoms.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.dictionaries.descent import Pass, spread_of
from tacit.dictionaries.kernels import rows_per_block, top_k
from tacit.dictionaries.learned import Tensors
from tacit.dictionaries.look import squares_of
from tacit.dictionaries.parallel import Over
from tacit.dictionaries.ranks import Ranks

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
    is_rebuilt: bool
    """Whether the error is there already, put together from several processes."""

    def rebuild_together(self, ranks: Ranks) -> None:
        """Keep the largest of all processes' dead atoms, and write the error that they leave."""
        active = self.seen.of_dead
        if int(ranks.summed(torch.tensor(active.shape[1]))) > self.num_kept:
            own = active.topk(min(self.num_kept, active.shape[1]), dim=1).values
            of_all = torch.cat(ranks.listed(own.T.contiguous())).T
            cut = of_all.topk(self.num_kept, dim=1).values[:, -1:]
            active.mul_(active >= cut)
        rebuilt = ranks.summed(active @ self.atoms)
        torch.add(self.seen.residual, rebuilt, out=self.error)

    def look(self, rows: slice) -> Tensor:
        """Return the squared error of a slice of rows, and write its gradients."""
        active, own = self.seen.of_dead[rows], self.error[rows]
        if not self.is_rebuilt:
            _drop_small(active, self.num_kept)
            # The target is true less rebuilt, which is minus the residual.
            torch.addmm(self.seen.residual[rows], active, self.atoms, out=own)
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
    ranks: Ranks,
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
    variance = spread_of(squares_of(residual), residual.sum(dim=0), n, ranks)
    auxiliary = _Auxiliary(
        seen=seen,
        dead=dead,
        atoms=tensors["atoms"].index_select(0, dead),
        num_kept=num_kept,
        factor=weight * seen.spread / (n * variance),
        error=torch.empty_like(residual),
        through_code=torch.empty_like(seen.of_dead),
        is_rebuilt=ranks.by_atoms,
    )
    if ranks.by_atoms:
        auxiliary.rebuild_together(ranks)
    squares = over(n, rows_per_block(len(dead)), auxiliary.look)
    over(len(dead), DEAD_PER_SLICE, auxiliary.gather)
    return auxiliary.factor * torch.stack(squares).sum()
