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

from tacit.activations.store import HIGH_NORM
from tacit.base.errors import UserError
from tacit.features.index import Index
from tacit.metrics.labels import auroc_sparse, best_f1_threshold_sparse, f1_sparse

Truth = dict[str, Bool[np.ndarray, " n"]]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well one score tells one label on held-out text."""

    feature: int
    """Atom of the dictionary, or number of the random direction."""
    label: str
    base_rate: float
    """Share of held-out rows with the label: the precision of saying yes to all."""
    auroc: float
    f1: float
    """At the threshold that was best on training text."""
    threshold: float
    train_f1: float
    num_positive: int
    """Held-out rows with the label."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of an index that count, split into training and held-out text, with truth."""

    train: Bool[np.ndarray, " n"]
    held_out: Bool[np.ndarray, " n"]
    truth: Truth
    left_out: Mapping[str, str]
    """Labels that cannot be scored, and why."""


def rows_of(index: Index) -> Rows:
    """Return the encoded rows with the labels that occur, and fail to occur, on both sides."""
    site = index.manifest["configuration"]["site"]
    tokens = index.tokens
    usable = ~(
        tokens.column("special").to_numpy() | tokens.column(HIGH_NORM + site).to_numpy()
    )
    held = tokens.column("held_out").to_numpy()
    train, held_out = usable & ~held, usable & held
    truth: Truth = {}
    left_out: dict[str, str] = {}
    for name in index.manifest["labels"]:
        column = index.label(name)
        counts = [int(column[part].sum()) for part in (train, held_out)]
        sizes = [int(train.sum()), int(held_out.sum())]
        if 0 in counts or counts == sizes:
            left_out[name] = f"{counts[0]} training and {counts[1]} held-out tokens have it"
        else:
            truth[name] = column
    return Rows(train=train, held_out=held_out, truth=truth, left_out=left_out)


def best_cuts(
    values: Float[np.ndarray, " m"],
    labels: Bool[np.ndarray, "m l"],
    num_positive: Int[np.ndarray, " l"],
) -> Float[np.ndarray, " l"]:
    """Return, for each label, the best F1 of any cut between distinct values.

    ``values`` descend; rows that are not given are said not to have the label.
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
) -> Agreement:
    """Return one feature's held-out agreement with one label, threshold from training text."""
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
    """Each feature that fires in training text, with the label it tells best there."""
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
    encoded may hold anything. A feature with fewer than ``smallest_count`` training firings is
    not matched with any label.
    """
    rows = rows_of(index)
    if not rows.truth:
        raise UserError(
            "no label is known on both sides of the split; use text with labels."
        )
    names = tuple(rows.truth)
    matrix = np.stack([rows.truth[name] for name in names], axis=1)
    features = _matched(_firings_of(index), matrix, rows, smallest_count)
    basis = _matched(_sides(random, rows), matrix, rows, smallest_count)
    return LabelAgreement(
        by_feature=tuple(
            score(each, names[int(scores.argmax())], rows, *fired)
            for each, (fired, scores) in features.items()
        ),
        by_label=_best(features, names, rows),
        random=_best(basis, names, rows),
        left_out=rows.left_out,
    )


Fired = tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]
Matched = dict[int, tuple[Fired, Float[np.ndarray, " l"]]]


def _firings_of(index: Index) -> dict[int, Fired]:
    """Return the rows and values of each feature that fires, values descending."""
    found = index.query("SELECT feature, row, value FROM by_feature WHERE value > 0")
    order = np.lexsort((found["row"], -found["value"], found["feature"]))
    feature, row, value = (found[name][order] for name in ("feature", "row", "value"))
    edges = np.append(np.flatnonzero(np.diff(feature, prepend=-1)), len(feature))
    return {
        int(feature[first]): (row[first:last], value[first:last])
        for first, last in zip(edges[:-1], edges[1:], strict=True)
    }


def _sides(random: Float[np.ndarray, "n d"], rows: Rows) -> dict[int, Fired]:
    """Return both sides of each random direction as two scores that fire where positive."""
    counted = np.flatnonzero(rows.train | rows.held_out)
    sides: dict[int, Fired] = {}
    for number in range(random.shape[1]):
        for sign in (1, -1):
            values = sign * random[counted, number]
            order = np.argsort(-values, kind="stable")
            order = order[values[order] > 0]
            sides[2 * number + (sign < 0)] = (counted[order], values[order])
    return sides


def _matched(
    fired: Mapping[int, Fired],
    matrix: Bool[np.ndarray, "n l"],
    rows: Rows,
    smallest_count: int,
) -> Matched:
    num_positive = matrix[rows.train].sum(axis=0)
    matched: Matched = {}
    for feature, (row, value) in fired.items():
        train = rows.train[row]
        if int(train.sum()) >= smallest_count:
            cuts = best_cuts(value[train], matrix[row[train]], num_positive)
            matched[feature] = ((row, value), cuts)
    return matched


def _best(matched: Matched, names: tuple[str, ...], rows: Rows) -> dict[str, Agreement]:
    if not matched:
        return {}
    table = np.stack([scores for _, scores in matched.values()])
    features = list(matched)
    best = {
        name: features[int(table[:, place].argmax())] for place, name in enumerate(names)
    }
    return {name: score(each, name, rows, *matched[each][0]) for name, each in best.items()}
