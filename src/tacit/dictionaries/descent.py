"""A block seen through the dictionary: its sparse code, the error, and the gradients.

Axes: n rows, d width, f atoms, m active entries, a dead atoms. The work is done in slices, first
of rows, then of atoms; see ``parallel``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.dictionaries.kernels import (
    ByAtom,
    Ragged,
    by_atom,
    code_gradient,
    decode,
    rows_per_block,
    weighted_rows,
)
from tacit.dictionaries.learned import (
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
    firings: Int[Tensor, " f"]
    """Rows in which each atom is active."""
    activation: Float[Tensor, ""]
    """Sum of all activations."""
    of_dead: Float[Tensor, "n a"]
    """Pre-activations of the dead atoms."""

    def with_offset(self, encoder: Float[Tensor, "f d"]) -> Tensors:
        """Return the gradients with the offset's part through the encoder."""
        through_encoder = self.leaves["encoder_bias"] @ encoder
        return {**self.leaves, "offset": self.leaves["offset"] - through_encoder}


@dataclass(frozen=True, kw_only=True)
class _Entries:
    """Places of a code, one after another."""

    values: Tensor
    atoms: Tensor
    rows: Tensor
    through_code: Tensor
    """Gradient of each; 0 where the value is."""


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """What one slice of rows gives."""

    entries: _Entries
    sums: tuple[Tensor, Tensor, Tensor, Tensor]
    """Squared error, squared length, sum of the rows, sum of the residual."""


@dataclass(frozen=True, kw_only=True)
class _Look:
    """A block on its way through the dictionary: what goes in, and where rows are written."""

    tensors: Tensors
    block: Tensor
    choose: Choose
    dead: Tensor
    penalty: float
    shift: Tensor
    centred: Tensor
    residual: Tensor
    of_dead: Tensor

    def at(self, rows: slice) -> _Piece:
        """Encode and decode a slice of rows, and send the error back to its code."""
        atoms, encoder, n = self.tensors["atoms"], encoder_of(self.tensors), len(self.block)
        own = torch.sub(self.block[rows], self.shift, out=self.centred[rows])
        own.div_(self.tensors["scale"])
        projected = torch.addmm(self.tensors["encoder_bias"], own, encoder.T)
        code = self.choose(projected)
        if len(self.dead):
            torch.index_select(projected, 1, self.dead, out=self.of_dead[rows])
        left = torch.sub(decode(code, atoms), own, out=self.residual[rows])
        through_code = code_gradient(left, code, atoms).mul_(2 / n)
        if self.penalty:
            through_code += self.penalty / n
        numbers = torch.arange(rows.start, rows.stop, dtype=torch.int32, device=own.device)
        entries = _Entries(
            values=code.values,
            atoms=code.indices,
            rows=numbers.repeat_interleave(code.offsets.diff()),
            through_code=through_code.mul_(code.values > 0),
        )
        sums = squares_of(left), squares_of(own), own.sum(dim=0), left.sum(dim=0)
        return _Piece(entries=entries, sums=sums)


@dataclass(frozen=True, kw_only=True)
class _Gather:
    """The gradients of atoms and encoder, on their way from rows to atoms."""

    listed: ByAtom
    weights: Tensor
    through_code: Tensor
    centred: Tensor
    residual: Tensor
    leaves: Tensors

    def at(self, part: slice) -> None:
        """Sum what a slice of atoms is due."""
        own = self.listed.part(part)
        of_atoms = weighted_rows(own, self.weights, self.residual)
        of_encoder = weighted_rows(own, self.through_code, self.centred)
        if "encoder" in self.leaves:
            self.leaves["encoder"][part] = of_encoder
        else:
            of_atoms += of_encoder
        self.leaves["atoms"][part] = of_atoms


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
    n, num_atoms, shift = len(block), len(tensors["atoms"]), centre_of(tensors)
    look = _Look(
        tensors=tensors,
        block=block,
        choose=choose,
        dead=dead,
        penalty=penalty,
        shift=shift,
        centred=shift.new_empty(block.shape),
        residual=shift.new_empty(block.shape),
        of_dead=shift.new_empty(n, len(dead)),
    )
    pieces = over(n, rows_per_block(num_atoms), look.at)
    error, squares, total, left = (
        torch.stack(each).sum(dim=0) for each in zip(*(p.sums for p in pieces), strict=True)
    )
    entries = _joined(pieces)
    leaves = _gathered(tensors, entries, look.centred, look.residual, over)
    return Pass(
        leaves={**leaves, "offset": left * (2 / n)},
        centred=look.centred,
        residual=look.residual,
        squared_error=error,
        spread=squares - total.square().sum() / n,
        firings=torch.bincount(entries.atoms[entries.values > 0], minlength=num_atoms),
        activation=entries.values.sum(),
        of_dead=look.of_dead,
    )


def _joined(pieces: list[_Piece]) -> _Entries:
    parts = [piece.entries for piece in pieces]
    return _Entries(
        values=torch.cat([part.values for part in parts]),
        atoms=torch.cat([part.atoms for part in parts]),
        rows=torch.cat([part.rows for part in parts]),
        through_code=torch.cat([part.through_code for part in parts]),
    )


def _gathered(
    tensors: Tensors,
    entries: _Entries,
    centred: Tensor,
    residual: Tensor,
    over: Over,
) -> Tensors:
    """Return the gradients of atoms, encoder and its bias, atom by atom."""
    atoms = tensors["atoms"]
    matrices = [name for name in ("atoms", "encoder") if name in tensors]
    gather = _Gather(
        listed=by_atom(entries.atoms, entries.rows, len(atoms)),
        weights=entries.values * (2 / len(centred)),
        through_code=entries.through_code,
        centred=centred,
        residual=residual,
        leaves={name: torch.empty_like(tensors[name]) for name in matrices},
    )
    over(len(atoms), atoms_per_slice(atoms), gather.at)
    bias = torch.bincount(entries.atoms, entries.through_code, minlength=len(atoms))
    return {**gather.leaves, "encoder_bias": bias.to(centred.dtype)}


def squares_of(tensor: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Return the sum of a tensor's squares, in one reading."""
    flat = tensor.reshape(-1)
    return flat @ flat


def atoms_per_slice(atoms: Float[Tensor, "f d"]) -> int:
    """Return how many atoms one thread works on; four matrices of theirs are in use at once."""
    return rows_per_block(4 * atoms.shape[1])
