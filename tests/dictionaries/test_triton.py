"""Triton's kernels under its interpreter, against closed forms and against plain PyTorch."""

import os

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

# Read when a kernel is declared, so before the module of the kernels is imported.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
pytest.importorskip("triton")

from tacit.dictionaries import BatchTopK, TopK, kernels  # noqa: E402
from tacit.dictionaries.kernels import Ragged, by_atom, weighted_rows  # noqa: E402
from tacit.dictionaries.triton_kernels import bag_sum, entry_products  # noqa: E402

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def code_of(seed, rows, atoms, most, dtype=torch.float32):
    """A code with any number of entries a row, and the same as a dense matrix."""
    generator = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, min(most, atoms) + 1, (rows,), generator=generator)
    dense = torch.zeros(rows, atoms, dtype=torch.float64)
    indices = []
    for row, count in enumerate(counts.tolist()):
        chosen = torch.randperm(atoms, generator=generator)[:count]
        dense[row, chosen] = torch.randn(count, generator=generator).double()
        indices.append(chosen)
    flat = torch.cat(indices) if indices else torch.empty(0, dtype=torch.long)
    row_of = torch.repeat_interleave(torch.arange(rows), counts)
    values = dense[row_of, flat].to(dtype)
    offsets = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)]).int()
    code = Ragged(
        values=values.to(DEVICE), indices=flat.int().to(DEVICE), offsets=offsets.to(DEVICE)
    )
    dense = torch.zeros_like(dense).index_put((row_of, flat), values.double())
    return code, dense, row_of


def matrix(seed, rows, width, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed + 1)
    return torch.randn(rows, width, generator=generator).to(dtype).to(DEVICE)


shapes = st.tuples(
    st.integers(0, 2**20),
    st.integers(1, 5),
    st.integers(1, 9),
    st.sampled_from([1, 7, 130]),
)


@settings(max_examples=15, deadline=None)
@given(shapes, st.sampled_from([torch.float32, torch.float64]))
def test_a_code_times_atoms_is_the_dense_product(shape, dtype):
    seed, rows, atoms, width = shape
    code, dense, _ = code_of(seed, rows, atoms, 4, dtype)
    own = matrix(seed, atoms, width, dtype)
    found = bag_sum(code.indices, code.values, code.offsets, own)
    torch.testing.assert_close(
        found.cpu().double(), dense @ own.cpu().double(), atol=1e-5, rtol=1e-5
    )


@settings(max_examples=15, deadline=None)
@given(shapes)
def test_products_of_entries_are_those_of_the_dense_gradient(shape):
    seed, rows, atoms, width = shape
    code, _, row_of = code_of(seed, rows, atoms, 4)
    own, gradient = matrix(seed, atoms, width), matrix(seed + 7, rows, width)
    found = entry_products(gradient, code.indices, code.offsets, own)
    dense = gradient.cpu().double() @ own.cpu().double().T
    expected = dense[row_of, code.indices.cpu().long()]
    torch.testing.assert_close(found.cpu().double(), expected, atol=1e-5, rtol=1e-5)


@settings(max_examples=15, deadline=None)
@given(shapes)
def test_rows_listed_by_atom_are_the_transposed_product(shape):
    seed, rows, atoms, width = shape
    code, dense, row_of = code_of(seed, rows, atoms, 4)
    own = matrix(seed, rows, width)
    listed = by_atom(code.indices, row_of.int().to(DEVICE), atoms)
    weights = code.values.index_select(0, listed.order)
    found = bag_sum(listed.rows, weights, listed.offsets, own)
    torch.testing.assert_close(
        found.cpu().double(), dense.T @ own.cpu().double(), atol=1e-5, rtol=1e-5
    )
    plain = weighted_rows(listed, code.values, own)
    torch.testing.assert_close(found, plain, atol=1e-5, rtol=1e-5)


def test_half_precision_is_summed_in_single():
    # 1 + 300 * 2**-9 is lost term by term in bfloat16, whose next number after 1 is 1 + 2**-7.
    count = 301
    code = Ragged(
        values=torch.ones(count, dtype=torch.bfloat16, device=DEVICE),
        indices=torch.arange(count, dtype=torch.int32, device=DEVICE),
        offsets=torch.tensor([0, count], dtype=torch.int32, device=DEVICE),
    )
    atoms = torch.full((count, 1), 2.0**-9, dtype=torch.bfloat16, device=DEVICE)
    atoms[0] = 1.0
    found = bag_sum(code.indices, code.values, code.offsets, atoms)
    assert found.dtype == torch.bfloat16
    assert float(found) == pytest.approx(1 + 300 * 2**-9, rel=2**-8)


def test_nothing_active_is_zero_and_has_no_products():
    empty = torch.empty(0, dtype=torch.int32, device=DEVICE)
    offsets = torch.zeros(4, dtype=torch.int32, device=DEVICE)
    own = matrix(0, 5, 6)
    found = bag_sum(empty, own.new_empty(0), offsets, own)
    assert torch.equal(found, torch.zeros_like(found))
    assert found.shape == (3, 6)
    assert entry_products(matrix(1, 3, 6), empty, offsets, own).shape == (0,)


@pytest.mark.parametrize("kind", [TopK, BatchTopK])
def test_training_with_them_is_the_same_training(kind, monkeypatch):
    method = kind(num_atoms=24, k=3, dead_after_steps=2, revive_every_steps=3)
    blocks = [
        torch.randn(20, 6, generator=torch.Generator().manual_seed(i)) for i in range(5)
    ]

    def curve():
        state, found = method.initial(0, blocks[0], num_steps=5), []
        for block in blocks:
            state, report = method.step(state, block)
            found.append(report.loss)
        return found

    plain = curve()
    asked = []
    monkeypatch.setattr(kernels, "has_triton", lambda operand: asked.append(1) or True)
    assert curve() == pytest.approx(plain, rel=1e-5)
    assert len(asked) >= 5 * 4


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_step_on_a_device_is_that_of_the_cpu():
    method = TopK(num_atoms=256, k=8)
    block = torch.randn(512, 64, generator=torch.Generator().manual_seed(0))
    losses = []
    for device in ("cpu", "cuda"):
        state = method.initial(0, block.to(device), num_steps=10)
        for _ in range(5):
            state, report = method.step(state, block.to(device))
        losses.append(report.loss)
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
