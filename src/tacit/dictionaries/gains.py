"""The one number that makes a code rebuild best, for encoders that were not fitted to rebuild.

Axes: n rows, d width, f atoms.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import embedding_bag

from tacit.dictionaries.kernels import rows_per_block
from tacit.dictionaries.selections import Selection


@torch.no_grad()
def best_gain(
    centred: Float[Tensor, "n d"],
    atoms: Float[Tensor, "f d"],
    encoder: Float[Tensor, "f d"],
    bias: Float[Tensor, "f"],
    selection: Selection,
) -> float:
    """Return the factor on the code that leaves the least squared error over ``centred``.

    1 where the code rebuilds nothing, or only what points away from the rows: a factor at or
    below zero would turn every selection around.
    """
    agreement, energy = 0.0, 0.0
    for x in centred.split(rows_per_block(len(atoms))):
        values, indices = selection(torch.addmm(bias, x, encoder.T))
        rebuilt = embedding_bag(indices, atoms, mode="sum", per_sample_weights=values)
        agreement += float((x * rebuilt).sum(dtype=torch.float64))
        energy += float(rebuilt.square().sum(dtype=torch.float64))
    return agreement / energy if energy > 0 and agreement > 0 else 1.0
