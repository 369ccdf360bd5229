"""How often do printed intervals hold the truth?

Axes: n repetitions.
"""

import numpy as np
from jaxtyping import Float

from tacit.base.errors import UserError
from tacit.metrics.intervals import Interval, clopper_pearson


def covered(
    low: Float[np.ndarray, " n"],
    high: Float[np.ndarray, " n"],
    truth: Float[np.ndarray, " n"],
) -> Interval:
    """Return the share of intervals that hold the truth, ends included.

    Range: 0 to 1; an interval at 95 % should reach .95, and much more says that it is too wide.
    Source: Neyman 1937, Phil. Trans. R. Soc. A 236.

    Raises:
        UserError: without intervals.
    """
    if not len(low):
        raise UserError("the coverage of no intervals was asked; give one or more.")
    held = (low <= truth) & (truth <= high)
    return clopper_pearson(int(held.sum()), len(held))
