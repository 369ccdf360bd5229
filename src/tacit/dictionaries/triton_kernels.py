"""The sparse products of a code on a CUDA device, in Triton; ``kernels`` chooses them there.

Axes: n rows, d width, f atoms, m entries. Sums are kept in fp32 (fp64 for fp64), whatever the
operands are in. Tested against closed forms under Triton's interpreter; not yet timed on a device.
An encoder fused with its top-k is left out: dictionary_learning's makers tried one and saw no gain.
"""

# A kernel's language looks like Python and has other types.
# pyright: basic, reportArgumentType=false, reportIndexIssue=false, reportCallIssue=false

import torch
import triton
import triton.language as tl
from jaxtyping import Float, Int
from torch import Tensor

# Columns that one program works on: a row of a usual model in a few steps.
BLOCK = 128


@triton.jit
def _bag_sum(  # pragma: no cover - runs on the device, or in the interpreter
    indices, weights, offsets, matrix, out, d, WIDE: tl.constexpr, BLOCK: tl.constexpr
):
    bag = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < d
    kind = tl.float64 if WIDE else tl.float32
    total = tl.zeros((BLOCK,), dtype=kind)
    first, last = tl.load(offsets + bag), tl.load(offsets + bag + 1)
    for place in range(first, last):
        # In 64 bits: a matrix of 65,536 rows of 65,536 has more places than 32 bits count.
        row = tl.load(indices + place).to(tl.int64)
        weight = tl.load(weights + place).to(kind)
        own = tl.load(matrix + row * d + columns, mask=inside, other=0.0)
        total += weight * own.to(kind)
    tl.store(out + bag * d + columns, total.to(out.dtype.element_ty), mask=inside)


@triton.jit
def _products(  # pragma: no cover - runs on the device, or in the interpreter
    gradient, indices, offsets, atoms, out, d, WIDE: tl.constexpr, BLOCK: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    kind = tl.float64 if WIDE else tl.float32
    first, last = tl.load(offsets + row), tl.load(offsets + row + 1)
    for place in range(first, last):
        atom = tl.load(indices + place).to(tl.int64)
        total = tl.zeros((BLOCK,), dtype=kind)
        for start in range(0, d, BLOCK):
            columns = start + tl.arange(0, BLOCK)
            inside = columns < d
            left = tl.load(gradient + row * d + columns, mask=inside, other=0.0)
            right = tl.load(atoms + atom * d + columns, mask=inside, other=0.0)
            total += left.to(kind) * right.to(kind)
        tl.store(out + place, tl.sum(total).to(out.dtype.element_ty))


def bag_sum(
    indices: Int[Tensor, " m"],
    weights: Float[Tensor, " m"],
    offsets: Int[Tensor, " b_plus_1"],
    matrix: Float[Tensor, "n d"],
) -> Float[Tensor, "b d"]:
    """Return for every bag the weighted sum of its entries' rows of ``matrix``.

    A code times its atoms, and, listed by atom, its transpose times rows.
    """
    matrix = matrix.contiguous()
    bags, d = len(offsets) - 1, matrix.shape[1]
    out = matrix.new_empty(bags, d)
    if bags and d:
        grid = (bags, triton.cdiv(d, BLOCK))
        wide = matrix.dtype == torch.float64
        _bag_sum[grid](indices, weights, offsets, matrix, out, d, WIDE=wide, BLOCK=BLOCK)
    return out


def entry_products(
    gradient: Float[Tensor, "n d"],
    indices: Int[Tensor, " m"],
    offsets: Int[Tensor, " n_plus_1"],
    atoms: Float[Tensor, "f d"],
) -> Float[Tensor, " m"]:
    """Return ``gradient[row] . atoms[index]`` for every entry of a code."""
    gradient, atoms = gradient.contiguous(), atoms.contiguous()
    out = gradient.new_empty(len(indices))
    if len(indices):
        wide = gradient.dtype == torch.float64
        grid = (len(offsets) - 1,)
        _products[grid](
            gradient, indices, offsets, atoms, out, atoms.shape[1], WIDE=wide, BLOCK=BLOCK
        )
    return out
