"""Are the atoms of two dictionaries active in the same rows, once they are matched?

Axes: n rows, m pairs of atoms.
"""

from typing import Any

import numpy as np

from tacit.base.errors import UserError


def matched_correlation(left: Any, right: Any, *, either_sign: bool = False) -> float:
    """Return the mean over pairs of the correlation of their activations over all rows.

    ``left`` and ``right`` are scipy's sparse columns (n m), pair by pair. A pair of which one is
    silent counts 0. ``either_sign``: of absolute correlations, for codes that carry the sign.
    Range: -1 to 1; higher is more alike.
    Caution: atoms that are active on much of the text are alike by chance.
    Source: ours.
    """
    if left.shape != right.shape or not left.shape[1]:
        raise UserError(
            f"activations of shape {left.shape} were to be correlated with others of "
            f"{right.shape}; give the same rows, and a column of each for every pair."
        )
    count = left.shape[0]
    means = [_sums(side) / count for side in (left, right)]
    squares = [_sums(side.multiply(side)) / count for side in (left, right)]
    spreads = [
        np.sqrt(np.maximum(square - mean**2, 0))
        for square, mean in zip(squares, means, strict=True)
    ]
    covariance = _sums(left.multiply(right)) / count - means[0] * means[1]
    scale = spreads[0] * spreads[1]
    alike = np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)
    alike = np.clip(alike, -1, 1)  # rounding alone can pass 1
    return float((np.abs(alike) if either_sign else alike).mean())


def _sums(side: Any) -> np.ndarray:
    return np.asarray(side.sum(axis=0), dtype=np.float64).ravel()
