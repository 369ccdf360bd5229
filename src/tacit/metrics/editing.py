"""What has been brought about by the dose at which an edit costs so much?

Axes: k doses.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from tacit.base.errors import UserError


def dose_at_price(costs: Float[np.ndarray, " k"], price: float) -> tuple[int, float] | None:
    """Return where costs first reach a price: the dose before, and how far on to the next.

    Costs of rising doses, the first of which is nothing done, at no cost. None where none
    reaches it.
    """
    if not price > 0 or not len(costs) or costs[0] != 0:
        raise UserError(
            f"the dose that costs {price} was asked of {len(costs)} costs, which begin with "
            f"{costs[0] if len(costs) else 'nothing'}; give a price above 0, and begin with 0."
        )
    reached = np.flatnonzero(costs >= price)
    if not len(reached):
        return None
    before = int(reached[0]) - 1
    return before, float((price - costs[before]) / (costs[before + 1] - costs[before]))


def rise_at_price(
    costs: Float[np.ndarray, " k"], rises: Float[np.ndarray, " k"], price: float
) -> float:
    """Return what an edit brings about where its cost first reaches ``price``.

    On a line between the two doses about it; at the largest dose where none costs so much.
    Range: any. Caution: a dose that costs less and brings about more is not looked for.
    Source: ours.
    """
    found = dose_at_price(costs, price)
    if found is None:
        return float(rises[-1])
    before, share = found
    return float((1 - share) * rises[before] + share * rises[before + 1])
