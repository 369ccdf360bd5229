"""What a class head tells once every concept is set to its truth, and once to what was said.

Axes: n images, k concepts, c concepts and slots, m classes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from tacit.bottlenecks.intervening import InterventionCurve, intervention_curve
from tacit.studies.hidden_information.pictures import Pictures

Head = Callable[[Float[np.ndarray, "n c"]], Float[np.ndarray, "n m"]]


def curve_of(
    pictures: Pictures,
    concept_logits: Float[np.ndarray, "n c"],
    head: Head,
    *,
    orders: int,
    seed: int,
) -> InterventionCurve:
    """Return how accuracy goes as groups of concepts are set, on test images.

    No and yes are each concept's 5th and 95th percentile there, as Koh et al. (2020) set them.
    """
    test = pictures.split.test
    return intervention_curve(
        concept_logits[test],
        pictures.truth[test],
        list(pictures.groups.values()),
        head,
        pictures.classes[test],
        orders=orders,
        seed=seed,
    )


def accuracy_when_set(
    pictures: Pictures, concept_logits: Float[np.ndarray, "n c"], head: Head
) -> float:
    """Return the accuracy with all concepts set to their truth, on test images."""
    test, every = pictures.split.test, range(len(pictures.concepts))
    curve = intervention_curve(
        concept_logits[test],
        pictures.truth[test],
        [list(every)],
        head,
        pictures.classes[test],
        orders=1,
    )
    return curve.set_to_truth[-1].value
