"""How much do two columns say of one another, one of them or both continuous?

Estimates by nearest neighbours, in nats, of rows whose values are first replaced by normal draws in
the same order: saturated sigmoids and other bends change nothing then. Ties are broken at random,
which neither adds nor takes information.

Axes: n rows.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from jaxtyping import Float, Int

NEIGHBOURS = 3
_JUST_BELOW = 1 - 1e-9
"""Of a distance, so that who is at it is not within it, whatever the rounding."""


def normal_scores(
    values: Float[np.ndarray, " n"], rng: np.random.Generator
) -> Float[np.ndarray, " n"]:
    """Return standard normal draws in the order of the values.

    Not quantiles: their even spacing would have neighbours tie left and right.
    """
    scores = np.empty(len(values))
    order = np.lexsort((rng.random(len(values)), values))
    scores[order] = np.sort(rng.standard_normal(len(values)))
    return scores


def of_class(scores: Float[np.ndarray, " n"], labels: Int[np.ndarray, " n"]) -> float:
    """Return I(score; class), by the nearest neighbours of the same class; may be below 0.

    Classes of one row are left out.
    Source: Ross 2014, PLoS ONE 9, with three neighbours.
    """
    # scipy has no types.
    from scipy.special import digamma  # pyright: ignore

    psi = cast(Any, digamma)
    label, counts = np.unique(labels, return_inverse=True, return_counts=True)[1:]
    kept = counts[label] > 1
    scores, label = scores[kept], label[kept]
    if not len(scores):
        return 0.0
    order = np.sort(scores)
    total = 0.0
    for each in np.unique(label):
        own = np.sort(scores[label == each])
        k = min(NEIGHBOURS, len(own) - 1)
        radius = _kth_distance(own, k) * _JUST_BELOW
        inside = _within(order, own, radius)
        total += float((psi(k) - psi(len(own)) - psi(inside)).sum())
    return float(psi(len(scores))) + total / len(scores)


def of_score(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> float:
    """Return I(first; second) of two columns without ties; may be below 0.

    Of a column with itself it is what the sample can tell, which grows with n without end.
    Source: Kraskov et al. 2004, Phys. Rev. E 69, first estimator, with three neighbours.
    """
    from scipy.spatial import cKDTree  # pyright: ignore
    from scipy.special import digamma  # pyright: ignore

    psi = cast(Any, digamma)
    joint = np.stack([first, second], axis=1)
    tree = cast(Any, cKDTree)(joint)
    radius = tree.query(joint, k=NEIGHBOURS + 1, p=np.inf)[0][:, -1] * _JUST_BELOW
    around = [_within(np.sort(side), side, radius) for side in (first, second)]
    own = sum(psi(inside).mean() for inside in around)
    return float(psi(NEIGHBOURS) + psi(len(first)) - own)


def _within(
    order: Float[np.ndarray, " n"],
    points: Float[np.ndarray, " m"],
    radius: Float[np.ndarray, " m"],
) -> Int[np.ndarray, " m"]:
    """Return how many of the sorted values lie within the radius of each point, itself too."""
    right = np.searchsorted(order, points + radius, side="right")
    return right - np.searchsorted(order, points - radius, side="left")


def _kth_distance(own: Float[np.ndarray, " m"], k: int) -> Float[np.ndarray, " m"]:
    """Return the distance of each sorted value to its k-th nearest other."""
    padded = np.concatenate([np.full(k, -np.inf), own, np.full(k, np.inf)])
    # The k nearest and the value itself are k + 1 in a row, one of k + 1 such rows.
    starts = np.arange(len(own))[:, None] + np.arange(k + 1)
    farther = np.maximum(own[:, None] - padded[starts], padded[starts + k] - own[:, None])
    return farther.min(axis=1)


def of_counts(first: Int[np.ndarray, " n"], second: Int[np.ndarray, " n"]) -> float:
    """Return I(first; second) of two columns of classes, with Miller and Madow's correction.

    Source: Miller 1955, Note on the bias of information estimates.
    """
    a, b = (np.unique(side, return_inverse=True)[1] for side in (first, second))
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    return entropy_of(table.sum(1)) + entropy_of(table.sum(0)) - entropy_of(table.ravel())


def entropy_of(counts: Float[np.ndarray, " c"]) -> float:
    """Return the entropy of classes counted so often, with Miller and Madow's correction."""
    kept = counts[counts > 0]
    share, n = kept / kept.sum(), float(kept.sum())
    return float(-(share * np.log(share)).sum() + (len(kept) - 1) / (2 * n))
