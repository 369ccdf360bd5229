"""The tables of a leak's report: every figure, every concept, pairs of twins, pictures.

Axes: n images, k concepts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int

from tacit.base.records import Gap, Result
from tacit.base.seeds import stream
from tacit.bottlenecks.groups import group_by_concepts
from tacit.bottlenecks.hiding import concept_properties
from tacit.data.birds.chunks import encoded
from tacit.metrics.intervals import wilson
from tacit.verbs.comparison_tables import words_of
from tacit.verbs.leak_answers import Moved, right_twins
from tacit.verbs.leak_inputs import Examined, LeakSource
from tacit.verbs.leak_measures import Found
from tacit.verbs.measured_tables import in_words

Row = Mapping[str, Any]
MOST_BARS = 15
MOST_ROWS, EACH = 5, 3
"""Rows of pictures, and pictures of each of the two classes in a row."""


def figure_rows(found: Found) -> list[Row]:
    """Return a row for every figure that there is."""
    return [
        {
            "figure": record.name,
            "of": in_words(record.of, ()),
            "value": words_of(record),
            "unit": "" if record.unit == "1" else record.unit,
            "better": record.better,
            "n": record.n,
        }
        for record in found.records
        if isinstance(record, Result)
    ]


def concept_rows(found: Found) -> list[Row]:
    """Return a row for every concept, what leaks most first; None where it was not measured."""
    examined = found.examined
    k = len(examined.concepts)
    about = concept_properties(examined.truth)
    leaks = np.full(k, np.nan) if isinstance(found.by_concept, Gap) else found.by_concept
    right = np.full(k, np.nan)
    seen = examined.known.sum(axis=0)
    if found.logits.shape[1] >= k:
        agrees = ((found.logits[:, :k] > 0) == examined.truth) & examined.known
        right = np.where(seen > 0, agrees.sum(axis=0) / np.maximum(seen, 1), np.nan)
    rows = [
        {
            "concept": name,
            "leak": _or_none(leaks[at]),
            "entropy": float(about.entropy[at]) * np.log(2),
            "present": float(examined.truth[:, at].mean()),
            "imbalance": _or_none(about.imbalance[at]),
            "right": _or_none(right[at]),
        }
        for at, name in enumerate(examined.concepts)
    ]
    return sorted(rows, key=lambda row: np.inf if row["leak"] is None else -row["leak"])


def bar_rows(rows: list[Row]) -> list[Row]:
    """Return what the concepts that leak most leak, and beside it what they tell by themselves."""
    return [
        {"concept": row["concept"].removeprefix("has_"), "of": what, "nats": row[column]}
        for column, what in (("leak", "leak"), ("entropy", "entropy of the concept"))
        for row in rows[:MOST_BARS]
        if row["leak"] is not None
    ]


def pair_rows(found: Found) -> list[Row]:
    """Return how well the images of each pair of twins are told apart."""
    own = found.examined
    if found.twins is None or own.class_logits is None or own.twin_of is None:
        return []
    right, pair = right_twins(own.class_logits, own.labels, own.twin_of)
    rows = []
    for first in np.unique(pair).tolist():
        mine = pair == first
        share = wilson(int(right[mine].sum()), int(mine.sum()))
        low, high = share.ends or (None, None)
        names = (_shown(own.classes[each]) for each in (first, own.twin_of[first]))
        rows.append(
            {
                "pair": " and ".join(names),
                "value": share.value,
                "low": low,
                "high": high,
                "n": share.n,
            }
        )
    return sorted(rows, key=lambda row: -row["value"])


def curve_rows(found: Found) -> list[Row]:
    """Return the points of both intervention curves."""
    curve = found.curve
    if curve is None:
        return []
    sides = (("their truth", curve.set_to_truth), ("own answers", curve.set_to_own))
    rows = []
    for side, points in sides:
        for count, point in zip(curve.num_groups, points, strict=True):
            low, high = point.ends or (None, None)
            rows.append(
                {
                    "groups": count,
                    "set": side,
                    "value": point.value,
                    "low": low,
                    "high": high,
                }
            )
    return rows


def picture_rows(found: Found, source: LeakSource, seed: int) -> list[Row]:
    """Return pictures of which the class is right by more than the concepts; none of arrays.

    Each row holds images of one class, then some of the class that images equal in concepts get
    on average, all of them named rightly, drawn at random.
    """
    if found.moved is None:
        return []
    chosen = _chosen(found.examined, found.moved, seed)
    places = np.array([place for _, _, place in chosen], dtype=np.int64)
    pixels = source.pictures(places) if chosen else None
    if pixels is None:
        return []
    return [
        {
            "row": heading,
            "words": words,
            "png": encoded(np.ascontiguousarray(one.transpose(1, 2, 0)), "PNG"),
        }
        for (heading, words, _), one in zip(chosen, pixels, strict=True)
    ]


def _chosen(examined: Examined, moved: Moved, seed: int) -> list[tuple[str, str, int]]:
    """Return heading, words and place of every picture."""
    rng = stream(seed, "verbs/leak pictures")
    group = group_by_concepts(examined.labels, examined.truth).of_image
    assert examined.class_logits is not None, "only class logits are moved"
    is_right = examined.class_logits.argmax(axis=1) == examined.labels
    kinds = Counter(
        (int(group[at]), int(examined.labels[at]), int(moved.of_concepts[at]))
        for at in np.flatnonzero(moved.to_right)
    )
    chosen: list[tuple[str, str, int]] = []
    for (number, own, other), count in kinds.most_common(MOST_ROWS):
        here = (group == number) & is_right
        one, two = (_shown(examined.classes[each]) for each in (own, other))
        heading = f"{one}, {count} images, beside {two}"
        sides = (
            (here & moved.to_right & (examined.labels == own), one),
            (here & (examined.labels == other), two),
        )
        for mine, words in sides:
            chosen += [(heading, words, at) for at in _drawn(np.flatnonzero(mine), rng)]
    return chosen


def _shown(name: str) -> str:
    """Return ``001.Black_footed_Albatross`` as a reader says it."""
    return name.split(".", 1)[-1].replace("_", " ")


def _drawn(places: Int[np.ndarray, " n"], rng: np.random.Generator) -> list[int]:
    return np.sort(rng.permutation(places)[:EACH]).tolist()


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
