"""The one cache that all measures read: rows of a store, codes kept on disk, and baselines.

Axes: n rows, d width, f atoms.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Int
from scipy import sparse

from tacit.activations.streaming import rows_for
from tacit.base.errors import look_up
from tacit.base.files import written_aside
from tacit.base.seeds import stream
from tacit.dictionaries import (
    PCA,
    Dictionary,
    NeuronBasis,
    RandomDirections,
    RowBlocks,
    fit,
)
from tacit.dictionaries.methods import Method
from tacit.evaluations.concepts import Concept
from tacit.evaluations.evidence import Evidence, Live, codes_of
from tacit.features.build import identity_of

BATCH_ROWS = 2_048
PROBED_ROWS = 2_048
"""Rows encoded to tell how long all will take."""
BYTES_OF_FIRING = 8
"""A value of float32 and an index of int32."""
BASELINES: Mapping[str, Callable[[int, int, int], Method]] = {
    "pca": lambda width, _, l0: PCA(k=min(l0, width)),
    "random": lambda _, num_atoms, l0: RandomDirections(
        num_atoms=num_atoms, k=min(l0, num_atoms)
    ),
    # All axes, as which one is which is what they are there to show.
    "neuron basis": lambda *_: NeuronBasis(),
}
"""Name -> method, of a width, a number of atoms and a number of active ones."""


@final
@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a cache will hold, told before it is made."""

    num_rows: int
    num_left_out: int
    """Usable rows beyond the most that are read; whole documents."""
    width: int
    l0: float
    """Active atoms a row, of the rows tried."""
    code_bytes: int
    encode_seconds: float

    def in_words(self) -> str:
        """Return the plan in a line."""
        left_out = f" ({self.num_left_out:,} left out)" if self.num_left_out else ""
        return (
            f"{self.num_rows:,} rows of width {self.width:,}{left_out}; about {self.l0:.1f} active "
            f"atoms a row, {self.code_bytes / 2**20:,.0f} MiB of codes, "
            f"{self.encode_seconds:,.0f} s to encode"
        )


def chosen_rows(
    live: Live, dictionary: Dictionary, most: int, seed: int
) -> Int[np.ndarray, " n"]:
    """Return the usable rows of as many whole documents as ``most`` rows allow, in their order.

    Both sides of the split are kept in proportion.
    """
    target = dictionary.contract.target
    sites = [live.site, *([] if target is None else [target])]
    kept = []
    sides = [rows_for(live.store, sites, held_out=held_out) for held_out in (False, True)]
    total = sum(map(len, sides))
    for place, rows in enumerate(sides):
        if total <= most:
            kept.append(rows)
            continue
        document = live.store.column("document")[rows]
        names, counts = np.unique(document, return_counts=True)
        order = stream(seed, f"evaluations/rows/{place}").permutation(len(names))
        fits = np.cumsum(counts[order]) <= max(1, most * len(rows) // total)
        fits[0] = True  # one document at least, however long
        kept.append(rows[np.isin(document, names[order[fits]])])
    return np.sort(np.concatenate(kept))


def planned(live: Live, dictionary: Dictionary, rows: Int[np.ndarray, " n"]) -> Plan:
    """Return how large the cache will be and how long it takes, from a few rows encoded."""
    some = live.store.vectors(live.site, rows[:PROBED_ROWS])
    began = time.perf_counter()
    l0 = float(dictionary.encode(some).l0().double().mean())
    seconds = (time.perf_counter() - began) * len(rows) / len(some)
    return Plan(
        num_rows=len(rows),
        num_left_out=int(live.store.usable(live.site).sum()) - len(rows),
        width=dictionary.width,
        l0=l0,
        code_bytes=int(l0 * len(rows) * BYTES_OF_FIRING),
        encode_seconds=seconds,
    )


def gathered(
    live: Live,
    dictionary: Dictionary,
    rows: Int[np.ndarray, " n"],
    concepts: tuple[Concept, ...],
) -> Evidence:
    """Return the evidence of a dictionary on rows of the store; codes are kept in its folder."""
    activations = live.store.vectors(live.site, rows)
    return Evidence(
        basis="dictionary",
        dictionary=dictionary,
        activations=activations,
        codes=_kept_codes(live.folder, dictionary, activations),
        document=live.store.column("document")[rows].astype(np.int64),
        held_out=live.store.column("held_out")[rows],
        concepts=concepts,
        rows=rows,
        live=live,
    )


def baselines_of(evidence: Evidence, names: Sequence[str], seed: int) -> list[Evidence]:
    """Return the same rows in the bases of ``BASELINES``, at the sparsity of the dictionary."""
    makers = [look_up(BASELINES, name, "baseline") for name in names]
    l0 = max(1, round(evidence.codes.nnz / evidence.num_rows))
    width = evidence.activations.shape[1]
    train = evidence.activations[torch.from_numpy(evidence.train)]
    batch = min(BATCH_ROWS, len(train))
    blocks = RowBlocks(rows={"rows": train}, block_rows=batch, seed=seed)
    found = []
    for name, maker in zip(names, makers, strict=True):
        method = maker(width, evidence.num_atoms, l0)
        (fitted,) = fit([method], blocks, [seed], steps=max(1, len(train) // batch))
        codes = codes_of(fitted.dictionary, evidence.activations)
        found.append(
            replace(
                evidence, basis=name, dictionary=fitted.dictionary, codes=codes, live=None
            )
        )
    return found


def _kept_codes(
    folder: Path, dictionary: Dictionary, activations: torch.Tensor
) -> sparse.csr_array:
    """Return the codes of all rows, from the file if they were made before."""
    path = folder / "codes.npz"
    name = identity_of(dictionary)
    if path.exists():
        with np.load(path) as kept:
            if str(kept["dictionary"]) == name and int(kept["rows"]) == len(activations):
                return sparse.csr_array(
                    (kept["values"], kept["indices"], kept["bounds"]),
                    shape=(len(activations), dictionary.num_atoms),
                )
    codes = codes_of(dictionary, activations)
    folder.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside, aside.open("wb") as out:
        np.savez(
            out,
            values=codes.data,
            indices=codes.indices,
            bounds=codes.indptr,
            dictionary=name,
            rows=len(activations),
        )
    return codes
