"""What becomes of a leak at the class head: answers, twins, and concepts that are set by hand.

Axes: n images, k concepts, m classes, t images of twins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.records import Gap, Record
from tacit.bottlenecks.groups import group_by_concepts
from tacit.bottlenecks.intervening import InterventionCurve, intervention_curve
from tacit.bottlenecks.twins import TwinExcess, excess_over_ceiling
from tacit.metrics.intervals import wilson
from tacit.metrics.results import as_result
from tacit.verbs.leak_inputs import Examined
from tacit.verbs.leak_settings import LeakSettings

NO_CLASSES = "no class logits were given, so that what the class head names is not known"
NO_TWINS = "no class is known to have a twin: that is so of drawn birds alone"
NO_HEAD = (
    "the class head cannot be run by itself on concepts that are set by hand: give the folder of a "
    "bottleneck that Tacit saved"
)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Moved:
    """Where the answer for an image is not the one that its concepts alone would get.

    The latter is the answer to the mean class logits of images with equal concepts.
    """

    of_concepts: Int[np.ndarray, " n"]
    """The class that the concepts alone are given."""
    to_right: Bool[np.ndarray, " n"]
    """Right, and wrong by the concepts alone."""
    to_wrong: Bool[np.ndarray, " n"]
    """Wrong, and right by the concepts alone: what chance moves, it moves both ways."""


def moved_by_more(
    class_logits: Float[np.ndarray, "n m"],
    labels: Int[np.ndarray, " n"],
    truth: Bool[np.ndarray, "n k"],
) -> Moved:
    """Return which answers are not those that the concepts alone would get."""
    groups = group_by_concepts(labels, truth)
    means = groups.centres(class_logits.astype(np.float64), np.arange(len(labels)))
    of_concepts = means.argmax(axis=1)[groups.of_image]
    own = class_logits.argmax(axis=1)
    return Moved(
        of_concepts=of_concepts,
        to_right=(own == labels) & (of_concepts != labels),
        to_wrong=(own != labels) & (of_concepts == labels),
    )


def right_twins(
    class_logits: Float[np.ndarray, "n m"],
    labels: Int[np.ndarray, " n"],
    twin_of: Int[np.ndarray, " m"],
) -> tuple[Bool[np.ndarray, " t"], Int[np.ndarray, " t"]]:
    """Return which images of twins are given to the right one of the two, and their pair.

    A pair is named by its first class, which also gets the images that both are as likely for.
    """
    rows = np.flatnonzero(twin_of[labels] >= 0)
    own, twin = labels[rows], twin_of[labels[rows]]
    first, second = np.minimum(own, twin), np.maximum(own, twin)
    says_second = class_logits[rows, second] > class_logits[rows, first]
    return np.where(says_second, second, first) == own, first


def task_accuracy(examined: Examined) -> Record:
    """Return how often the class head names the class."""
    if examined.class_logits is None:
        return Gap(name="task_accuracy", reason=NO_CLASSES)
    right = int((examined.class_logits.argmax(axis=1) == examined.labels).sum())
    return as_result("task_accuracy", wilson(right, len(examined.labels)), {})


def twins_told(examined: Examined) -> tuple[TwinExcess | None, list[Record]]:
    """Return how far twins are told apart, and the record of it."""
    name = "twin_accuracy"
    if examined.class_logits is None:
        return None, [Gap(name=name, reason=NO_CLASSES)]
    twin_of = examined.twin_of
    if twin_of is None or not (twin_of[examined.labels] >= 0).any():
        return None, [Gap(name=name, reason=NO_TWINS)]
    right, pair = right_twins(examined.class_logits, examined.labels, twin_of)
    share = wilson(int(right.sum()), len(right))
    return excess_over_ceiling(right, pair), [as_result(name, share, {})]


def set_by_hand(
    examined: Examined, settings: LeakSettings
) -> tuple[InterventionCurve | None, list[Record]]:
    """Return the curve, and accuracy once every concept is set: to its truth, to what was said."""
    name, kinds = "intervened_accuracy", ("truth", "own answers")
    if examined.head is None:
        reason = NO_CLASSES if examined.class_logits is None else NO_HEAD
        return None, [Gap(name=name, reason=reason, of={"set to": kinds[0]})]
    is_hard = bool(np.isin(examined.readings, (0, 1)).all())
    curve = intervention_curve(
        examined.readings,
        examined.truth,
        list(examined.groups.values()),
        examined.head,
        examined.labels,
        orders=settings.orders,
        seed=settings.seed,
        values="sigmoid" if is_hard else "percentiles",
    )
    ends = (curve.set_to_truth[-1], curve.set_to_own[-1])
    return curve, [
        as_result(name, end, {"set to": kind, "groups": curve.num_groups[-1]})
        for kind, end in zip(kinds, ends, strict=True)
    ]
