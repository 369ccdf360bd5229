"""Slices of a block on their way into a sparse code, and of the error on its way back.

Axes: n rows, d width read, e width rebuilt, f atoms, m active entries.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.dictionaries.kernels import Ragged, code_gradient, decode
from tacit.dictionaries.learned import (
    READ_CENTRE,
    SKIP,
    Tensors,
    centre_of,
    encoder_of,
    read_of,
    rebuilt_of,
)
from tacit.dictionaries.nested import through_nested
from tacit.dictionaries.rules import Entries, Rule, listed


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What one slice of rows gives."""

    entries: dict[str, Tensor]
    """values, atoms, rows and through, one after another, and the rule's own sums."""
    sums: tuple[Tensor, ...]
    """Squared error, the error descended, squared length, the rows, the residual, the costs."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """A block on its way through the dictionary: what goes in, and where rows are written."""

    tensors: Tensors
    block: Tensor
    rule: Rule
    dead: Tensor
    edges: tuple[int, ...]
    centred: Tensor
    """What the encoder reads, less its centre, over its scale."""
    target: Tensor
    """What is rebuilt, alike; the same tensor where that is what is read."""
    goal: Tensor
    """What atoms are to rebuild of it: the same tensor, but for what a skip connection gives."""
    errors: list[Tensor]
    """By group of atoms: the residuals that its atoms answer for."""
    residual: Tensor
    of_dead: Tensor
    is_rebuilt: bool = False
    """Whether the residual is there already, put together from several processes."""

    def at(self, rows: slice) -> Piece:
        """Encode and decode a slice of rows, and send the error back to its code."""
        return self.back(rows, self.encode(rows))

    def encode(self, rows: slice) -> Ragged:
        """Return the entries that a slice of rows may need, as pre-activations."""
        block, centre, scale = read_of(self.tensors, self.block[rows])
        own = torch.sub(block, centre, out=self.centred[rows]).div_(scale)
        self._aim(rows, own)
        encoder, bias = encoder_of(self.tensors), self.tensors["encoder_bias"]
        projected = torch.addmm(bias, own, encoder.T)
        if len(self.dead):
            torch.index_select(projected, 1, self.dead, out=self.of_dead[rows])
        return self.rule.choose(projected, self.tensors)

    def _aim(self, rows: slice, read: Tensor) -> None:
        """Write what a transcoder rebuilds of a slice of rows, and what is left to its atoms."""
        rebuilt = rebuilt_of(self.tensors, self.block[rows])
        if rebuilt is None:
            return
        target = torch.sub(rebuilt, centre_of(self.tensors), out=self.target[rows])
        target.div_(self.tensors["scale"])
        if SKIP in self.tensors:
            torch.addmm(target, read, self.tensors[SKIP].T, alpha=-1, out=self.goal[rows])

    def back(self, rows: slice, code: Ragged) -> Piece:
        """Return what a slice of rows and its entries give."""
        own, n, atoms = self.target[rows], len(self.block), self.tensors["atoms"]
        parameter = listed(self.tensors, code)
        values = self.rule.values(code.values, parameter)
        through_value, descended = self._through(rows, replace(code, values=values))
        through_gate = None
        if self.rule.has_gate:
            second = replace(code, values=self.rule.gate(code.values))
            left = decode(second, atoms).sub_(self.goal[rows])
            through_gate = code_gradient(left, second, atoms).mul_(2 / n)
            descended = descended + squares_of(left)
        back = self.rule.back(
            Entries(
                projected=code.values,
                values=values,
                through_value=through_value,
                through_gate=through_gate,
                parameter=parameter,
            )
        )
        numbers = torch.arange(rows.start, rows.stop, dtype=torch.int32, device=own.device)
        left = self.residual[rows]
        entries = {
            "values": values,
            "atoms": code.indices,
            "rows": numbers.repeat_interleave(code.offsets.diff()),
            "through": back.through,
        }
        sums = squares_of(left), descended, squares_of(own), own.sum(dim=0)
        toward = self.errors[0][rows].sum(dim=0)
        costs = self.rule.costs(code.values, values)
        return Piece(entries={**entries, **back.sums}, sums=(*sums, toward, costs))

    def rebuild(self, rows: slice, code: Ragged) -> None:
        """Write what this process's atoms rebuild of a slice of rows, in the residual's place."""
        values = self.rule.values(code.values, listed(self.tensors, code))
        self.residual[rows] = decode(replace(code, values=values), self.tensors["atoms"])

    def _through(self, rows: slice, code: Ragged) -> tuple[Tensor, Tensor]:
        """Write the residual; return its gradient by each value, and the squared error."""
        atoms, own, n = self.tensors["atoms"], self.goal[rows], len(self.block)
        if len(self.edges) > 1:
            errors = [each[rows] for each in self.errors]
            found = through_nested(
                code, atoms, own, self.edges, errors, self.residual[rows]
            )
            return found[0].mul_(2 / n), found[1]
        left = self.residual[rows]
        if not self.is_rebuilt:
            torch.sub(decode(code, atoms), own, out=left)
        return code_gradient(left, code, atoms).mul_(2 / n), squares_of(left)


def look_at(
    tensors: Tensors,
    block: Float[Tensor, "n c"],
    rule: Rule,
    dead: Int[Tensor, " a"],
    edges: tuple[int, ...],
) -> Look:
    """Return a look at a block, nothing of it read yet."""
    n, like = len(block), tensors["centre"]
    residual = like.new_empty(n, len(like))
    nested = [torch.empty_like(residual) for _ in edges] if len(edges) > 1 else [residual]
    centred = like.new_empty(n, encoder_of(tensors).shape[1])
    target = torch.empty_like(residual) if READ_CENTRE in tensors else centred
    return Look(
        tensors=tensors,
        block=block,
        rule=rule,
        dead=dead,
        edges=edges,
        centred=centred,
        target=target,
        goal=torch.empty_like(target) if SKIP in tensors else target,
        errors=nested,
        residual=residual,
        of_dead=like.new_empty(n, len(dead)),
    )


def squares_of(tensor: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Return the sum of a tensor's squares, in one reading."""
    flat = tensor.reshape(-1)
    return flat @ flat
