"""Everything that is measured of one bottleneck: what leaks, where, and how good it is otherwise.

Axes: n images, k concepts, r readings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from tacit.base.errors import UserError
from tacit.base.records import Gap, Record, Result
from tacit.bottlenecks.conditional import Leak, conditional_information
from tacit.bottlenecks.hiding import concept_leaks
from tacit.bottlenecks.impurity import oracle_impurity
from tacit.bottlenecks.information import concept_task_leakage, interconcept_leakage
from tacit.bottlenecks.intervening import InterventionCurve
from tacit.bottlenecks.logits import as_logits
from tacit.bottlenecks.twins import TwinExcess
from tacit.metrics.catalogue import METRICS
from tacit.metrics.results import as_result
from tacit.metrics.student import student_ratio
from tacit.verbs.leak_answers import (
    Moved,
    moved_by_more,
    set_by_hand,
    task_accuracy,
    twins_told,
)
from tacit.verbs.leak_inputs import IN_WORDS, Examined
from tacit.verbs.leak_settings import LeakSettings

Of = Mapping[str, str | int | float]
TOO_FEW = "the readings are fewer than the concepts, so that none belongs to a concept"
NUM_STEPS = 5
"""Steps of measuring, for whoever shows how far it is."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What was measured, on its way to the report."""

    examined: Examined
    leak: Leak
    """Of all readings."""
    records: tuple[Record, ...]
    logits: Float[np.ndarray, "n r"]
    """The readings as logits."""
    by_concept: Float[np.ndarray, " k"] | Gap
    """What each concept's reading alone carries of the class, in nats; NaN where it is flat."""
    curve: InterventionCurve | None
    twins: TwinExcess | None
    moved: Moved | None
    """None without class logits."""


def measured(
    examined: Examined, settings: LeakSettings, *, told: Callable[[], None] = lambda: None
) -> Found:
    """Return all figures; one that cannot be had is a gap with its reason.

    ``told`` is called after each of the ``NUM_STEPS`` steps.
    """
    logits = as_logits(examined.readings).values
    leak, records = _leaks(examined, settings)
    told()
    twins, of_twins = twins_told(examined)
    records += [task_accuracy(examined), *of_twins, _concepts(examined, logits)]
    told()
    records += _secondary(examined, logits, settings.seed)
    told()
    curve, ends = set_by_hand(examined, settings)
    records += ends
    told()
    by_concept = _by_concept(examined, logits)
    records += [by_concept] if isinstance(by_concept, Gap) else []
    moved = None
    if examined.class_logits is not None:
        moved = moved_by_more(examined.class_logits, examined.labels, examined.truth)
    told()
    return Found(
        examined=examined,
        leak=leak,
        records=tuple(records),
        logits=logits,
        by_concept=by_concept,
        curve=curve,
        twins=twins,
        moved=moved,
    )


def _leaks(examined: Examined, settings: LeakSettings) -> tuple[Leak, list[Record]]:
    n, k = examined.truth.shape
    if n < 2 * settings.folds:
        raise UserError(
            f"{n} images were given and {settings.folds} parts are held out in turn; give "
            f"{2 * settings.folds} images or more, or fewer folds."
        )

    def found(readings: Float[np.ndarray, "n r"]) -> Leak:
        return conditional_information(
            examined.labels,
            examined.truth,
            readings,
            estimator=settings.estimator,
            folds=settings.folds,
            seed=settings.seed,
        )

    of = {"given": IN_WORDS[examined.basis]}
    leak = found(examined.readings)
    records = leak.records(of)
    if examined.readings.shape[1] > k:
        alone = found(examined.readings[:, :k]).records(
            {**of, "readings": "concepts alone"}
        )
        records.append(alone[0])
    return leak, records


def _concepts(examined: Examined, logits: Float[np.ndarray, "n r"]) -> Record:
    name, of = "concept_accuracy", {"against": IN_WORDS[examined.basis]}
    k = examined.truth.shape[1]
    if logits.shape[1] < k:
        return Gap(name=name, reason=TOO_FEW, of=of)
    right = ((logits[:, :k] > 0) == examined.truth) & examined.known
    return _each(
        name,
        of,
        lambda: as_result(
            name, student_ratio(right.sum(axis=1), examined.known.sum(axis=1)), of
        ),
    )


def _secondary(
    examined: Examined, logits: Float[np.ndarray, "n r"], seed: int
) -> list[Record]:
    truth, of = examined.truth, {"given": IN_WORDS[examined.basis]}
    names = ("concept_task_leakage", "interconcept_leakage", "oracle_impurity")
    if logits.shape[1] < truth.shape[1]:
        return [Gap(name=name, reason=TOO_FEW, of=of) for name in names]
    own = logits[:, : truth.shape[1]]

    def impurity() -> Result:
        # A norm over pairs of concepts, which noise makes larger: no mean, and without interval.
        row = METRICS["oracle_impurity"]
        return Result(
            name=row.name,
            value=oracle_impurity(own, truth, seed=seed).value,
            unit=row.unit,
            better=row.direction,
            n=len(truth),
            interval=None,
            of=of,
        )

    ways: Sequence[Callable[[], Result]] = (
        lambda: as_result(
            names[0], concept_task_leakage(own, truth, examined.labels, seed=seed).mean, of
        ),
        lambda: as_result(names[1], interconcept_leakage(own, truth, seed=seed).mean, of),
        impurity,
    )
    return [_each(name, of, way) for name, way in zip(names, ways, strict=True)]


def _by_concept(
    examined: Examined, logits: Float[np.ndarray, "n r"]
) -> Float[np.ndarray, " k"] | Gap:
    k, name = examined.truth.shape[1], "conditional_information"
    of = {"given": IN_WORDS[examined.basis], "readings": "each concept alone"}
    if logits.shape[1] < k:
        return Gap(name=name, reason=TOO_FEW, of=of)
    try:
        return concept_leaks(examined.labels, examined.truth, logits[:, :k])
    except UserError as error:
        return Gap(name=name, reason=str(error), of=of)


def _each(name: str, of: Of, way: Callable[[], Result]) -> Record:
    """Return a figure, or the reason why these arrays do not have it."""
    try:
        return way()
    except UserError as error:
        return Gap(name=name, reason=str(error), of=of)
