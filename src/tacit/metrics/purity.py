"""What one feature is for, read off the positions where it is active.

Axes: n positions where the feature is active.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float


def token_purity(
    values: Float[np.ndarray, " n"], is_word: Bool[np.ndarray, " n"], *, tenths: int = 4
) -> float:
    """Return the share of positions in the highest tenths of the feature's range that hold a word.

    Range: 0 to 1, higher is better. ``values``: activations above 0.
    """
    high = values > values.max() * (10 - tenths) / 10
    return float(is_word[high].mean())


def mean_rise(
    rises: Float[np.ndarray, " n"], asked: Bool[np.ndarray, " n"]
) -> float | None:
    """Return the mean rise of the loss, in nats, over positions that are asked for.

    None where there are none; NaN, at the end of a document, is passed over.
    """
    kept = rises[asked & ~np.isnan(rises)]
    return float(kept.mean()) if len(kept) else None
