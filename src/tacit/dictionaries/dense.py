"""A block seen through a dictionary whose code is not sparse yet: plain dense products.

Axes: n rows, d width, f atoms.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.dictionaries.descent import Pass, mean_over_rows, spread_of
from tacit.dictionaries.kernels import rows_per_block
from tacit.dictionaries.learned import (
    READ_CENTRE,
    SKIP,
    Tensors,
    centre_of,
    encoder_of,
    read_of,
    rebuilt_of,
)
from tacit.dictionaries.look import squares_of
from tacit.dictionaries.parallel import Over
from tacit.dictionaries.ranks import Ranks
from tacit.dictionaries.rules import Entries, Rule, broadcast


def dense_pass(
    tensors: Tensors,
    block: Float[Tensor, "n d"],
    rule: Rule,
    over: Over,
    ranks: Ranks,
    *,
    dead: Int[Tensor, " a"],
) -> Pass:
    """Return what ``sparse_pass`` does with a rule that looks at each entry alone, to rounding.

    Products of whole blocks use all threads by themselves, so slices are not shared out.
    """
    del over
    n, atoms = len(block), tensors["atoms"]
    read, centre, scale = read_of(tensors, block.to(atoms))
    centred = (read - centre).div_(scale)
    target, goal = _aims(tensors, block.to(atoms), centred)
    residual, sums = torch.empty_like(target), _Sums(tensors)
    size = rows_per_block(len(atoms))
    for rows, aim, left in zip(
        centred.split(size), goal.split(size), residual.split(size), strict=True
    ):
        sums.add(rule, rows, aim, left, n)
    active = mean_over_rows(sums.firings.sum(), ranks)
    leaves = {**sums.leaves, **rule.leaves(sums.further, active, n)}
    if SKIP in tensors:
        leaves[SKIP] = torch.mm(residual.T, centred).mul_(2 / n)
    if "encoder" not in tensors:
        leaves["atoms"] = leaves["atoms"].add_(leaves.pop("encoder"))
    return Pass(
        leaves={**leaves, "offset": residual.sum(dim=0) * (2 / n)},
        through=sums.leaves["encoder_bias"],
        centred=centred,
        residual=residual,
        squared_error=squares_of(residual),
        spread=spread_of(squares_of(target), target.sum(dim=0), n, ranks),
        loss=sums.error / n + rule.penalty_of(torch.stack(sums.costs).sum(0), active, n),
        firings=sums.firings,
        num_entries=int(sums.num_entries),
        costs=torch.stack(sums.costs).sum(dim=0),
        of_dead=centred.new_empty(n, len(dead)),
        is_transcoder=READ_CENTRE in tensors,
    )


def _aims(tensors: Tensors, block: Tensor, centred: Tensor) -> tuple[Tensor, Tensor]:
    """Return what is rebuilt, centred and scaled, and what of it is left to the atoms."""
    rebuilt = rebuilt_of(tensors, block)
    if rebuilt is None:
        return centred, centred
    target = (rebuilt - centre_of(tensors)).div_(tensors["scale"])
    return target, target - centred @ tensors[SKIP].T if SKIP in tensors else target


class _Sums:
    """What is added up, slice of rows by slice."""

    def __init__(self, tensors: Tensors) -> None:
        atoms, bias = tensors["atoms"], tensors["encoder_bias"]
        self.tensors = tensors
        self.leaves: Tensors = {
            "atoms": torch.zeros_like(atoms),
            "encoder": torch.zeros_like(encoder_of(tensors)),
            "encoder_bias": torch.zeros_like(bias),
        }
        self.further: Tensors = {}
        self.firings = torch.zeros_like(bias, dtype=torch.int64)
        self.num_entries = self.firings.new_zeros(())
        self.error = atoms.new_zeros(())
        self.costs: list[Tensor] = []

    def add(self, rule: Rule, rows: Tensor, aim: Tensor, left: Tensor, n: int) -> None:
        """Take in some rows and what is to be rebuilt; write the residual into ``left``."""
        tensors, atoms = self.tensors, self.tensors["atoms"]
        parameter = broadcast(tensors)
        projected = torch.addmm(tensors["encoder_bias"], rows, encoder_of(tensors).T)
        code = rule.values(projected, parameter)
        torch.addmm(aim, code, atoms, beta=-1, out=left)
        self.error += squares_of(left)
        through_gate = None
        if rule.has_gate:
            second = torch.addmm(aim, rule.gate(projected), atoms, beta=-1)
            through_gate = torch.mm(second, atoms.T).mul_(2 / n)
            self.error += squares_of(second)
        back = rule.back(
            Entries(
                projected=projected,
                values=code,
                through_value=torch.mm(left, atoms.T).mul_(2 / n),
                through_gate=through_gate,
                parameter=parameter,
            )
        )
        self.leaves["atoms"].addmm_(code.T, left, alpha=2 / n)
        self.leaves["encoder"].addmm_(back.through.T, rows)
        self.leaves["encoder_bias"] += back.through.sum(dim=0)
        for name, each in back.sums.items():
            own = each.sum(dim=0)
            self.further[name] = self.further[name] + own if name in self.further else own
        self.firings += (code > 0).sum(dim=0)
        self.num_entries += (projected > rule.floor(tensors)).sum()
        self.costs.append(rule.costs(projected, code))
