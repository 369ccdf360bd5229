"""Do heavy tails tell an interpretable feature? Skew and kurtosis beside agreement with labels.

Sparse features have both, so how often a feature fires is asked the same.
Axes: n rows, l labels, m firings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from tacit.activations.store import LABELLED, Store
from tacit.activations.streaming import rows_for
from tacit.dictionaries import Code, Dictionary
from tacit.features.agreement import best_cuts, score
from tacit.features.truth import Rows
from tacit.metrics.choosing import rank_correlation
from tacit.metrics.moments import moments_of_code
from tacit.metrics.sparsity import count_firing
from tacit.studies.interpretable_directions.settings import LEARNED, DirectionsSettings

ROWS = 20_000
"""Most rows of training text, and of held-out text."""
LIVE = 10
"""A feature counts that fires more often than this in the rows of training text."""
DENSITY = "density"


@dataclass(frozen=True, kw_only=True)
class MomentRow:
    """One moment of the features of one basis, of one subject and seed."""

    subject: str
    seed: int
    basis: str
    moment: str
    """Skew, kurtosis, or the density."""
    correlation: float | None
    """Spearman's, of the moment in training text with the F1 in held-out text for the label that
    each feature tells best in training text; None where one of them does not vary."""
    features: int
    """Live features that it is taken over: those whose activation varies."""


def moments_of(
    settings: DirectionsSettings,
    unit: tuple[str, int],
    store: Store,
    bases: Mapping[str, Dictionary],
) -> list[MomentRow]:
    """Return the correlations of every learned basis; nothing where no label is known."""
    numbers, rows = _labelled(settings, store)
    if not rows.truth:
        return []
    values = store.vectors(settings.site, numbers).float()
    train = torch.from_numpy(rows.train)
    found = []
    for basis in (name for name in LEARNED if name in bases):
        dictionary = bases[basis]
        code = dictionary.encode(values)
        own = code.values[train], code.indices[train], dictionary.num_atoms
        moments, firing = moments_of_code(*own), count_firing(*own)
        live = np.flatnonzero((firing.counts > LIVE).numpy())
        told = _scores(code, rows)
        scores = np.array([told.get(int(feature), 0.0) for feature in live])
        for name, each in (
            ("skew", moments.skew()),
            ("kurtosis", moments.kurtosis()),
            (DENSITY, firing.density()),
        ):
            sizes = each.numpy()[live]
            found.append(
                MomentRow(
                    subject=unit[0],
                    seed=unit[1],
                    basis=basis,
                    moment=name,
                    # Its first argument is better the lower it is.
                    correlation=rank_correlation(-sizes, scores),
                    features=int(np.isfinite(sizes).sum()),
                )
            )
    return found


def _labelled(
    settings: DirectionsSettings, store: Store
) -> tuple[Int[np.ndarray, " n"], Rows]:
    """Return rows of both sides, evenly over the text, and the labels that both have."""
    sides = []
    for held_out in (False, True):
        rows = rows_for(store, [settings.site], held_out=held_out)
        if LABELLED in store.tokens.column_names:
            rows = rows[store.column(LABELLED)[rows]]
        sides.append(rows[:: max(1, -(-len(rows) // ROWS))])
    numbers = np.concatenate(sides)
    train = np.arange(len(numbers)) < len(sides[0])
    truth, left_out = {}, {}
    for name in store.labels:
        has_it = store.label(name)[numbers]
        if all(0 < has_it[side].sum() < side.sum() for side in (train, ~train)):
            truth[name] = has_it
        else:
            left_out[name] = "every row of one side has it, or none"
    return numbers, Rows(train=train, held_out=~train, truth=truth, left_out=left_out)


def _scores(code: Code, rows: Rows) -> dict[int, float]:
    """Return the held-out F1 of each feature for the label that it tells best in training text."""
    names = list(rows.truth)
    matrix = np.stack([rows.truth[name] for name in names], axis=1)
    num_positive = matrix[rows.train].sum(axis=0)
    found = {}
    for feature, fired, values in _firings(code):
        there = rows.train[fired]
        cuts = best_cuts(values[there], matrix[fired[there]], num_positive)
        label = names[int(cuts.argmax())]
        found[feature] = score(feature, label, rows, fired, values).f1
    return found


def _firings(
    code: Code,
) -> Iterator[tuple[int, Int[np.ndarray, " m"], Float[np.ndarray, " m"]]]:
    """Yield every feature that fires: its rows and its values, the largest first."""
    row, place = torch.nonzero(code.values > 0, as_tuple=True)
    feature = code.indices[row, place].numpy()
    value, fired = code.values[row, place].numpy(), row.numpy()
    order = np.lexsort((-value, feature))
    feature, value, fired = feature[order], value[order], fired[order]
    edges = np.append(np.flatnonzero(np.diff(feature, prepend=-1)), len(feature))
    for first, last in zip(edges[:-1], edges[1:], strict=True):
        yield int(feature[first]), fired[first:last], value[first:last]
