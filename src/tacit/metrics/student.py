"""Student's interval of a mean over units, or of a ratio of sums over them: nothing is drawn.

Axes: n units (concepts, documents, seeds).
"""

import math
from typing import Any, cast

import numpy as np
from jaxtyping import Real

from tacit.base.errors import UserError
from tacit.metrics.intervals import Interval, check_level, without_ends


def student_mean(values: Real[np.ndarray, " n"], *, level: float = 0.95) -> Interval:
    """Return the mean over units with Student's t interval, which is right for few of them too.

    Caution: few units of a very skewed kind are covered less often than it says.
    Source: Student 1908, Biometrika 6.
    """
    return student_ratio(values, np.ones(len(values)), level=level)


def student_ratio(
    top: Real[np.ndarray, " n"], bottom: Real[np.ndarray, " n"], *, level: float = 0.95
) -> Interval:
    """Return ``sum(top) / sum(bottom)`` with its interval, from leaving out each unit in turn.

    Where all units are alike there are no ends: a spread of nothing says nothing.
    Source: the jackknife of a ratio, Tukey 1958, Ann. Math. Stat. 29; for a mean it is Student's.

    Raises:
        UserError: without units, or where the sum below is not positive.
    """
    from scipy.stats import t as students  # pyright: ignore

    check_level(level)
    above, below = top.astype(np.float64), bottom.astype(np.float64)
    if above.shape != below.shape or not len(above) or not below.sum() > 0:
        raise UserError(
            f"a ratio of {len(above)} sums over {len(below)} was asked for, the latter summing to "
            f"{below.sum():g}; give one of each for every unit, and a positive sum below."
        )
    n, value = len(above), float(above.sum() / below.sum())
    if n == 1:
        return without_ends(
            value, n, "student", "one unit says nothing of the spread", level
        )
    rest = below.sum() - below
    if not (rest > 0).all():
        reason = "one unit holds all that is divided by"
        return without_ends(value, n, "student", reason, level)
    without = (above.sum() - above) / rest
    spread = without - without.mean()
    error = math.sqrt(float(spread @ spread) * (n - 1) / n)
    if error <= 1e-12 * max(1.0, abs(value)):
        return without_ends(value, n, "student", "all units are alike", level)
    # Units of unlike weight say as much as fewer of like weight (Kish 1965, "Survey Sampling").
    alike = below.sum() ** 2 / float(below @ below)
    half = float(cast(Any, students).ppf((1 + level) / 2, max(alike - 1, 1))) * error
    return Interval(
        value=value, low=value - half, high=value + half, n=n, method="student", level=level
    )
