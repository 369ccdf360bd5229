"""In which concepts is the extra information hidden?

Axes: n images, k concepts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast, final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.bottlenecks.groups import group_by_concepts
from tacit.metrics.bootstrap import bootstrap_rows
from tacit.metrics.explaining import pearson
from tacit.metrics.intervals import Interval, Resampling

_FEWEST = 4
_ROUNDING = 1e-12


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptProperties:
    """What might say where a leak hides."""

    entropy: Float[np.ndarray, " k"]
    """Of the concept's two answers, in bits."""
    imbalance: Float[np.ndarray, " k"]
    """Absent over present: by it a loss multiplies a concept that is balanced by its rarity."""
    num_constant: int
    """Concepts with one answer alone, whose imbalance is infinite or 0."""


def concept_properties(truth: Bool[np.ndarray, "n k"]) -> ConceptProperties:
    """Return the entropy and the imbalance of each concept."""
    share = truth.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = -share * np.log2(share) - (1 - share) * np.log2(1 - share)
        imbalance = (1 - share) / share
    constant = (share == 0) | (share == 1)
    return ConceptProperties(
        entropy=np.where(constant, 0.0, bits),
        imbalance=imbalance,
        num_constant=int(constant.sum()),
    )


def mean_shift(
    joint: Float[np.ndarray, "n k"], sequential: Float[np.ndarray, "n k"]
) -> Float[np.ndarray, " k"]:
    """Return the mean over images of how far each logit of a joint run is from a sequential one.

    Give each joint run a sequential one of its own: deviations from one and the same are alike by
    that alone.
    """
    if joint.shape != sequential.shape:
        raise UserError(
            f"logits {joint.shape} and {sequential.shape} were given; give the same images."
        )
    return np.abs(joint - sequential).mean(axis=0)


def concept_leaks(
    labels: Int[np.ndarray, " n"],
    concepts: Bool[np.ndarray, "n k"],
    logits: Float[np.ndarray, "n m"],
) -> Float[np.ndarray, " m"]:
    """Return what each logit alone carries of the class beyond all concepts, in nats.

    That of a normal logit whose class means have the variance found, within groups of equal
    concepts: ``ln(1 + between / within) / 2``, unbiased in the ratio and so below 0 by chance.
    NaN where the logit does not vary within class and concepts.
    Source: the components of variance of Searle, Casella and McCulloch 1992.

    Raises:
        UserError: where no group of equal concepts has two classes, or none is seen twice.
    """
    groups = group_by_concepts(labels, concepts)
    images = np.flatnonzero(groups.is_open)
    group = groups.of_image[images]
    cell = group * groups.classes.shape[1] + groups.place[images]
    first, cell, counts = np.unique(
        cell, return_index=True, return_inverse=True, return_counts=True
    )[1:]
    if len(counts) == len(images):
        raise UserError(
            "what logits carry beyond the concepts was asked of images whose concepts name their "
            "class, or of one image each: give images of twin classes."
        )
    values = logits.astype(np.float64)
    values = values[images] - groups.centres(values, images)[group]
    sums = np.zeros((len(counts), logits.shape[1]))
    np.add.at(sums, cell, values)
    between = (sums**2 / counts[:, None]).sum(axis=0)
    noise = ((values**2).sum(axis=0) - between) / (len(images) - len(counts))
    in_group = np.bincount(group)
    freedom = len(counts) - np.count_nonzero(in_group)
    # Images behind a class mean, on average, as the variance of the means counts them.
    size = (len(images) - (counts**2 / in_group[group[first]]).sum()) / freedom
    is_flat = noise <= _ROUNDING * values.var(axis=0)
    ratio = (between / freedom / np.where(is_flat, 1.0, noise) - 1) / size
    return np.where(is_flat, np.nan, np.log1p(ratio) / 2)


def leak_rank_correlation(
    leaks: Float[np.ndarray, " k"],
    of: Float[np.ndarray, " k"],
    *,
    beside: Float[np.ndarray, " k"] | None = None,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return Spearman's correlation of leaks with a property, over concepts that have both.

    ``beside``: another property, what goes with whose rank is taken out of both sides first, e.g.
    the weight that the loss gave each concept. The interval is over concepts, drawn anew.

    Raises:
        UserError: with fewer than four concepts, or where a side is constant.
    """
    sides = [leaks, of] if beside is None else [leaks, of, beside]
    if len({len(side) for side in sides}) > 1:
        raise UserError(
            f"{[len(side) for side in sides]} values were given; one a concept."
        )
    rows = np.stack(sides, axis=1).astype(np.float64)
    rows = rows[np.isfinite(rows).all(axis=1)]
    if len(rows) < _FEWEST or (np.ptp(rows, axis=0) == 0).any():
        raise UserError(
            f"a correlation over {len(rows)} concepts was asked; give {_FEWEST} or more, with "
            "finite values that are not all alike."
        )
    return bootstrap_rows(
        rows,
        lambda drawn: np.array([_spearman(each) for each in drawn]),
        stream(seed, "bottlenecks/leak rank correlation"),
        Resampling(repeats=500, level=level),
    )


def _spearman(rows: Float[np.ndarray, "k c"]) -> float:
    from scipy.stats import rankdata  # pyright: ignore

    ranks = cast(Any, rankdata)(rows, axis=0)
    ranks = ranks - ranks.mean(axis=0)
    if ranks.shape[1] == 3:
        beside = ranks[:, 2]
        slope = ranks.T @ beside / max(float(beside @ beside), 1e-12)
        ranks = ranks - np.outer(beside, slope)
    found = pearson(ranks[:, 0], ranks[:, 1])
    return np.nan if found is None else found
