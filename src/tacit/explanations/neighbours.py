"""Which features are nearest to a feature: by firing together, and by direction?

Axes: e firings, f features, k neighbours, d width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import sparse
from torch import Tensor
from torch.nn.functional import normalize

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary
from tacit.features.build import identity_of
from tacit.features.index import Index

NUM_NEIGHBOURS = 10
NONE = -1
"""Stands behind the last neighbour of a feature that has fewer."""
_CELLS_AT_ONCE = 1 << 24
"""Pairs of features compared at once, so that f times f of them need not fit in memory."""


@final
@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """The nearest features of each feature, nearest first."""

    coactive: Int[np.ndarray, "f k"]
    """By the share of tokens, of those where either fires, on which both do."""
    similar: Int[np.ndarray, "f k"]
    """By the cosine of their directions; features that never fire are nobody's neighbours."""

    def of(self, feature: int) -> list[int]:
        """Return a feature's neighbours of both kinds, each once."""
        found = np.concatenate([self.coactive[feature], self.similar[feature]])
        return [each for each in dict.fromkeys(found.tolist()) if each != NONE]


def neighbours_of(
    index: Index, dictionary: Dictionary, num: int = NUM_NEIGHBOURS
) -> Neighbours:
    """Return the ``num`` nearest of every feature, of each kind.

    Raises:
        UserError: where the index is not of this dictionary, or ``num`` is less than 1.
    """
    indexed, given = index.manifest["configuration"]["dictionary"], identity_of(dictionary)
    if indexed != given:
        raise UserError(
            f"neighbours were asked for by dictionary {given[:12]}, and {index.folder} is an index "
            f"of {indexed[:12]}; give that one."
        )
    fired = index.query("SELECT row, feature FROM by_row WHERE value > 0")
    counts = np.bincount(fired["feature"], minlength=index.num_atoms)
    return Neighbours(
        coactive=coactive(fired["row"], fired["feature"], index.num_atoms, num),
        similar=similar(dictionary.atoms, np.flatnonzero(counts), num),
    )


def coactive(
    rows: Int[np.ndarray, " e"],
    features: Int[np.ndarray, " e"],
    num_features: int,
    num: int,
) -> Int[np.ndarray, "f k"]:
    """Return, for each feature, those with the largest Jaccard index of the rows they fire on.

    Features that never fire together are no neighbours.
    """
    _, row = np.unique(rows, return_inverse=True)
    shape = (int(row.max(initial=-1)) + 1, num_features)
    fires = sparse.csr_array(
        (np.ones(len(row), dtype=np.float32), (row, features)), shape=shape
    )
    by_feature = fires.T.tocsr()
    counts = np.bincount(features, minlength=num_features)

    def nearness(block: np.ndarray) -> np.ndarray:
        both = (by_feature[block] @ fires).toarray()
        either = counts[block][:, None] + counts - both
        return np.where(both > 0, both / np.maximum(either, 1), -np.inf)

    return _nearest(nearness, num_features, num)


def similar(
    atoms: Float[Tensor, "f d"], firing: Int[np.ndarray, " m"], num: int
) -> Int[np.ndarray, "f k"]:
    """Return, for each feature, the firing ones whose directions have the largest cosine."""
    unit = normalize(atoms.detach().float().cpu(), dim=1)
    silent = np.ones(len(atoms), dtype=bool)
    silent[firing] = False

    def nearness(block: np.ndarray) -> np.ndarray:
        cosines = (unit[torch.from_numpy(block)] @ unit.T).numpy()
        return np.where(silent, -np.inf, cosines)

    return _nearest(nearness, len(atoms), num)


def _nearest(
    nearness: Callable[[np.ndarray], np.ndarray], num_features: int, num: int
) -> Int[np.ndarray, "f k"]:
    """Return the nearest others of every feature, a block of features at a time."""
    if num < 1:
        raise UserError(f"{num} neighbours were asked for; ask for 1 or more.")
    found = np.full((num_features, num), NONE)
    step = max(1, _CELLS_AT_ONCE // max(1, num_features))
    for first in range(0, num_features, step):
        block = np.arange(first, min(first + step, num_features))
        near = nearness(block)
        near[np.arange(len(block)), block] = -np.inf
        kept = np.argpartition(-near, min(num, num_features) - 1, axis=1)[:, :num]
        values = np.take_along_axis(near, kept, axis=1)
        order = np.take_along_axis(kept, np.lexsort((kept, -values)), axis=1)
        is_near = np.take_along_axis(near, order, axis=1) > -np.inf
        found[block, : order.shape[1]] = np.where(is_near, order, NONE)
    return found
