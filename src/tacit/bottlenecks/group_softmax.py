"""What do readings say of a class beyond its concepts, if they say it linearly?

A softmax among the classes of a group, from its shares and the readings less their mean in the
group. Its weights have a normal prior whose spread is read off the training images direction by
direction, so that noise in a hundred readings costs little and no strength must be searched for.

Axes: n images, t of them to train on, r readings, g groups, s classes of a group, m classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from tacit.bottlenecks.groups import ConceptGroups

_LEAST_VARIANCE = 1e-4
"""Within a class, of that within a group: a reading that tells classes exactly has none."""
_NOISE_KEPT = 0.02
"""Least prior variance of a weight, by the variance of its estimate: lets little noise in, and
leaves no direction out for good."""
_OFFSET_SPREAD = 100.0
"""Prior variance of an offset: wide, as it must undo what a weight adds at the class's own mean."""
_MOST_STEPS = 60
_TOLERANCE = 1e-6
"""Of the loss, relative: less changes no digit that is printed."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class GroupSoftmax:
    """Fitted on some images, it tells the class of others of the same groups."""

    groups: ConceptGroups
    log_shares: Float[np.ndarray, "g s"]
    centres: Float[np.ndarray, "g r"]
    directions: Float[np.ndarray, "r r"]
    """Of readings less their centre; each is scaled to the spread that the prior gives it."""
    weights: Float[np.ndarray, "m r"]
    offsets: Float[np.ndarray, " m"]

    def losses(self, readings: Float[np.ndarray, "n r"]) -> Float[np.ndarray, " n"]:
        """Return the cross-entropy of each image's class, in nats."""
        seen = (readings - self.centres[self.groups.of_image]) @ self.directions
        scores = seen @ self.weights.T + self.offsets
        picked = np.take_along_axis(scores, self.groups.classes[self.groups.of_image], 1)
        picked = picked + self.log_shares[self.groups.of_image]
        own = np.take_along_axis(picked, self.groups.place[:, None], 1)[:, 0]
        return _log_sum_exp(picked) - own


def fit_group_softmax(
    groups: ConceptGroups,
    readings: Float[np.ndarray, "n r"],
    images: Int[np.ndarray, " t"],
) -> GroupSoftmax:
    """Return the softmax fitted on some of the images.

    The prior: within a class, readings are made white; what is left between the classes of a
    group is noise of a known size and a few directions that stand out of it. How much of one is
    signal follows from its singular value (Gavish and Donoho 2017, arXiv:1405.7511), and a
    weight's spread is that of the class means, as in a linear discriminant.
    """
    log_shares, centres = groups.log_shares(images), groups.centres(readings, images)
    images = images[groups.is_open[images]]
    label, group = groups.label[images], groups.of_image[images]
    centred = readings[images] - centres[group]
    directions, start, spread = _prior(centred, label, groups)
    seen = centred @ directions
    # Steps are of one size along all directions where the curvature of the loss is 1.
    counts = np.bincount(label, minlength=groups.num_classes)[:, None]
    curve = np.sqrt(1 + counts * np.append(spread, _OFFSET_SPREAD) / 4)
    seen = np.column_stack([seen, np.full(len(seen), np.sqrt(_OFFSET_SPREAD))])
    begin = np.column_stack([start, np.zeros(len(start))])
    found = _minimised(begin, curve, seen, groups, images, log_shares)
    return GroupSoftmax(
        groups=groups,
        log_shares=log_shares,
        centres=centres,
        directions=directions,
        weights=found[:, :-1],
        offsets=found[:, -1] * np.sqrt(_OFFSET_SPREAD),
    )


def _prior(
    centred: np.ndarray, label: np.ndarray, groups: ConceptGroups
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return directions scaled by the prior, weights to start from, and the prior variances."""
    n, r = centred.shape
    counts = np.bincount(label, minlength=groups.num_classes)
    means = np.zeros((groups.num_classes, r))
    np.add.at(means, label, centred)
    means /= np.maximum(counts, 1)[:, None]
    scale = np.maximum(centred.std(axis=0), 1e-12) if n else np.ones(r)
    within = (centred - means[label]) / scale
    values, vectors = np.linalg.eigh(within.T @ within / max(n - groups.num_classes, 1))
    white = vectors / np.sqrt(np.maximum(values, _LEAST_VARIANCE)) / scale[:, None]
    several = np.count_nonzero(counts)
    # Class means less those of their groups: each family of linked classes is short of one.
    freedom = max(several - groups.num_families, 1)
    weighted = np.sqrt(counts)[:, None] * (means @ white)
    values, vectors = np.linalg.eigh(weighted.T @ weighted)
    above = values - freedom - r
    signal = (above + np.sqrt(np.maximum(above**2 - 4 * freedom * r, 0))) / 2
    signal = np.where(above > 2 * np.sqrt(freedom * r), signal, 0)
    spread = (signal / freedom + _NOISE_KEPT) * several / max(n, 1)
    directions = white @ vectors * np.sqrt(spread)
    # A linear discriminant's weights, shrunk: where the descent starts.
    shrunk = spread * counts[:, None] / (spread * counts[:, None] + 1)
    return directions, shrunk * (means @ directions) / spread, spread


def _minimised(
    begin: np.ndarray,
    curve: np.ndarray,
    seen: np.ndarray,
    groups: ConceptGroups,
    images: np.ndarray,
    log_shares: np.ndarray,
) -> np.ndarray:
    """Return the weights, the offsets behind them, of the least loss with its prior."""
    from scipy.optimize import minimize  # pyright: ignore

    if not len(images):
        return np.zeros_like(begin)
    classes, shares = (
        each[groups.of_image[images]] for each in (groups.classes, log_shares)
    )
    cells = np.arange(len(images))[:, None] * len(begin) + np.maximum(classes, 0)
    own = (np.arange(len(images)), groups.place[images])

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(begin.shape) / curve
        scores = np.take(seen @ weights.T, cells) + shares
        top = _log_sum_exp(scores)
        value = float((top - scores[own]).sum() + (weights**2).sum() / 2)
        wrong = np.exp(scores - top[:, None])
        wrong[own] -= 1
        spreadout = np.bincount(cells.ravel(), wrong.ravel(), len(images) * len(begin))
        slope = spreadout.reshape(len(images), -1).T @ seen + weights
        return value, (slope / curve).ravel()

    options = {"maxiter": _MOST_STEPS, "ftol": _TOLERANCE}
    found = minimize(
        loss, (begin * curve).ravel(), jac=True, method="L-BFGS-B", options=options
    )
    return found.x.reshape(begin.shape) / curve


def _log_sum_exp(scores: Float[np.ndarray, "n s"]) -> Float[np.ndarray, " n"]:
    top = scores.max(axis=1)
    return np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top
