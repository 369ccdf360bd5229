"""Nested dictionaries: the error of each prefix of the atoms, and what each atom answers for.

Axes: n rows, d width, f atoms, m entries.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.kernels import Ragged, code_gradient, decode, thinned


def through_nested(
    code: Ragged,
    atoms: Float[Tensor, "f d"],
    rows: Float[Tensor, "n d"],
    edges: Sequence[int],
    errors: Sequence[Float[Tensor, "n d"]],
    residual: Float[Tensor, "n d"],
) -> tuple[Float[Tensor, " m"], Float[Tensor, ""]]:
    """Write the residual of all atoms, and for each group what its atoms answer for.

    An atom of group i is in the prefixes from i on, so it answers for the mean over prefixes of
    their residuals, those before i counted as 0. Returns its product with the atom of each
    entry, and the mean over prefixes of the squared error. All groups together cost one decode
    and one gradient, as each entry is in one group.
    """
    groups = list(pairwise((0, *edges)))
    masks = [(code.indices >= first) & (code.indices < last) for first, last in groups]
    parts = [thinned(code, mask) for mask in masks]
    rebuilt, total = torch.zeros_like(rows), rows.new_zeros(())
    for part, left in zip(parts, errors, strict=True):
        rebuilt += decode(part, atoms)
        torch.sub(rebuilt, rows, out=left)
        flat = left.reshape(-1)
        total += flat @ flat
    residual.copy_(errors[-1])
    for earlier, later in reversed(list(pairwise(errors))):
        earlier += later
    through = torch.empty_like(code.values)
    for part, mask, error in zip(parts, masks, errors, strict=True):
        error /= len(edges)
        through[mask] = code_gradient(error, part, atoms)
    return through, total / len(edges)
