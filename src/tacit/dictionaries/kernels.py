"""Sparse products: how a code of few active atoms is found, decoded and differentiated.

Axes: n samples, d width, f atoms, k places of a padded code, m active entries in all.
Everything is plain PyTorch. A bag sum (``embedding_bag``) is the fastest sparse-dense product
that PyTorch has on a CPU, in both directions: a code times atoms, and, once the code is listed
by atom, its transpose times rows.
"""

import functools
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag, max_pool1d

from tacit.base.library_warnings import kept_warnings
from tacit.dictionaries.devices import has_triton

# A block of this many entries (16 MB in fp32) stays in cache between its product and its
# selection, and is large enough for the product to run at full speed.
BLOCK_ENTRIES = 4 * 1024 * 1024
# Entries of one group of the top-k filter: a cache line of fp32.
GROUP = 16


@dataclass(frozen=True, kw_only=True)
class Ragged:
    """A code of n rows with any number of entries in each, row after row."""

    values: Float[Tensor, "m"]
    indices: Int[Tensor, "m"]
    """Atom of each entry (int32)."""
    offsets: Int[Tensor, "n_plus_1"]
    """Entries of row i are ``offsets[i]:offsets[i + 1]`` (int32)."""


@dataclass(frozen=True, kw_only=True)
class ByAtom:
    """The entries of a code in order of atom."""

    order: Int[Tensor, " m"]
    """Which entry of the code stands at each place."""
    rows: Int[Tensor, " m"]
    """Its row (int32)."""
    offsets: Int[Tensor, " f_plus_1"]
    """Entries of atom j are at places ``offsets[j]:offsets[j + 1]`` (int32)."""

    def part(self, atoms: slice) -> "ByAtom":
        """Return the entries of a range of atoms; their order is still that of the code."""
        edges = self.offsets[atoms.start : atoms.stop + 1]
        places = slice(int(edges[0]), int(edges[-1]))
        return ByAtom(
            order=self.order[places], rows=self.rows[places], offsets=edges - edges[0]
        )


