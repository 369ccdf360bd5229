"""One step down a loss: a block seen through the dictionary, its gradients, and the update.

Axes: n rows, d width, f atoms, m active entries, a dead atoms. The work is done in slices, first
of rows, then of atoms; see ``parallel``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.dictionaries.kernels import (
    Ragged,
    by_atom,
    code_gradient,
    decode,
    rows_per_block,
    weighted_rows,
)
from tacit.dictionaries.learned import (
    BETAS,
    EPSILON,
    LEAVES,
    Tensors,
    centre_of,
    encoder_of,
)
from tacit.dictionaries.parallel import Over

Choose = Callable[[Float[Tensor, "n f"]], Ragged]
# Multiplications in the encoder's product above which threads get slices of their own.
WORTH_SHARING = 5e8


def is_worth_sharing(tensors: Tensors, block: Float[Tensor, "n d"]) -> bool:
    """Return whether a step on this block is enough work to be given out in slices."""
    return not block.is_cuda and tensors["atoms"].numel() * len(block) > WORTH_SHARING


@dataclass(frozen=True, kw_only=True)
class Pass:
    """A block seen through the dictionary, with the gradients of squared error and penalty."""

    leaves: Tensors
    """Gradient of each leaf, mean over rows; ``with_offset`` completes that of the offset."""
    centred: Float[Tensor, "n d"]
    """Rows as the encoder sees them: less the learned centre, over the scale."""
    residual: Float[Tensor, "n d"]
    """Rebuilt rows less the true ones."""
    squared_error: Float[Tensor, ""]
    """Sum of the residual's squares."""
    spread: Float[Tensor, ""]
    """Sum over rows of the squared distance from their mean."""
    fired: Int[Tensor, " m"]
    """Atom of every active entry (or, from a dense pass, each that fired, once)."""
    num_active: int
    """Active entries."""
    activation: Float[Tensor, ""]
    """Sum of all activations."""
    of_dead: Float[Tensor, "n a"]
    """Pre-activations of the dead atoms."""

    def with_offset(self, encoder: Float[Tensor, "f d"]) -> Tensors:
        """Return the gradients with the offset's part through the encoder."""
        through_encoder = self.leaves["encoder_bias"] @ encoder
        return {**self.leaves, "offset": self.leaves["offset"] - through_encoder}


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """What one slice of rows gives."""

    values: Float[Tensor, " m"]
    atoms: Int[Tensor, " m"]
    rows: Int[Tensor, " m"]
    through_code: Float[Tensor, " m"]
    sums: tuple[Tensor, Tensor, Tensor, Tensor]
    """Squared error, squared length, sum of the rows, sum of the residual."""


