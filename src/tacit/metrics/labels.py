"""How well does a score tell a label that is known, token by token?

Axes: n rows. The ``_sparse`` functions take the rows whose score is not 0 alone, and count the
others: a feature that fires on one token in a thousand is scored from that thousandth.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float

from tacit.base.errors import UserError


def auroc(scores: Float[np.ndarray, " n"], labels: Bool[np.ndarray, " n"]) -> float:
    """Return the chance that a positive row outscores a negative one, ties counting half.

    Range: 0 to 1; 0.5 is chance; higher is better (below 0.5 the score tells the opposite).
    Caution: blind to how rare the label is; a rare label needs F1 beside it.
    Raises ``UserError`` unless both labels occur.
    Source: Hanley and McNeil 1982, Radiology 143.
    """
    num_positive = int(labels.sum())
    return auroc_sparse(scores, labels, num_positive, len(labels) - num_positive)


def auroc_sparse(
    values: Float[np.ndarray, " n"],
    labels: Bool[np.ndarray, " n"],
    num_positive: int,
    num_negative: int,
) -> float:
    """Return ``auroc`` over all rows from the n rows whose score is not 0.

    ``num_positive`` and ``num_negative`` count all rows, those with score 0 too; these tie
    with one another, above the negative scores and below the positive ones.
    """
    _check(values, labels)
    positive = int(labels.sum())
    zero_positive = num_positive - positive
    zero_negative = num_negative - (len(labels) - positive)
    _check_totals(num_positive, num_negative, zero_positive, zero_negative)
    if num_negative < 1:
        raise UserError("the AUROC of a label that every row has was asked: leave it out.")
    distinct, place = np.unique(values.astype(np.float64), return_inverse=True)
    positives = np.bincount(place[labels], minlength=len(distinct)).astype(np.float64)
    negatives = np.bincount(place[~labels], minlength=len(distinct)).astype(np.float64)
    at = int(np.searchsorted(distinct, 0.0))
    if at == len(distinct) or distinct[at] != 0:
        positives, negatives = np.insert(positives, at, 0.0), np.insert(negatives, at, 0.0)
    positives[at] += zero_positive
    negatives[at] += zero_negative
    negatives_below = np.cumsum(negatives) - negatives
    wins = float((positives * (negatives_below + negatives / 2)).sum())
    return wins / (num_positive * num_negative)


@final
@dataclass(frozen=True, kw_only=True)
class BestThreshold:
    """The threshold that served best on the rows it was fitted to."""

    threshold: float
    """A row is said to have the label when its score exceeds this."""
    f1: float
    """F1 on those same rows: optimistic, so score another half with ``threshold``."""


def f1(
    scores: Float[np.ndarray, " n"], labels: Bool[np.ndarray, " n"], threshold: float
) -> float:
    """Return the harmonic mean of precision and recall of ``score > threshold``.

    ``2 TP / (2 TP + FP + FN)``. Range: 0 to 1; higher is better.
    Caution: saying yes to all rows scores ``2 p / (1 + p)`` at label rate p; a threshold
    fitted to the same rows flatters, so fit on one half with ``best_f1_threshold``.
    Raises ``UserError`` when no row has the label.
    Source: van Rijsbergen 1979, "Information Retrieval".
    """
    _check(scores, labels)
    return _f1(scores, labels, threshold, int(labels.sum()))


def f1_sparse(
    values: Float[np.ndarray, " n"],
    labels: Bool[np.ndarray, " n"],
    threshold: float,
    num_positive: int,
) -> float:
    """Return ``f1`` over all rows from the n rows whose score is not 0.

    ``num_positive`` counts all rows with the label; the threshold must be 0 or more, so that
    no row with score 0 exceeds it.
    """
    _check(values, labels)
    if threshold < 0:
        raise UserError(
            f"F1 from the rows that fire was asked at threshold {threshold}: rows with score 0 "
            "would exceed it; give 0 or more, or give all rows to f1."
        )
    _check_positives(num_positive, int(labels.sum()))
    return _f1(values, labels, threshold, num_positive)


def best_f1_threshold(
    scores: Float[np.ndarray, " n"], labels: Bool[np.ndarray, " n"]
) -> BestThreshold:
    """Return the threshold with the largest F1 on these rows; the highest such, if several.

    Thresholds lie half-way between neighbouring scores, the lowest below all of them.
    """
    _check(scores, labels)
    _check_positives(int(labels.sum()), int(labels.sum()))
    below_all = float(np.nextafter(scores.min().astype(np.float64), -np.inf))
    return _best(scores, labels, int(labels.sum()), below_all)


def best_f1_threshold_sparse(
    values: Float[np.ndarray, " n"], labels: Bool[np.ndarray, " n"], num_positive: int
) -> BestThreshold:
    """Return ``best_f1_threshold`` among thresholds of 0 or more, from the rows that fire.

    The lowest threshold tried is 0: "the feature fires". A feature that never exceeds 0 gets
    threshold 0 and F1 0.
    """
    _check(values, labels)
    _check_positives(num_positive, int(labels.sum()))
    above = values > 0
    return _best(values[above], labels[above], num_positive, 0.0)


def alike_share(common: Float[np.ndarray, " m"], *, least: float = 0.8) -> float:
    """Return the share of features whose examples have something in common.

    ``common``: for each feature the largest share of its examples that have one thing in common.

    Raises:
        UserError: with no feature, or a share outside 0 to 1.
    """
    if not len(common) or not ((common >= 0) & (common <= 1)).all():
        raise UserError(
            f"the alike among {len(common)} features were asked for; give one or more, each "
            "with a share from 0 to 1."
        )
    return float((common >= least).mean())


def _f1(
    scores: np.ndarray, labels: np.ndarray, threshold: float, num_positive: int
) -> float:
    _check_positives(num_positive, num_positive)
    # In double: the threshold may lie between two neighbouring single-precision scores.
    said = scores.astype(np.float64) > threshold
    return 2 * int((said & labels).sum()) / (int(said.sum()) + num_positive)


def _best(
    scores: np.ndarray, labels: np.ndarray, num_positive: int, lowest: float
) -> BestThreshold:
    """Try every cut between distinct scores, and ``lowest`` below all of them."""
    if len(scores) == 0:
        return BestThreshold(threshold=lowest, f1=0.0)
    distinct, place = np.unique(scores.astype(np.float64), return_inverse=True)
    said = np.cumsum(np.bincount(place)[::-1])[::-1]
    hits = np.cumsum(np.bincount(place[labels], minlength=len(distinct))[::-1])[::-1]
    values = 2 * hits / (said + num_positive)
    best = len(values) - 1 - int(np.argmax(values[::-1]))
    if best == 0:
        return BestThreshold(threshold=lowest, f1=float(values[0]))
    low, high = float(distinct[best - 1]), float(distinct[best])
    middle = low + (high - low) / 2
    # Between neighbouring floats the middle may round up to the score it must stay below.
    return BestThreshold(threshold=middle if middle < high else low, f1=float(values[best]))


def _check(scores: np.ndarray, labels: np.ndarray) -> None:
    if scores.shape != labels.shape:
        raise UserError(
            f"{len(scores)} scores were given with {len(labels)} labels: give one label a row."
        )
    bad = int((~np.isfinite(scores)).sum())
    if bad:
        raise UserError(
            f"{bad} of {len(scores)} scores are not finite: find what overflowed."
        )


def _check_positives(num_positive: int, given: int) -> None:
    if num_positive < 1:
        raise UserError(
            "the agreement with a label that no row has was asked: leave it out."
        )
    if num_positive < given:
        raise UserError(
            f"{given} of the rows given have the label, but num_positive says {num_positive}: "
            "count all rows, those that fire too."
        )


def _check_totals(
    num_positive: int, num_negative: int, zero_positive: int, zero_negative: int
) -> None:
    _check_positives(num_positive, num_positive - zero_positive)
    if zero_negative < 0:
        raise UserError(
            f"{num_negative - zero_negative} of the rows given lack the label, but num_negative "
            f"says {num_negative}: count all rows, those that fire too."
        )
