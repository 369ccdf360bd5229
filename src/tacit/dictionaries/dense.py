"""A block seen through a dictionary whose code is not sparse yet: plain dense products.

Axes: n rows, d width, f atoms.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.dictionaries.descent import Choose, Pass
from tacit.dictionaries.kernels import rows_per_block
from tacit.dictionaries.learned import Tensors, centre_of, encoder_of
from tacit.dictionaries.parallel import Over


def dense_pass(
    tensors: Tensors,
    block: Float[Tensor, "n d"],
    choose: Choose,
    over: Over,
    *,
    dead: Int[Tensor, " a"],
    penalty: float = 0.0,
) -> Pass:
    """Return what ``sparse_pass`` does with ``positive_entries``, to rounding.

    Products of whole blocks use all threads by themselves, so slices are not shared out.
    """
    del choose, over
    atoms, encoder, n = tensors["atoms"], encoder_of(tensors), len(block)
    of_atoms, of_encoder = torch.zeros_like(atoms), torch.zeros_like(atoms)
    of_bias = torch.zeros_like(tensors["encoder_bias"])
    firings, total = torch.zeros_like(of_bias, dtype=torch.int64), atoms.new_zeros(())
    centred = (block.to(atoms) - centre_of(tensors)).div_(tensors["scale"])
    residual = torch.empty_like(centred)
    size = rows_per_block(len(atoms))
    for rows, left in zip(centred.split(size), residual.split(size), strict=True):
        code = torch.addmm(tensors["encoder_bias"], rows, encoder.T).relu_()
        torch.addmm(rows, code, atoms, beta=-1, out=left)
        fires = code > 0
        through_code = torch.mm(left, atoms.T).mul_(2 / n).add_(penalty / n).mul_(fires)
        of_atoms.addmm_(code.T, left, alpha=2 / n)
        of_encoder.addmm_(through_code.T, rows)
        of_bias += through_code.sum(dim=0)
        firings += fires.sum(dim=0)
        total += code.sum()
    leaves = {"encoder_bias": of_bias, "offset": residual.sum(dim=0) * (2 / n)}
    if "encoder" in tensors:
        leaves |= {"atoms": of_atoms, "encoder": of_encoder}
    else:
        leaves |= {"atoms": of_atoms.add_(of_encoder)}
    return Pass(
        leaves=leaves,
        centred=centred,
        residual=residual,
        squared_error=residual.square().sum(),
        spread=(centred - centred.mean(dim=0)).square().sum(),
        firings=firings,
        activation=total,
        of_dead=centred.new_empty(n, len(dead)),
    )