def sparse_pass(
    tensors: Tensors,
    block: Float[Tensor, "n d"],
    choose: Choose,
    over: Over,
    *,
    dead: Int[Tensor, " a"],
    penalty: float = 0.0,
) -> Pass:
    """Return the pass of squared error plus ``penalty`` times L1, both mean over rows.

    Beyond the encoder's product only active entries are worked on, in five bag sums.
    """
    atoms, encoder, n = tensors["atoms"], encoder_of(tensors), len(block)
    shift = centre_of(tensors)
    centred = shift.new_empty(block.shape)
    residual, of_dead = torch.empty_like(centred), centred.new_empty(n, len(dead))

    def look(rows: slice) -> _Piece:
        own = torch.sub(block[rows], shift, out=centred[rows]).div_(tensors["scale"])
        projected = torch.addmm(tensors["encoder_bias"], own, encoder.T)
        code = choose(projected)
        if len(dead):
            torch.index_select(projected, 1, dead, out=of_dead[rows])
        left = torch.sub(decode(code, atoms), own, out=residual[rows])
        through_code = code_gradient(left, code, atoms).mul_(2 / n)
        if penalty:
            through_code += penalty / n
        numbers = torch.arange(rows.start, rows.stop, dtype=torch.int32, device=own.device)
        return _Piece(
            values=code.values,
            atoms=code.indices,
            rows=numbers.repeat_interleave(code.offsets.diff()),
            through_code=through_code.mul_(code.values > 0),
            sums=(_squares(left), _squares(own), own.sum(dim=0), left.sum(dim=0)),
        )

    pieces = over(n, rows_per_block(len(atoms)), look)
    values = torch.cat([piece.values for piece in pieces])
    indices = torch.cat([piece.atoms for piece in pieces])
    through_code = torch.cat([piece.through_code for piece in pieces])
    listed = by_atom(indices, torch.cat([piece.rows for piece in pieces]), len(atoms))
    leaves = {
        name: torch.empty_like(tensors[name])
        for name in ("atoms", "encoder")
        if name in tensors
    }
    weights = values * (2 / n)

    def gather(part: slice) -> None:
        own = listed.part(part)
        of_atoms = weighted_rows(own, weights, residual)
        of_encoder = weighted_rows(own, through_code, centred)
        if "encoder" in leaves:
            leaves["encoder"][part] = of_encoder
        else:
            of_atoms += of_encoder
        leaves["atoms"][part] = of_atoms

    over(len(atoms), _atoms_per_slice(atoms), gather)
    bias = torch.bincount(indices, weights=through_code, minlength=len(atoms))
    error, squares, total, left = (
        torch.stack(each).sum(dim=0) for each in zip(*(p.sums for p in pieces), strict=True)
    )
    leaves |= {"encoder_bias": bias.to(centred.dtype), "offset": left * (2 / n)}
    fired = indices[values > 0]
    return Pass(
        leaves=leaves,
        centred=centred,
        residual=residual,
        squared_error=error,
        spread=squares - total.square().sum() / n,
        fired=fired,
        num_active=len(fired),
        activation=values.sum(),
        of_dead=of_dead,
    )


def _squares(matrix: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    flat = matrix.reshape(-1)
    return flat @ flat


def _atoms_per_slice(atoms: Float[Tensor, "f d"]) -> int:
    # Four matrices of a slice are at work at once.
    return rows_per_block(4 * atoms.shape[1])


def descend(
    tensors: Tensors,
    gradients: Tensors,
    over: Over,
    *,
    step: int,
    rate: float,
    clip: float | None,
) -> Float[Tensor, ""]:
    """Move the leaves by one step of Adam, in place, and return the gradient's norm.

    What would only lengthen or shorten an atom is taken out of its gradient first, and atoms
    are brought back to unit length afterwards.
    """
    atoms = tensors["atoms"]
    rowwise = [name for name in LEAVES if name in gradients and name != "offset"]

    def straighten(part: slice) -> Tensor:
        towards, own = gradients["atoms"][part], atoms[part]
        towards.addcmul_(own, (towards * own).sum(dim=1, keepdim=True), value=-1)
        return torch.stack([_squares(gradients[name][part]) for name in rowwise]).sum()

    size = _atoms_per_slice(atoms)
    squares = over(len(atoms), size, straighten)
    norm = torch.stack([*squares, _squares(gradients["offset"])]).sum().sqrt()
    shrink = (norm / clip).float() if clip is not None and norm > clip else None

    def move(part: slice) -> None:
        _adam(tensors, gradients, rowwise, part, step=step, rate=rate, shrink=shrink)
        own = atoms[part]
        own.div_(torch.linalg.vector_norm(own, dim=1, keepdim=True))

    over(len(atoms), size, move)
    _adam(tensors, gradients, ["offset"], slice(None), step=step, rate=rate, shrink=shrink)
    return norm


def _adam(
    tensors: Tensors,
    gradients: Tensors,
    names: list[str],
    part: slice,
    *,
    step: int,
    rate: float,
    shrink: Tensor | None,
) -> None:
    """Do what ``torch.optim.Adam(fused=True)`` does, to part of the leaves."""
    torch.ops.aten._fused_adam_(
        [tensors[name][part] for name in names],
        [gradients[name][part] for name in names],
        [tensors[f"{name}/first"][part] for name in names],
        [tensors[f"{name}/second"][part] for name in names],
        [],
        [torch.tensor(float(step + 1), device=tensors["atoms"].device) for _ in names],
        lr=rate,
        beta1=BETAS[0],
        beta2=BETAS[1],
        weight_decay=0.0,
        eps=EPSILON,
        amsgrad=False,
        maximize=False,
        grad_scale=shrink,
    )
