"""Do features agree with truth that is known for every token?

Each feature is matched with the label it tells best on training text and scored on held-out
text, beside the label's base rate and the best of as many random directions as the site is
wide: AUROC alone flatters, a random basis reaches .98 on some labels.
Axes: n rows, m firings, l labels, d width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError
from tacit.base.seeds import stream
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
    index: Index,
    random: Float[np.ndarray, "n d"],
    *,
    smallest_count: int = 20,
    match_rows: int = 40_000,
    seed: int = 0,
) -> LabelAgreement:
    """Return the agreement of every feature with the labels of its index.

    ``random`` holds each row's coordinates in a random orthonormal basis; a row that was not
    encoded may hold anything. A direction, or a feature of a signed code, counts as two scores,
    one for each side of zero. Scores and labels are matched on at most ``match_rows`` training
    rows, drawn with ``seed``; a score with fewer than ``smallest_count`` firings among them is
    not matched. Thresholds come from all training rows, agreements from all held-out ones.
    """
    rows = rows_of(index)
    if not rows.truth:
        raise UserError(
            "no label is known on both sides of the split; use text with labels."
        )
    names = tuple(rows.truth)
    matrix = np.stack([rows.truth[name] for name in names], axis=1)
    sample = _sample(rows.train, match_rows, seed)
    fired = _sides_of(index)
    features = _matched(fired, fired.__getitem__, matrix, sample, smallest_count)
    few, every = np.flatnonzero(sample), np.flatnonzero(rows.train | rows.held_out)
    sides = [(number, sign) for number in range(random.shape[1]) for sign in (1, -1)]
    basis = _matched(
        sides, lambda side: _side_of(random, few, side), matrix, sample, smallest_count
    )
    better: dict[int, Side] = {}
    for side, scores in features.items():
        rival = better.setdefault(side[0], side)
        if scores.max() > features[rival].max():
            better[side[0]] = side
    return LabelAgreement(
        by_feature=tuple(
            score(
                side[0],
                names[int(features[side].argmax())],
                rows,
                *fired[side],
                sign=side[1],
            )
            for side in better.values()
        ),
        by_label=_best(features, fired.__getitem__, names, rows),
        random=_best(basis, lambda side: _side_of(random, every, side), names, rows),
        left_out=rows.left_out,
    )


Side = tuple[int, int]
"""Number of a feature or direction, and the sign of the values that are its score."""
Fired = tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]
"""Rows that fire and their scores, above 0 and descending."""
Matched = dict[Side, Float[np.ndarray, " l"]]
"""Best F1 for each label on the rows that scores and labels are matched on."""


def _sample(train: Bool[np.ndarray, " n"], num: int, seed: int) -> Bool[np.ndarray, " n"]:
    """Return at most ``num`` of the training rows, drawn at random."""
    rows = np.flatnonzero(train)
    drawn = stream(seed, "features/matching").choice(
        rows, min(num, len(rows)), replace=False
    )
    sample = np.zeros(len(train), dtype=bool)
    sample[drawn] = True
    return sample


def _sides_of(index: Index) -> dict[Side, Fired]:
    """Return the firings of each feature, those below zero of a signed code by themselves."""
    found = index.query("SELECT feature, row, value FROM by_feature")
    side = 2 * found["feature"].astype(np.int64) + (found["value"] < 0)
    row, size = found["row"], np.abs(found["value"])
    if (
        np.diff(side) < 0
    ).any():  # the file's own order serves where no value is below zero
        order = np.lexsort((row, -size, side))
        side, row, size = side[order], row[order], size[order]
    edges = np.append(np.flatnonzero(np.diff(side, prepend=-1)), len(side))
    return {
        (int(side[first]) // 2, 1 - 2 * (int(side[first]) % 2)): (
            row[first:last],
            size[first:last],
        )
        for first, last in zip(edges[:-1], edges[1:], strict=True)
    }


def _side_of(
    random: Float[np.ndarray, "n d"], counted: Int[np.ndarray, " c"], side: Side
) -> Fired:
    """Return one side of a random direction as a score that fires where it is positive."""
    number, sign = side
    values = sign * random[counted, number]
    order = np.argsort(-values, kind="stable")
    order = order[values[order] > 0]
    return counted[order], values[order]


def _matched(
    sides: Iterable[Side],
    fired: Callable[[Side], Fired],
    matrix: Bool[np.ndarray, "n l"],
    sample: Bool[np.ndarray, " n"],
    smallest_count: int,
) -> Matched:
    """Return each score that fires often enough in the sample, with its best F1s there."""
    num_positive = matrix[sample].sum(axis=0)
    matched: Matched = {}
    for side in sides:
        row, value = fired(side)
        inside = sample[row]
        if int(inside.sum()) >= smallest_count:
            matched[side] = best_cuts(value[inside], matrix[row[inside]], num_positive)
    return matched


def _best(
    matched: Matched,
    fired: Callable[[Side], Fired],
    names: tuple[str, ...],
    rows: Rows,
) -> dict[str, Agreement]:
    """Return each label with the score that tells it best in training text."""
    if not matched:
        return {}
    table, sides = np.stack(list(matched.values())), list(matched)
    best = {name: sides[int(table[:, place].argmax())] for place, name in enumerate(names)}
    return {
        name: score(side[0], name, rows, *fired(side), sign=side[1])
        for name, side in best.items()
    }
