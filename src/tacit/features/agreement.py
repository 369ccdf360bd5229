"""Do features agree with truth that is known for every token?

Each feature is matched with the label it tells best on training text and scored on held-out
text, beside the label's base rate and the best of as many random directions as the site is
wide: AUROC alone flatters, a random basis reaches .98 on some labels.
Axes: n rows, m firings, l labels, d width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError
from tacit.features.index import Index
from tacit.features.truth import Rows, rows_of
from tacit.metrics.labels import auroc_sparse, best_f1_threshold_sparse, f1_sparse


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well one score tells one label on held-out text."""

    feature: int
    """Atom of the dictionary, or number of the random direction."""
    sign: int
    """The score is the activation above zero (1) or, of a signed code, below it (-1)."""
    label: str
    base_rate: float
    """Share of held-out rows with the label: the precision of saying yes to all."""
    auroc: float
    f1: float
    """At the threshold that was best on training text."""
    threshold: float
    """In units of the score; above it the feature says that the token has the label."""
    train_f1: float
    """On the text that the threshold was chosen on."""
    num_positive: int
    """Held-out rows with the label."""


def best_cuts(
    values: Float[np.ndarray, " m"],
    labels: Bool[np.ndarray, "m l"],
    num_positive: Int[np.ndarray, " l"],
) -> Float[np.ndarray, " l"]:
    """Return, for each label, the best F1 of any cut between distinct values.

    ``values`` descend; rows that are not given are said not to have the label. Range: 0 to 1.
    """
    if not len(values):
        return np.zeros(labels.shape[1])
    hits = np.cumsum(labels, axis=0)
    said = np.arange(1, len(values) + 1)[:, None]
    scores = 2 * hits / (said + num_positive)
    ends = np.append(values[:-1] != values[1:], True)
    return scores[ends].max(axis=0)


def score(
    feature: int,
    label: str,
    rows: Rows,
    fired: Int[np.ndarray, " m"],
    values: Float[np.ndarray, " m"],
    *,
    sign: int = 1,
) -> Agreement:
    """Return one feature's held-out agreement with one label, threshold from training text.

    ``values`` are its scores on the rows ``fired``, above 0; every other row scores 0.
    """
    truth = rows.truth[label]
    train, held = rows.train[fired], rows.held_out[fired]
    fitted = best_f1_threshold_sparse(
        values[train], truth[fired[train]], int(truth[rows.train].sum())
    )
    num_positive = int(truth[rows.held_out].sum())
    num_rows = int(rows.held_out.sum())
    here = truth[fired[held]]
    return Agreement(
        feature=feature,
        sign=sign,
        label=label,
        base_rate=num_positive / num_rows,
        auroc=auroc_sparse(values[held], here, num_positive, num_rows - num_positive),
        f1=f1_sparse(values[held], here, fitted.threshold, num_positive),
        threshold=fitted.threshold,
        train_f1=fitted.f1,
        num_positive=num_positive,
    )


@dataclass(frozen=True, kw_only=True)
class LabelAgreement:
    """Agreement of a whole dictionary."""

    by_feature: tuple[Agreement, ...]
    """Each feature that fires often enough in training text, with the label it tells best."""
    by_label: Mapping[str, Agreement]
    """Each label with the feature that tells it best in training text."""
    random: Mapping[str, Agreement]
    """The same with random orthonormal directions instead of features."""
    left_out: Mapping[str, str]


def label_agreement(
    index: Index, random: Float[np.ndarray, "n d"], *, smallest_count: int = 20
) -> LabelAgreement:
    """Return the agreement of every feature with the labels of its index.

    ``random`` holds each row's coordinates in a random orthonormal basis; a row that was not
    encoded may hold anything. A direction, or a feature of a signed code, counts as two scores,
    one for each side of zero. A score with fewer than ``smallest_count`` training firings is
    not matched with any label.
    """
    rows = rows_of(index)
    if not rows.truth:
        raise UserError(
            "no label is known on both sides of the split; use text with labels."
        )
    names = tuple(rows.truth)
    matrix = np.stack([rows.truth[name] for name in names], axis=1)
    features = _matched(_sides_of(index), matrix, rows, smallest_count)
    basis = _matched(_sides_of_basis(random, rows), matrix, rows, smallest_count)
    better: dict[int, Side] = {}
    for side, (_, scores) in features.items():
        rival = better.setdefault(side[0], side)
        if scores.max() > features[rival][1].max():
            better[side[0]] = side
    return LabelAgreement(
        by_feature=tuple(
            _scored(side, names[int(features[side][1].argmax())], features, rows)
            for side in better.values()
        ),
        by_label=_best(features, names, rows),
        random=_best(basis, names, rows),
        left_out=rows.left_out,
    )


Side = tuple[int, int]
"""Number of a feature or direction, and the sign of the values that are its score."""
Fired = tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]
"""Rows that fire and their scores, above 0 and descending."""
Matched = dict[Side, tuple[Fired, Float[np.ndarray, " l"]]]


def _sides_of(index: Index) -> dict[Side, Fired]:
    """Return the firings of each feature, those below zero of a signed code by themselves."""
    found = index.query("SELECT feature, row, value FROM by_feature")
    side = 2 * found["feature"].astype(np.int64) + (found["value"] < 0)
    size = np.abs(found["value"])
    order = np.lexsort((found["row"], -size, side))
    side, row, size = side[order], found["row"][order], size[order]
    edges = np.append(np.flatnonzero(np.diff(side, prepend=-1)), len(side))
    return {
        (int(side[first]) // 2, 1 - 2 * (int(side[first]) % 2)): (
            row[first:last],
            size[first:last],
        )
        for first, last in zip(edges[:-1], edges[1:], strict=True)
    }


def _sides_of_basis(random: Float[np.ndarray, "n d"], rows: Rows) -> dict[Side, Fired]:
    """Return both sides of each random direction as two scores that fire where positive."""
    counted = np.flatnonzero(rows.train | rows.held_out)
    sides: dict[Side, Fired] = {}
    for number in range(random.shape[1]):
        for sign in (1, -1):
            values = sign * random[counted, number]
            order = np.argsort(-values, kind="stable")
            order = order[values[order] > 0]
            sides[number, sign] = (counted[order], values[order])
    return sides


def _matched(
    fired: Mapping[Side, Fired],
    matrix: Bool[np.ndarray, "n l"],
    rows: Rows,
    smallest_count: int,
) -> Matched:
    """Return each score that fires often enough, with its best training F1 for each label."""
    num_positive = matrix[rows.train].sum(axis=0)
    matched: Matched = {}
    for side, (row, value) in fired.items():
        train = rows.train[row]
        if int(train.sum()) >= smallest_count:
            cuts = best_cuts(value[train], matrix[row[train]], num_positive)
            matched[side] = ((row, value), cuts)
    return matched


def _scored(side: Side, label: str, matched: Matched, rows: Rows) -> Agreement:
    feature, sign = side
    return score(feature, label, rows, *matched[side][0], sign=sign)


def _best(matched: Matched, names: tuple[str, ...], rows: Rows) -> dict[str, Agreement]:
    """Return each label with the score that tells it best in training text."""
    if not matched:
        return {}
    table = np.stack([scores for _, scores in matched.values()])
    sides = list(matched)
    best = {name: sides[int(table[:, place].argmax())] for place, name in enumerate(names)}
    return {name: _scored(side, name, matched, rows) for name, side in best.items()}
