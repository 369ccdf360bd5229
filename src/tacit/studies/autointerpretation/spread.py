"""The mean of scores with its interval over features, as the published violins show it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tacit.base.seeds import stream
from tacit.metrics.bootstrap import bootstrap_mean

Ends = tuple[float | None, float | None, float | None]


def over_features(scores: Sequence[float], name: str) -> Ends:
    """Return the mean and the ends of its interval; None where there are none.

    Features of one dictionary are drawn from it at random, so this says how far other features
    would give another mean; not how far another subject or seed would.
    """
    if not scores:
        return None, None, None
    rng = stream(0, f"studies/autointerpretation/spread/{name}")
    found = bootstrap_mean(np.array(scores), rng)
    return found.value, found.low, found.high