def rows_per_block(row_entries: int) -> int:
    """Return how many rows of a dense matrix are worked on at a time."""
    return max(64, BLOCK_ENTRIES // max(1, row_entries))


def flat_positions(mask: Bool[Tensor, "*shape"]) -> Int[Tensor, "m"]:
    """Return the flat positions where ``mask`` holds, in order; fast when they are few."""
    flat = mask.reshape(-1)
    if flat.numel() % 8 or flat.is_cuda:
        return flat.nonzero().squeeze(1)
    # Eight truth values are read as one integer, so that empty stretches cost an eighth.
    octets = flat.view(torch.int64).nonzero().squeeze(1)
    inside = flat.view(-1, 8).index_select(0, octets).view(-1).nonzero().squeeze(1)
    return octets.index_select(0, inside >> 3).mul_(8).add_(inside & 7)


def padded(
    values: Float[Tensor, "m"],
    rows: Int[Tensor, "m"],
    columns: Int[Tensor, "m"],
    num_rows: int,
    fill: float,
) -> tuple[Float[Tensor, "n w"], Int[Tensor, "n w"]]:
    """Return entries listed row by row as a rectangle as wide as the longest row."""
    counts = torch.bincount(rows, minlength=num_rows)
    width = max(1, int(counts.max())) if num_rows else 1
    shift = torch.arange(num_rows, device=rows.device) * width - (counts.cumsum(0) - counts)
    place = torch.arange(len(rows), device=rows.device) + shift.index_select(0, rows)
    wide_values = values.new_full((num_rows * width,), fill).index_copy_(0, place, values)
    wide_columns = columns.new_zeros(num_rows * width).index_copy_(0, place, columns)
    return wide_values.view(num_rows, width), wide_columns.view(num_rows, width)


def _filtered_top_k(
    matrix: Float[Tensor, "n f"], k: int
) -> tuple[Float[Tensor, "n k"], Int[Tensor, "n k"]] | None:
    """Return the top k by way of group maxima, or None where ties make that no cheaper.

    The k-th largest of any maxima over disjoint groups is at most the k-th largest entry, so the
    entries that reach it contain the top k; only groups whose maximum reaches it are read again.
    """
    n, f = matrix.shape
    maxima = max_pool1d(matrix.unsqueeze(1), GROUP).squeeze(1)
    groups = maxima.shape[1]
    coarse = groups
    while coarse % 2 == 0 and coarse >= 4 * k:
        coarse //= 2
    coarser = maxima.view(n, -1, coarse).amax(dim=1) if coarse < groups else maxima
    threshold = coarser.topk(k, dim=1, sorted=False).values.amin(dim=1)
    chosen = flat_positions(maxima >= threshold.unsqueeze(1))
    chosen_rows = chosen // groups
    if len(chosen) > n * groups // 2:
        return None
    members = matrix.view(-1, GROUP).index_select(0, chosen)
    inside = flat_positions(members >= threshold.index_select(0, chosen_rows).unsqueeze(1))
    group = inside // GROUP
    rows = chosen_rows.index_select(0, group)
    columns = (chosen.index_select(0, group) % groups).mul_(GROUP).add_(inside % GROUP)
    values, indices = padded(
        members.view(-1).index_select(0, inside), rows, columns, n, -torch.inf
    )
    top, place = values.topk(k, dim=1, sorted=False)
    return top, indices.gather(1, place)


def top_k(
    matrix: Float[Tensor, "n f"], k: int
) -> tuple[Float[Tensor, "n k"], Int[Tensor, "n k"]]:
    """Return the k largest entries of each row and their columns, exactly, in no set order."""
    n, f = matrix.shape
    worth_it = n > 0 and f % GROUP == 0 and f // GROUP >= 2 * k and matrix.is_contiguous()
    if worth_it and not matrix.is_cuda:
        found = _filtered_top_k(matrix, k)
        if found is not None:
            return found
    values, indices = matrix.topk(k, dim=1, sorted=False)
    return values, indices


def top_entries(projected: Float[Tensor, "n f"], k: int) -> Ragged:
    """Return the k largest entries of each row."""
    values, indices = top_k(projected, k)
    n = len(values)
    return Ragged(
        values=values.reshape(-1),
        indices=indices.reshape(-1).int(),
        offsets=torch.arange(0, n * k + 1, k, dtype=torch.int32, device=values.device),
    )


def entries_above(
    projected: Float[Tensor, "n f"], threshold: float | Float[Tensor, " f"]
) -> Ragged:
    """Return the entries above a threshold, or each atom's own."""
    n, f = projected.shape
    found = flat_positions(projected > threshold)
    rows = found // f
    edges = torch.arange(n + 1, device=rows.device)
    return Ragged(
        values=projected.reshape(-1).index_select(0, found),
        indices=(found - rows * f).int(),
        offsets=torch.searchsorted(rows, edges, out_int32=True),
    )


def thinned(code: Ragged, mask: Bool[Tensor, " m"]) -> Ragged:
    """Return the entries where ``mask`` holds."""
    before = torch.nn.functional.pad(mask.cumsum(0, dtype=torch.int32), (1, 0))
    kept = mask.nonzero().squeeze(1)
    return Ragged(
        values=code.values.index_select(0, kept),
        indices=code.indices.index_select(0, kept),
        offsets=before.index_select(0, code.offsets),
    )


def decode(code: Ragged, atoms: Float[Tensor, "f d"]) -> Float[Tensor, "n d"]:
    """Return the code times the atoms."""
    if has_triton(atoms):
        from tacit.dictionaries.triton_kernels import bag_sum

        return bag_sum(code.indices, code.values, code.offsets, atoms)
    return embedding_bag(
        code.indices,
        atoms,
        code.offsets,
        mode="sum",
        per_sample_weights=code.values,
        include_last_offset=True,
    )


@functools.cache
def _quiet_about_csr() -> None:
    # PyTorch says once in a process that its CSR layout is in beta; let it say so here.
    with kept_warnings(UserWarning):
        none = torch.zeros(1, dtype=torch.int32)
        torch.sparse_csr_tensor(
            none, none[:0], torch.zeros(0), (0, 1), check_invariants=False
        )


def code_gradient(
    gradient: Float[Tensor, "n d"], code: Ragged, atoms: Float[Tensor, "f d"]
) -> Float[Tensor, " m"]:
    """Return ``gradient[row] . atoms[index]`` for every entry of the code."""
    if has_triton(atoms):
        from tacit.dictionaries.triton_kernels import entry_products

        return entry_products(gradient, code.indices, code.offsets, atoms)
    _quiet_about_csr()
    pattern = torch.sparse_csr_tensor(
        code.offsets,
        code.indices,
        torch.zeros_like(code.values),
        (len(code.offsets) - 1, len(atoms)),
        check_invariants=False,
    )
    return torch.sparse.sampled_addmm(pattern, gradient, atoms.T, beta=0.0).values()


def by_atom(atoms: Int[Tensor, " m"], rows: Int[Tensor, " m"], num_atoms: int) -> ByAtom:
    """Return entries, given by atom and row, in order of atom, rows as they come in each."""
    ordered, order = torch.sort(atoms, stable=True)
    edges = torch.arange(num_atoms + 1, dtype=ordered.dtype, device=ordered.device)
    return ByAtom(
        order=order,
        rows=rows.index_select(0, order),
        offsets=torch.searchsorted(ordered, edges, out_int32=True),
    )


def weighted_rows(
    listed: ByAtom, weights: Float[Tensor, " m"], matrix: Float[Tensor, "n d"]
) -> Float[Tensor, "f d"]:
    """Return for every atom listed the sum of its entries' rows of ``matrix``, weighted."""
    ordered = weights.index_select(0, listed.order)
    if has_triton(matrix):
        from tacit.dictionaries.triton_kernels import bag_sum

        return bag_sum(listed.rows, ordered, listed.offsets, matrix)
    return embedding_bag(
        listed.rows,
        matrix,
        listed.offsets,
        mode="sum",
        per_sample_weights=ordered,
        include_last_offset=True,
    )
