"""Is a score due to how often features fire? Features of two bases in pairs of like density.

Axes: n features of one basis, m of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import final

import numpy as np

from tacit.studies.autointerpretation.figures import MAIN, Tables, Values
from tacit.studies.autointerpretation.places import Unit
from tacit.studies.autointerpretation.rows import FIGURES, FeatureRow

APART = 1.5
"""Densities of a pair differ at most by this factor."""


@final
@dataclass(frozen=True, kw_only=True)
class Matched:
    """The difference between two bases over pairs of features of like density."""

    values: Values
    """Mean over pairs in each unit; None where no two features are alike."""
    pairs: int
    features: int
    """Of the first basis, paired or not."""
    density_ratio: float | None
    """Geometric mean over pairs of the first density over the second: 1 where they match."""


def matched_of(
    tables: Tables, sites: Sequence[str], ours: str, theirs: str, figure: str = MAIN
) -> Matched:
    """Return ``ours`` less ``theirs``, each feature in one pair at most, within a site."""
    column = FIGURES[figure]
    found: dict[Unit, list[float]] = {}
    ratios: list[float] = []
    features = 0
    for site in sites:
        first, second = (
            tables.by_group.get(tables.group(site, basis), {}) for basis in (ours, theirs)
        )
        for unit in first.keys() & second.keys():
            features += len(first[unit])
            pairs = pairs_of(first[unit], second[unit], column)
            ratios += [np.log(one.density / other.density) for one, other in pairs]
            found.setdefault(unit, []).extend(
                vars(one)[column] - vars(other)[column] for one, other in pairs
            )
    return Matched(
        values={unit: fmean(each) if each else None for unit, each in found.items()},
        pairs=len(ratios),
        features=features,
        density_ratio=float(np.exp(fmean(ratios))) if ratios else None,
    )


def pairs_of(
    ours: Sequence[FeatureRow], theirs: Sequence[FeatureRow], column: str
) -> list[tuple[FeatureRow, FeatureRow]]:
    """Return pairs of features with a score, the nearest in log density first."""
    sides = [
        [row for row in rows if vars(row)[column] is not None] for rows in (ours, theirs)
    ]
    first, second = (np.log([row.density for row in rows]) for rows in sides)
    apart = np.abs(first[:, None] - second[None, :])
    free = [np.ones(len(rows), dtype=bool) for rows in sides]
    pairs: list[tuple[FeatureRow, FeatureRow]] = []
    for flat in np.argsort(apart, axis=None, kind="stable"):
        one, other = (int(each) for each in np.unravel_index(flat, apart.shape))
        if apart[one, other] > np.log(APART):
            break
        if free[0][one] and free[1][other]:
            free[0][one] = free[1][other] = False
            pairs.append((sides[0][one], sides[1][other]))
    return pairs
