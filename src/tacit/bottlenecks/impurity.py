"""Does a concept's logit predict other concepts better, or worse, than the concept itself does?

A logistic probe of one column ranks images as the column does or the other way round, so all that
it learns is the sign: the AUROC of every pair follows from ranks, without a fit.

Axes: n images, k concepts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError
from tacit.base.seeds import stream


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Impurity:
    """What logits and concepts predict of one another."""

    value: float
    """``|P - O| / (k / 2)``, 0 where logits tell of other concepts what the concepts do."""
    by_logit: Float[np.ndarray, "k k"]
    """P: held-out AUROC of the concept of a column from the logit of a row."""
    by_truth: Float[np.ndarray, "k k"]
    """O: the same from the concept of the row; 1 on the diagonal."""
    concepts: Int[np.ndarray, " k"]
    """The concepts kept: both answers are among images to learn from and held out."""
    num_left_out: int


def oracle_impurity(
    logits: Float[np.ndarray, "n m"], truth: Bool[np.ndarray, "n m"], *, seed: int = 0
) -> Impurity:
    """Return the oracle impurity, signs learned on half of the images and scored on the others.

    Source: OIS of Espinosa Zarlenga et al. 2023, arXiv:2301.10367, with logistic probes for
    networks of one hidden layer.

    Raises:
        UserError: for arrays of unlike shape, or where no concept varies in both halves.
    """
    if logits.shape != truth.shape:
        raise UserError(
            f"logits {logits.shape} and concepts {truth.shape} were given; give both of the same "
            "images and concepts."
        )
    learn = np.zeros(len(truth), dtype=bool)
    order = stream(seed, "bottlenecks/impurity").permutation(len(truth))
    learn[order[: len(truth) // 2]] = True
    varies = [
        truth[side].any(axis=0) & ~truth[side].all(axis=0) for side in (learn, ~learn)
    ]
    kept = np.flatnonzero(varies[0] & varies[1])
    if not len(kept):
        raise UserError("no concept has both answers in both halves; give more images.")
    predicted, oracle = (
        _predicted(rows[:, kept].astype(np.float64), truth[:, kept], learn)
        for rows in (logits, truth)
    )
    np.fill_diagonal(oracle, 1.0)
    return Impurity(
        value=float(np.linalg.norm(predicted - oracle) / (len(kept) / 2)),
        by_logit=predicted,
        by_truth=oracle,
        concepts=kept,
        num_left_out=truth.shape[1] - len(kept),
    )


def _predicted(
    rows: Float[np.ndarray, "n k"],
    truth: Bool[np.ndarray, "n k"],
    learn: Bool[np.ndarray, " n"],
) -> Float[np.ndarray, "k k"]:
    learned, scored = (aurocs(rows[side], truth[side]) for side in (learn, ~learn))
    return np.where(learned >= 0.5, scored, 1 - scored)


def aurocs(
    rows: Float[np.ndarray, "n k"], truth: Bool[np.ndarray, "n m"]
) -> Float[np.ndarray, "k m"]:
    """Return ``tacit.metrics.auroc`` of every column of rows with every column of the truth."""
    from scipy.stats import rankdata  # pyright: ignore

    rank = rankdata(rows, axis=0)
    positive = truth.sum(axis=0)
    above = rank.T @ truth - positive * (positive + 1) / 2
    return above / (positive * (len(truth) - positive))
