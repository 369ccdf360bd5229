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
    entries_above,
    flat_positions,
    thinned,
    top_entries,
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
    listed = by_atom(code.indices, rows.int(), 10)
    torch.testing.assert_close(decode(code, atoms), dense @ atoms)
    torch.testing.assert_close(
        code_gradient(upstream, code, atoms),
        (upstream @ atoms.T)[rows, code.indices.long()],
    )
    found = [
        weighted_rows(part, code.values, upstream)
        for part in (listed, listed.part(slice(0, 4)), listed.part(slice(4, 10)))
    ]
    torch.testing.assert_close(found[0], dense.T @ upstream)
    assert torch.equal(torch.cat(found[1:]), found[0])


def test_top_entries_are_the_top_k():
    projected = drawn(5, 7, 64)
    projected[2] = -1.0
    values, indices = projected.topk(4)
    dense, _ = dense_of(top_entries(projected, 4), 64)
    assert torch.equal(dense, torch.zeros(7, 64).scatter_(1, indices, values))


def test_entries_above_zero_are_what_relu_keeps():
    projected = drawn(6, 9, 40)
    projected[4] = -1.0
    dense, _ = dense_of(entries_above(projected, 0.0), 40)
    assert torch.equal(dense, projected.relu())


def test_entries_above_each_atoms_threshold_and_thinned():
    projected, threshold = drawn(6, 9, 40), drawn(7, 40)
    projected[4] = -9.0
    code = entries_above(projected, threshold)
    dense, _ = dense_of(code, 40)
    kept = projected > threshold
    assert torch.equal(dense, projected * kept)
    dense, _ = dense_of(thinned(code, code.values > 0.5), 40)
    assert torch.equal(dense, projected * (kept & (projected > 0.5)))
