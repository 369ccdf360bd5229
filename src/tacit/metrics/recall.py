"""How many of each class are told right, every class weighing alike?

Axes: n rows.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from tacit.base.errors import UserError


def recall_weights(truth: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return weights of rows that sum to 1 over all, and to the same over each class.

    The weighted share of rows told right is ``mean_recall``, which can so be taken apart by
    document.

    Raises:
        UserError: without a row.
    """
    if not len(truth):
        raise UserError("the recall of classes was asked of no rows; give one or more.")
    _, place, counts = np.unique(truth, return_inverse=True, return_counts=True)
    return 1 / (len(counts) * counts[place])


def mean_recall(told: Int[np.ndarray, " n"], truth: Int[np.ndarray, " n"]) -> float:
    """Return the mean over the classes that occur of the share of their rows told right.

    Range: 0 to 1, higher is better; one over the number of classes is what saying the same of all
    rows scores, or anything that does not depend on the truth. Of two classes: balanced accuracy.
    Source: Brodersen et al. 2010, "The balanced accuracy and its posterior distribution".

    Raises:
        UserError: without a row.
    """
    return float(recall_weights(truth) @ (told == truth))
