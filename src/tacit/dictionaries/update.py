"""How the parameters move once the gradients are there: Adam, and atoms kept at unit length.

Axes: f atoms, d width.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.descent import atoms_per_slice
from tacit.dictionaries.learned import BETAS, EPSILON, OF_NO_ATOM, Tensors
from tacit.dictionaries.look import squares_of
from tacit.dictionaries.parallel import Over
from tacit.dictionaries.ranks import Ranks


@dataclass(frozen=True, kw_only=True)
class _Move:
    """One step of Adam, slice by slice of the atoms."""

    tensors: Tensors
    gradients: Tensors
    rowwise: list[str]
    """Leaves with a row for each atom."""
    step: int
    rate: float
    shrink: Tensor | None
    """What gradients are divided by, where they are clipped."""

    def straighten(self, part: slice) -> Tensor:
        """Take out what would only change an atom's length; return the squares that are left."""
        towards, own = self.gradients["atoms"][part], self.tensors["atoms"][part]
        towards.addcmul_(own, (towards * own).sum(dim=1, keepdim=True), value=-1)
        return torch.stack(
            [squares_of(self.gradients[name][part]) for name in self.rowwise]
        ).sum()

    def at(self, part: slice) -> None:
        """Move a slice of atoms, and what belongs to them."""
        self.adam(self.rowwise, part)
        own = self.tensors["atoms"][part]
        own.div_(torch.linalg.vector_norm(own, dim=1, keepdim=True))

    def adam(self, names: list[str], part: slice) -> None:
        """Do what ``torch.optim.Adam(fused=True)`` does, to part of some leaves."""
        device = self.tensors["atoms"].device
        torch.ops.aten._fused_adam_(
            [self.tensors[name][part] for name in names],
            [self.gradients[name][part] for name in names],
            [self.tensors[f"{name}/first"][part] for name in names],
            [self.tensors[f"{name}/second"][part] for name in names],
            [],
            [torch.tensor(float(self.step + 1), device=device) for _ in names],
            lr=self.rate,
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
            grad_scale=self.shrink,
        )


def descend(
    tensors: Tensors,
    gradients: Tensors,
    over: Over,
    ranks: Ranks,
    *,
    step: int,
    rate: float,
    clip: float | None,
) -> Float[Tensor, ""]:
    """Move the leaves by one step of Adam, in place, and return the gradient's norm.

    What would only lengthen or shorten an atom is taken out of its gradient first, and atoms
    are brought back to unit length afterwards.
    """
    rowwise = [name for name in gradients if name not in OF_NO_ATOM]
    others = [name for name in OF_NO_ATOM if name in gradients]
    move = _Move(
        tensors=tensors,
        gradients=gradients,
        rowwise=rowwise,
        step=step,
        rate=rate,
        shrink=None,
    )
    count, size = len(tensors["atoms"]), atoms_per_slice(tensors["atoms"])
    squares = torch.stack(over(count, size, move.straighten)).sum()
    if ranks.by_atoms:
        squares = ranks.summed(squares)
    norm = (squares + sum(squares_of(gradients[name]) for name in others)).sqrt()
    if clip is not None and norm > clip:
        move = replace(move, shrink=(norm / clip).float())
    over(count, size, move.at)
    move.adam(others, slice(None))
    return norm
