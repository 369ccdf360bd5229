"""What is measured of one run on test images: accuracies, what leaks, and where.

Axes: e images to test on, k concepts, m classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float, Int

from tacit.base.records import Gap
from tacit.bottlenecks.conditional import conditional_information
from tacit.bottlenecks.hiding import concept_leaks, concept_properties, mean_shift
from tacit.bottlenecks.impurity import oracle_impurity
from tacit.bottlenecks.information import concept_task_leakage, interconcept_leakage
from tacit.bottlenecks.networks import ClassHead
from tacit.bottlenecks.reading import class_logits_of
from tacit.bottlenecks.residual_ratio import uncertainty_reduction_ratio
from tacit.bottlenecks.swapping import swap
from tacit.studies.hidden_information.arms import ARMS, INDEPENDENT
from tacit.studies.hidden_information.pictures import Pictures, read_pictures
from tacit.studies.hidden_information.runs import (
    Said,
    head_of,
    independent_head,
    read_said,
)
from tacit.studies.hidden_information.setting_concepts import curve_of
from tacit.studies.hidden_information.settings import HiddenSettings
from tacit.studies.tables import write_rows


@final
@dataclass(frozen=True, kw_only=True)
class RunRow:
    """Figures of one run; those of twins and of what was drawn are None of real images."""

    arm: str
    seed: int
    n: int
    task_accuracy: float
    varied_accuracy: float
    """Of training images as training varies them."""
    concept_accuracy: float
    """Of what was drawn, or else of what is annotated and known."""
    twin_accuracy: float | None
    leak: float | None
    leak_low: float | None
    leak_high: float | None
    entropy: float
    """Nats of the class that the concepts leave open."""
    task_leakage: float
    interconcept: float
    impurity: float
    nuisance: float | None
    """Uncertainty reduction ratio of the berry, which depends on nothing."""
    set_accuracy: float
    """With every concept set to its truth."""
    own_accuracy: float
    """With every concept set to what the run itself says of it."""


@final
@dataclass(frozen=True, kw_only=True)
class CurveRow:
    """Accuracy once so many groups of concepts are set."""

    arm: str
    seed: int
    groups: int
    to_truth: float
    to_own: float


@final
@dataclass(frozen=True, kw_only=True)
class PlaceRow:
    """What one concept's logit carries beyond the concepts."""

    arm: str
    seed: int
    concept: str
    leak: float | None
    """In nats; None where the logit does not vary."""
    entropy: float
    """Bits."""
    imbalance: float
    shift: float | None
    """Mean distance from the sequential run of the seed; None of that run itself."""


def write_run(
    settings: HiddenSettings, partial: Path, folder: Path, arm: str, seed: int
) -> None:
    """Write the tables of one run; those of an independent head stand with the sequential one."""
    pictures, said = read_pictures(partial), read_said(partial, arm, seed)
    heads = {arm: head_of(partial, arm, seed)}
    if arm == "sequential":
        heads[INDEPENDENT] = independent_head(settings, pictures, seed)
    rows, curves = [], []
    for name, head in heads.items():
        own_curve = curve_of(
            pictures,
            said.concept_logits,
            lambda logits, head=head: class_logits_of(head, logits),
            orders=settings.orders,
            seed=seed,
        )
        points = zip(
            own_curve.num_groups, own_curve.set_to_truth, own_curve.set_to_own, strict=True
        )
        found = [
            CurveRow(arm=name, seed=seed, groups=n, to_truth=truth.value, to_own=own.value)
            for n, truth, own in points
        ]
        curves += found
        rows.append(_row(settings, pictures, said, head, name, seed, found[-1]))
    write_rows(folder / f"curves-{arm}-{seed}.parquet", curves)
    if pictures.twin_of is not None:
        places = _places(pictures, partial, said, arm, seed)
        write_rows(folder / f"places-{arm}-{seed}.parquet", places)
    write_rows(folder / f"run-{arm}-{seed}.parquet", rows)


def classes_of(pictures: Pictures, arm: str) -> Int[np.ndarray, " n"]:
    """Return the classes that an arm's runs were to tell."""
    is_cueless = arm in ARMS and ARMS[arm].is_cueless
    return pictures.coin_classes() if is_cueless else pictures.classes


def passed_on(pictures: Pictures, said: Said, arm: str) -> Float[np.ndarray, "n k"]:
    """Return what an arm's heads read of the concepts: logits, or yes and no where it is hard."""
    logits = said.concept_logits[:, : len(pictures.concepts)]
    is_hard = arm in ARMS and ARMS[arm].shape.get("carries") == "hard"
    return (logits > 0).astype(np.float32) if is_hard else logits


def _row(
    settings: HiddenSettings,
    pictures: Pictures,
    said: Said,
    head: ClassHead,
    arm: str,
    seed: int,
    set_all: CurveRow,
) -> RunRow:
    test = pictures.split.test
    classes, truth = classes_of(pictures, arm)[test], pictures.truth[test]
    read = passed_on(pictures, said, arm)[test]
    own_logits = said.concept_logits[test]
    swaps = swap([own_logits], [head], classes, twin_of=pictures.twin_of)
    known = pictures.known[test] if pictures.rendered is None else np.ones_like(truth)
    found = conditional_information(classes, truth, read, folds=settings.folds, seed=seed)
    leak = None if isinstance(found.information, Gap) else found.information
    logits = own_logits[:, : truth.shape[1]]
    nuisance = pictures.nuisance
    ratio = None
    if nuisance is not None:
        ratio = uncertainty_reduction_ratio(
            read, nuisance[test].astype(np.int64), seed=seed
        )
    return RunRow(
        arm=arm,
        seed=seed,
        n=len(test),
        task_accuracy=float(swaps.accuracy[0, 0]),
        varied_accuracy=said.varied_accuracy,
        concept_accuracy=float(((logits > 0) == truth)[known].mean()),
        twin_accuracy=None if swaps.twins is None else float(swaps.twins.accuracy[0, 0]),
        leak=leak and leak.value,
        leak_low=leak and leak.low,
        leak_high=leak and leak.high,
        entropy=found.entropy.value,
        task_leakage=concept_task_leakage(logits, truth, classes, seed=seed).mean.value,
        interconcept=interconcept_leakage(logits, truth, seed=seed).mean.value,
        impurity=oracle_impurity(logits, truth, seed=seed).value,
        nuisance=ratio and ratio.value,
        set_accuracy=set_all.to_truth,
        own_accuracy=set_all.to_own,
    )


def _places(
    pictures: Pictures, partial: Path, said: Said, arm: str, seed: int
) -> list[PlaceRow]:
    test, count = pictures.split.test, len(pictures.concepts)
    truth, logits = pictures.truth[test], said.concept_logits[test][:, :count]
    leaks = concept_leaks(classes_of(pictures, arm)[test], truth, logits)
    about = concept_properties(truth)
    shifts: list[float | None] = [None] * count
    if arm != "sequential":
        other = read_said(partial, "sequential", seed).concept_logits[test]
        shifts = mean_shift(logits, other).tolist()
    return [
        PlaceRow(
            arm=arm,
            seed=seed,
            concept=name,
            leak=float(leak) if np.isfinite(leak) else None,
            entropy=float(entropy),
            imbalance=float(imbalance),
            shift=shift,
        )
        for name, leak, entropy, imbalance, shift in zip(
            pictures.concepts, leaks, about.entropy, about.imbalance, shifts, strict=True
        )
    ]
