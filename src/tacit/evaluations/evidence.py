"""What every measure reads: activations, codes and truths of rows, computed once.

Measures that only look at rows read nothing else, so that they can be tried on worlds whose truth
is known. Those that run the model find it in ``live``. Axes: n rows, d width, f atoms, k atoms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import sparse
from torch import Tensor

from tacit.activations.store import Store
from tacit.base.errors import look_up
from tacit.dictionaries.dictionary import Dictionary
from tacit.evaluations.concepts import Concept
from tacit.models.subject import Subject


@final
@dataclass(frozen=True, kw_only=True)
class Live:
    """The model that the rows came from, for measures that run it."""

    subject: Subject
    store: Store
    site: str
    folder: Path
    """Where a measure may keep what it makes on the way, such as an index."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """A dictionary with rows, their codes, and what is true of them."""

    basis: str
    """Whose codes these are: ``dictionary``, or the name of a baseline."""
    dictionary: Dictionary
    activations: Float[Tensor, "n d"]
    codes: sparse.csr_array
    """Activations of the atoms (n f); only what is not 0 is stored."""
    document: Int[np.ndarray, " n"]
    held_out: Bool[np.ndarray, " n"]
    """Rows that nothing may be chosen or fitted on; whole documents."""
    concepts: tuple[Concept, ...]
    rows: Int[np.ndarray, " n"]
    """Row of the store's token table; 0 to n - 1 in a world."""
    live: Live | None = None

    @property
    def num_rows(self) -> int:
        """Rows (n)."""
        return len(self.document)

    @property
    def num_atoms(self) -> int:
        """Atoms of the dictionary (f)."""
        return self.dictionary.num_atoms

    @property
    def train(self) -> Bool[np.ndarray, " n"]:
        """Rows that are not held out."""
        return ~self.held_out

    def concept(self, name: str) -> Concept:
        """Return a concept by its name."""
        return look_up({each.name: each for each in self.concepts}, name, "concept")

    @cached_property
    def by_atom(self) -> sparse.csc_array:
        """The codes, sorted so that one atom's firings are at hand."""
        return self.codes.tocsc()

    def of(self, atoms: Sequence[int] | Int[np.ndarray, " k"]) -> Float[np.ndarray, "n k"]:
        """Return the activations of some atoms on every row."""
        return self.by_atom[:, np.asarray(atoms, dtype=np.int64)].toarray()

    def part_of(
        self, atoms: Sequence[int] | Int[np.ndarray, " k"], rows: Int[np.ndarray, " m"]
    ) -> Float[Tensor, "m d"]:
        """Return what some atoms add to rows; take it away to ablate them, their error staying."""
        chosen = np.asarray(atoms, dtype=np.int64)
        values = torch.from_numpy(self.codes[rows][:, chosen].toarray().astype(np.float32))
        directions = self.dictionary.atoms[torch.from_numpy(chosen)].float().cpu()
        return values @ directions * self.dictionary.scale


@torch.no_grad()
def codes_of(
    dictionary: Dictionary, activations: Float[Tensor, "n d"], *, block_rows: int = 8_192
) -> sparse.csr_array:
    """Return the code of rows as a sparse matrix of float32; silent places are not stored."""
    values, indices, counts = [], [], []
    for first in range(0, len(activations), block_rows):
        code = dictionary.encode(activations[first : first + block_rows])
        fires = code.values != 0
        values.append(code.values[fires].float().cpu().numpy())
        indices.append(code.indices[fires].cpu().numpy().astype(np.int32))
        counts.append(fires.sum(dim=1).cpu().numpy())
    bounds = np.append(0, np.cumsum(np.concatenate(counts)))
    made = sparse.csr_array(
        (np.concatenate(values), np.concatenate(indices), bounds),
        shape=(len(activations), dictionary.num_atoms),
    )
    made.sort_indices()
    return made
