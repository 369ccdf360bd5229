"""Which way brings about more of a behaviour at an equal price?

The strength of each is chosen on what it is measured on: the more strengths a way was given, the
more it is flattered. Axes: n prefixes, r resamples, c columns or their sums.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from tacit.base.errors import UserError, look_up
from tacit.interventions.steering import Steered
from tacit.metrics.bootstrap import bootstrap_sums
from tacit.metrics.intervals import DEFAULT_RESAMPLING, Interval, Resampling


def best_at_price(steered: Sequence[Steered], rise: float) -> dict[str, Steered]:
    """Return each way's strength with the largest share at an equal price.

    The price is at most ``rise`` nats a token above unsteered; of equal shares the cheaper one.
    """
    _check_rise(rise)
    best = {}
    for way in dict.fromkeys(each.way for each in steered):
        own = _of_way(steered, way)
        paid = [each for each in own if each.price <= own[0].price + rise]
        best[way] = max(paid, key=lambda each: (each.shown.mean(), -each.price))
    return best


def difference_at_price(
    steered: Sequence[Steered],
    way: str,
    other: str,
    rise: float,
    rng: np.random.Generator,
    resampling: Resampling = DEFAULT_RESAMPLING,
) -> Interval:
    """Return the best share of one way less that of another at an equal price.

    Paired: prefixes are drawn, each with its continuations under both ways, and both strengths
    are chosen anew in every draw, as ``best_at_price`` does.
    """
    _check_rise(rise)
    first, second = (_columns(_of_way(steered, name)) for name in (way, other))
    units = np.ones((len(first), 1))
    ends = np.cumsum([first.shape[1], second.shape[1]])

    def gap(sums: Float[np.ndarray, "r c"]) -> Float[np.ndarray, " r"]:
        ours, theirs, drawn = np.split(sums, ends, axis=1)
        return (_best(ours, rise) - _best(theirs, rise)) / drawn[:, 0]

    return bootstrap_sums(np.hstack([first, second, units]), gap, rng, resampling)


def _columns(own: Sequence[Steered]) -> Float[np.ndarray, "n c"]:
    """Return what sums are taken of: at each strength shown, then losses, then tokens."""
    parts = zip(*((each.shown, each.losses, each.num_tokens) for each in own), strict=True)
    return np.hstack([np.stack(part, axis=1).astype(float) for part in parts])


def _best(sums: Float[np.ndarray, "r c"], rise: float) -> Float[np.ndarray, " r"]:
    """Return the most continuations shown at a price at most ``rise`` above the first's."""
    shown, losses, num_tokens = np.split(sums, 3, axis=1)
    price = losses / num_tokens
    return np.where(price <= price[:, :1] + rise, shown, 0).max(axis=1)


def _of_way(steered: Sequence[Steered], way: str) -> list[Steered]:
    """Return one way's samples, the unsteered one first."""
    ways = dict.fromkeys(each.way for each in steered)
    look_up(ways, way, "way of this sweep")
    return [each for each in steered if each.way == way]


def _check_rise(rise: float) -> None:
    if not rise >= 0:
        raise UserError(
            f"a price {rise} nats above unsteered was asked for; give 0 or more, which is what "
            "unsteered text costs."
        )
