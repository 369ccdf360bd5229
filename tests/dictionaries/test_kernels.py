"""The sparse kernels against dense arithmetic and PyTorch's own selection."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.dictionaries.kernels import (
    GROUP,
    Ragged,
    by_atom,
    code_gradient,
    decode,
    flat_positions,
    ragged_from_padded,
    summed_by_atom,
    top_k,
    weighted_rows,
)


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(0, 9),
    groups=st.integers(1, 40),
    k=st.integers(1, 12),
    levels=st.sampled_from([2, 5, 1000]),
    seed=st.integers(0, 10_000),
)
def test_top_k_is_exact_with_ties_and_without(n, groups, k, levels, seed):
    f = groups * GROUP
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randint(-levels, levels, (n, f), generator=generator).float()
    values, indices = top_k(matrix, k)
    expected = matrix.topk(k, dim=1).values
    assert torch.equal(values.sort(dim=1, descending=True).values, expected)
    assert torch.equal(matrix.gather(1, indices), values)
    for row in indices.tolist():
        assert len(set(row)) == k


@pytest.mark.parametrize("width", [1, 37, 1000, 4096])
def test_top_k_serves_any_number_of_columns(width):
    matrix = drawn(0, 50, width)
    k = min(width, 16)
    values, _ = top_k(matrix, k)
    assert torch.equal(values.sort(dim=1).values, matrix.topk(k).values.sort(dim=1).values)


def test_top_k_serves_rows_whose_largest_stand_together():
    matrix = drawn(1, 40, 2048)
    matrix[:, 500:540] += 10
    values, indices = top_k(matrix, 32)
    expected, where = matrix.topk(32)
    assert torch.equal(values.sort(dim=1, descending=True).values, expected)
    assert torch.equal(indices.sort(dim=1).values, where.sort(dim=1).values)


@given(st.lists(st.booleans(), max_size=200))
def test_positions_are_those_that_hold(mask):
    flags = torch.tensor(mask, dtype=torch.bool)
    assert flat_positions(flags).tolist() == [i for i, holds in enumerate(mask) if holds]


def ragged_code(dtype=torch.float64):
    """Rows with 3, 0, 1 and 4 entries over 10 atoms."""
    counts = torch.tensor([3, 0, 1, 4])
    indices = torch.tensor([9, 0, 4, 4, 7, 4, 1, 2], dtype=torch.int32)
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)]).int()
    return Ragged(values=drawn(2, 8).to(dtype), indices=indices, offsets=offsets)


def dense_of(code, atoms):
    rows = torch.arange(len(code.offsets) - 1).repeat_interleave(code.offsets.diff().long())
    dense = torch.zeros(len(code.offsets) - 1, atoms, dtype=code.values.dtype)
    return dense.index_put((rows, code.indices.long()), code.values), rows


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_products_equal_dense_ones(dtype):
    code, atoms = ragged_code(dtype), drawn(3, 10, 6).to(dtype)
    upstream, (dense, rows) = drawn(4, 4, 6).to(dtype), dense_of(code, 10)
    listed = by_atom(code, 10)
    torch.testing.assert_close(decode(code, atoms), dense @ atoms)
    torch.testing.assert_close(
        code_gradient(upstream, code, atoms),
        (upstream @ atoms.T)[rows, code.indices.long()],
    )
    torch.testing.assert_close(
        weighted_rows(listed, code.values, upstream), dense.T @ upstream
    )
    torch.testing.assert_close(summed_by_atom(code, code.values, 10), dense.sum(dim=0))


def test_a_code_of_places_lists_the_same_entries():
    values, indices = drawn(5, 3, 2), torch.tensor([[1, 4], [0, 2], [3, 1]])
    dense, _ = dense_of(ragged_from_padded(values, indices), 5)
    assert torch.equal(dense, torch.zeros(3, 5).scatter_(1, indices, values))
