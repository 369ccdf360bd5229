"""Can one tell from a row of concepts which run's encoder made it? Its null is the caller's.

Axes: r runs, n images, c concepts and slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError
from tacit.base.library_warnings import kept_warnings
from tacit.base.seeds import stream, torch_seed
from tacit.metrics.intervals import Interval
from tacit.metrics.student import student_mean

Probe = Literal["logistic", "mlp"]
NUM_FOLDS = 5


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ToldApart:
    """How well a probe told runs apart on images that it had not seen."""

    right: Bool[np.ndarray, "r n"]
    """Whether the row of each run and image was given to its run."""
    num_unfinished: int
    """Folds whose probe had not converged when it was stopped."""

    @property
    def accuracy(self) -> Interval:
        """Share of rows given to their run, with its interval over images; higher is more apart.

        Caution: runs that differ in nothing but noise are told apart too. Only what exceeds the
        accuracy on two runs that hide nothing (sequential ones) speaks of hidden codes.
        """
        return student_mean(self.right.mean(axis=0))

    @property
    def chance(self) -> float:
        """What guessing scores: one over the number of runs."""
        return 1 / len(self.right)


def tell_apart(
    concept_rows: Sequence[Float[np.ndarray, "n c"]],
    *,
    seed: int,
    probe: Probe = "logistic",
) -> ToldApart:
    """Return how well a probe says which run made a row, the images of a fold unseen by it.

    The rows of all runs are of the same images, and an image is in one fold with all its rows.

    Raises:
        UserError: for fewer than two runs, or fewer images than folds.
    """
    num_images = len(concept_rows[0]) if concept_rows else 0
    if len(concept_rows) < 2 or num_images < NUM_FOLDS:
        raise UserError(
            f"{len(concept_rows)} runs on {num_images} images were to be told apart; give at least "
            f"2 runs and {NUM_FOLDS} images."
        )
    rows = np.stack(concept_rows).astype(np.float64)
    centre, spread = rows.mean(axis=(0, 1)), rows.std(axis=(0, 1))
    rows = (rows - centre) / np.where(spread > 0, spread, 1)
    folds = stream(seed, "bottlenecks/folds").permutation(num_images) % NUM_FOLDS
    right = np.zeros(rows.shape[:2], dtype=bool)
    num_unfinished = 0
    for fold in range(NUM_FOLDS):
        held = folds == fold
        told, has_finished = _told(rows[:, ~held], rows[:, held], seed, probe)
        right[:, held] = told == np.arange(len(rows))[:, None]
        num_unfinished += not has_finished
    return ToldApart(right=right, num_unfinished=num_unfinished)


def _told(
    seen: Float[np.ndarray, "r s c"],
    held: Float[np.ndarray, "r h c"],
    seed: int,
    probe: Probe,
) -> tuple[Int[np.ndarray, "r h"], bool]:
    """Return the run that each held row is given to, and whether the probe converged."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    num_runs, num_seen, width = seen.shape
    state = torch_seed(seed, "bottlenecks/telling") % 2**32
    model = (
        LogisticRegression(max_iter=300)
        if probe == "logistic"
        else MLPClassifier(hidden_layer_sizes=(100,), max_iter=60, random_state=state)
    )
    with kept_warnings(ConvergenceWarning) as unfinished:
        model.fit(seen.reshape(-1, width), np.repeat(np.arange(num_runs), num_seen))
    told = model.predict(held.reshape(-1, width))
    return np.asarray(told, dtype=np.int64).reshape(num_runs, -1), not unfinished
