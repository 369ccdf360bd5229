"""Linear probes, which several measures read concepts off rows by.

Axes: n rows, d width, c classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from tacit.base.errors import UserError
from tacit.dictionaries.gathered import watched

MOST_ITERATIONS = 300


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LinearProbe:
    """A logistic regression: of two classes one normal, of more one for each."""

    normals: Float[np.ndarray, "c d"]
    offsets: Float[np.ndarray, " c"]
    has_converged: bool

    def scores(self, rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return the log-odds of each normal's class, up to a constant where there are several."""
        return rows @ self.normals.T + self.offsets

    def told(self, rows: Float[np.ndarray, "n d"]) -> Int[np.ndarray, " n"]:
        """Return the class that each row is said to have."""
        found = self.scores(rows)
        one = found.shape[1] == 1
        return (found[:, 0] > 0).astype(np.int64) if one else found.argmax(axis=1)


def fit_probe(
    rows: Float[np.ndarray, "n d"],
    truth: Int[np.ndarray, " n"],
    *,
    inverse_penalty: float = 1.0,
) -> LinearProbe:
    """Return scikit-learn's logistic regression on rows scaled by their overall spread.

    Classes weigh alike, however rare. Alain and Bengio 2016, arXiv:1610.01644.

    Raises:
        UserError: where only one class is there.
    """
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(truth)) < 2:
        raise UserError(f"a probe was asked of {len(truth)} rows of one class; give two.")
    centre = rows.mean(axis=0, dtype=np.float64)
    scale = max(float(np.sqrt(np.square(rows - centre).mean())), 1e-12)
    probe = LogisticRegression(
        C=inverse_penalty, max_iter=MOST_ITERATIONS, class_weight="balanced"
    )
    with watched() as told:
        probe.fit((rows - centre) / scale, truth)
    normals = np.asarray(probe.coef_, dtype=np.float64) / scale
    offsets = np.asarray(probe.intercept_, dtype=np.float64) - normals @ centre
    return LinearProbe(normals=normals, offsets=offsets, has_converged=not told)
