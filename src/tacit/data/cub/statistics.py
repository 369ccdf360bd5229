"""How common, how certain and how distinct concepts are: what decides how hard they are to learn.

Axes: n images, m classes, k concepts, p pairs of classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.distance import pdist
from scipy.special import entr

from tacit.base.errors import UserError


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptStatistics:
    """Concepts that every image has from its class, counted over images and over classes."""

    prevalence: Float[np.ndarray, " k"]
    """Share of images with the concept."""
    entropy_bits: Float[np.ndarray, " k"]
    """Of a label over images, 0 to 1."""
    num_constant: int
    """Concepts that all images have, or none."""
    num_present: Int[np.ndarray, " m"]
    """Concepts of each class."""
    distances: Int[np.ndarray, " p"]
    """In how many concepts each two classes differ; 0 for those that concepts cannot tell apart."""
    rank: int
    """Of the matrix of classes and concepts."""


def concept_statistics(
    present: Bool[np.ndarray, "m k"], labels: Int[np.ndarray, " n"]
) -> ConceptStatistics:
    """Return the statistics of concepts given for each class, for images of classes ``labels``."""
    prevalence = _shares(len(present), labels) @ present
    varied = present[np.unique(labels)]
    return ConceptStatistics(
        prevalence=prevalence,
        entropy_bits=entropy_bits(prevalence),
        num_constant=int((varied.all(axis=0) | ~varied.any(axis=0)).sum()),
        num_present=present.sum(axis=1),
        distances=np.rint(pdist(present, "hamming") * present.shape[1]).astype(int),
        rank=int(np.linalg.matrix_rank(present.astype(float))),
    )


def entropy_bits(share: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
    """Return the entropy of yes-or-no labels that are yes at these shares, in bits."""
    return (entr(share) + entr(1 - share)) / np.log(2)


def imbalance_weights(
    prevalence: Float[np.ndarray, " k"], names: Sequence[str]
) -> Float[np.ndarray, " k"]:
    """Return ``n / n_present - 1``, the weight of each concept's loss in Koh et al. 2020.

    Caution: they weigh the whole loss of a concept by it, so that the commonest concepts are
    hardly taught: on CUB from .05 to 31.8.

    Raises:
        UserError: where a concept is present nowhere and the weight infinite.
    """
    nowhere = [name for name, share in zip(names, prevalence, strict=True) if share == 0]
    if nowhere:
        raise UserError(
            f"weights of {len(prevalence)} concepts were asked for, and {len(nowhere)} are present "
            f"in no image, such as {nowhere[0]}; leave them out, or do not weigh."
        )
    return 1 / prevalence - 1


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LabelNoise:
    """How far annotations of one class's images differ: means over classes and attributes."""

    majority_share: float
    """Annotations that say what most of their class say: what class labels can get right."""
    ambiguous_share: float
    """Cells in which 30 to 70 per cent of annotations say yes."""
    entropy_bits: float
    """Of an annotation."""
    entropy_given_class_bits: float
    """Of an annotation whose class is known."""


def label_noise(
    percentages: Float[np.ndarray, "m k"], labels: Int[np.ndarray, " n"]
) -> LabelNoise:
    """Return how noisy annotations are, from shares of yes in per cent, weighted by images."""
    yes, weights = percentages / 100, _shares(len(percentages), labels)
    ambiguous = (yes >= 0.3) & (yes <= 0.7)
    return LabelNoise(
        majority_share=float((weights @ np.maximum(yes, 1 - yes)).mean()),
        ambiguous_share=float((weights @ ambiguous).mean()),
        entropy_bits=float(entropy_bits(weights @ yes).mean()),
        entropy_given_class_bits=float((weights @ entropy_bits(yes)).mean()),
    )


def _shares(count: int, labels: Int[np.ndarray, " n"]) -> Float[np.ndarray, " m"]:
    """Return the share of images that each class has."""
    return np.bincount(labels, minlength=count) / len(labels)
