"""What a crosscoder keeps of each part, and which of its features are shared.

Axes: n rows, c columns of all parts, f atoms.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.base.records import Record
from tacit.base.seeds import stream
from tacit.dictionaries.crosscoders import kinds, latent_scaling, parts_of
from tacit.dictionaries.dictionary import Dictionary
from tacit.metrics.bootstrap import bootstrap_ratio
from tacit.metrics.fidelity import VarianceUnexplained
from tacit.metrics.results import as_result
from tacit.verbs.fidelity import BLOCK_ROWS
from tacit.verbs.source import SIDES, Source

SCALED_ROWS = 20_000
"""Held-out rows at most on which latent scaling is measured."""
ABSENT = 0.2
"""Latent scaling below which a one-sided feature is taken to be absent on the other side."""


@torch.no_grad()
def crosscoder_records(
    dictionary: Dictionary, source: Source, *, seed: int
) -> list[Record]:
    """Return FVU by part and L0 on held-out rows."""
    rows = source.rows(held_out=True)
    document = source.stores[0].column("document")[rows]
    samples = {part: VarianceUnexplained() for part in parts_of(dictionary)}
    fired = np.zeros(len(rows), dtype=np.int64)
    for first in range(0, len(rows), BLOCK_ROWS):
        span = slice(first, first + BLOCK_ROWS)
        original = side_by_side(source, rows[span])
        code = dictionary.encode(original)
        rebuilt = dictionary.decode(code)
        fired[span] = (code.values != 0).sum(dim=1).numpy()
        for part, columns in parts_of(dictionary).items():
            samples[part].add(original[:, columns], rebuilt[:, columns], document[span])
    of: dict[str, Any] = {"method": dictionary.method, "num_atoms": dictionary.num_atoms}
    of |= {"seed": dictionary.seed}
    rng = stream(seed, "verbs/crosscode")
    records: list[Record] = []
    for part, sample in samples.items():
        sums = sample.unit_sums()
        fvu = bootstrap_ratio(sums.numerators, sums.denominators, rng)
        records.append(as_result("fvu", fvu, {**of, "part": part, "positions": "usable"}))
    owner = np.unique(document, return_inverse=True)[1]
    l0 = bootstrap_ratio(np.bincount(owner, weights=fired), np.bincount(owner), rng)
    records.append(as_result("l0", l0, {**of, "positions": "usable"}))
    return records


def side_by_side(source: Source, rows: Int[np.ndarray, " n"]) -> Float[Tensor, "n c"]:
    """Return rows of all parts of a crosscoder's source, as its dictionary reads them."""
    parts = [store.vectors(site, rows) for store in source.stores for site in source.sites]
    return torch.cat(parts, dim=1)


def kinds_of(dictionary: Dictionary, source: Source, *, seed: int) -> dict[str, Any]:
    """Return how many features are of each kind, as a part of the dictionary's outcome.

    Of two models also how many of the one-sided features are absent on the other side by latent
    scaling, of how many that fire on the held-out rows; the others' atoms merely shrank there.
    """
    if len(parts_of(dictionary)) != 2:
        return {}
    found = kinds(dictionary)
    counts = {kind: found.count(kind) for kind in ("shared", *SIDES, "uneven")}
    if (
        len(source.stores) < 2
        or len({store.width(source.sites[0]) for store in source.stores}) > 1
    ):
        return {"kinds": counts}
    rows = source.rows(held_out=True)
    drawn = stream(seed, "verbs/crosscode/rows").permutation(len(rows))[:SCALED_ROWS]
    scaling = latent_scaling(dictionary, side_by_side(source, rows[np.sort(drawn)]))
    absent = {}
    for side in SIDES:
        own = [
            abs(value)
            for value, kind in zip(scaling.tolist(), found, strict=True)
            if kind == side and not math.isnan(value)
        ]
        absent[side] = [sum(value < ABSENT for value in own), len(own)]
    told = {"kinds": counts, "absent_of_one_sided": absent}
    return {**told, "rows_of_latent_scaling": len(drawn)}
