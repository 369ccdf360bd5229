"""What a basis does on all of the text: which features are active where, how often, how strongly.

Axes: n rows, f atoms, m firings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.activations.store import Store
from tacit.activations.streaming import rows_for
from tacit.dictionaries import Dictionary
from tacit.explanations.fragments import Firings, Fragments
from tacit.features.build import identity_of
from tacit.metrics.fidelity import fraction_variance_unexplained
from tacit.metrics.moments import Moments, moments_of_code
from tacit.metrics.sparsity import Firing, count_firing

BLOCK_ROWS = 8_192
"""Rows encoded at once."""
FIDELITY_ROWS = 10_000
"""Most held-out rows that the reconstruction is compared on."""
Fired = tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]
"""Rows of the store where one feature is active, and its activation there."""


@final
@dataclass(frozen=True, kw_only=True)
class Coded:
    """A basis over the usable rows of a store."""

    dictionary: Dictionary
    store: Store
    site: str
    fragments: Fragments
    """Under this dictionary's identity."""
    firing: Firing
    moments: Moments
    num_active: Int[np.ndarray, " f"]
    """Fragments in which each atom is active."""

    def fired(self, features: Sequence[int]) -> Mapping[int, Fired]:
        """Return where some features are active; the text is encoded anew."""
        columns = torch.tensor(features)
        parts: dict[int, list[Fired]] = {feature: [] for feature in features}
        for rows, values in _dense(self.dictionary, self.store, self.site):
            some = values[:, columns].numpy()
            for place, feature in enumerate(features):
                there = np.flatnonzero(some[:, place])
                parts[feature].append((rows[there], some[there, place]))
        return {
            feature: (
                np.concatenate([rows for rows, _ in own]),
                np.concatenate([values for _, values in own]),
            )
            for feature, own in parts.items()
        }

    def placed(self, fired: Fired) -> Firings:
        """Return a feature's activations by fragment."""
        return self.fragments.placed(*fired)

    def fvu(self) -> float:
        """Return the error of what the basis rebuilds on held-out rows."""
        rows = rows_for(self.store, [self.site], held_out=True)[:FIDELITY_ROWS]
        values = self.store.vectors(self.site, rows)
        return float(fraction_variance_unexplained(values, self.dictionary.rebuild(values)))


def coded(dictionary: Dictionary, store: Store, site: str, fragments: Fragments) -> Coded:
    """Return a dictionary of activations that are never negative, over a store."""
    place = _fragment_of(fragments, store.num_tokens)
    active = torch.zeros(len(fragments) + 1, dictionary.num_atoms, dtype=torch.bool)
    firing, moments = None, None
    for rows in _blocks(store, site):
        code = dictionary.encode(store.vectors(site, rows))
        own = code.values, code.indices, dictionary.num_atoms
        firing = count_firing(*own) if firing is None else firing + count_firing(*own)
        moments = (
            moments_of_code(*own) if moments is None else moments + moments_of_code(*own)
        )
        row, at = torch.nonzero(code.values, as_tuple=True)
        active[torch.from_numpy(place[rows])[row], code.indices[row, at]] = True
    assert firing is not None and moments is not None, "a store has usable rows"
    return Coded(
        dictionary=dictionary,
        store=store,
        site=site,
        fragments=replace(fragments, dictionary=identity_of(dictionary)),
        firing=firing,
        moments=moments,
        num_active=active[:-1].sum(dim=0).numpy(),
    )


def l0_of(dictionary: Dictionary, store: Store, site: str) -> float:
    """Return the mean number of active atoms over all usable rows."""
    active = num = 0
    for rows in _blocks(store, site):
        active += int(dictionary.encode(store.vectors(site, rows)).l0().sum())
        num += len(rows)
    return active / num


def _blocks(store: Store, site: str) -> Iterator[Int[np.ndarray, " n"]]:
    usable = np.flatnonzero(store.usable(site))
    for first in range(0, len(usable), BLOCK_ROWS):
        yield usable[first : first + BLOCK_ROWS]


def _dense(
    dictionary: Dictionary, store: Store, site: str
) -> Iterator[tuple[Int[np.ndarray, " n"], Float[Tensor, "n f"]]]:
    for rows in _blocks(store, site):
        yield rows, dictionary.encode(store.vectors(site, rows)).dense()


def _fragment_of(fragments: Fragments, num_rows: int) -> Int[np.ndarray, " r"]:
    """Return the fragment of every row of the store; one more for rows in none."""
    found = np.full(num_rows, len(fragments))
    number, place = np.nonzero(fragments.rows >= 0)
    found[fragments.rows[number, place]] = number
    return found
