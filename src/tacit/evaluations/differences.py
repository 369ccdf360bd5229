"""Of two dictionaries on the same rows, which does a measure say is better, and by how much?

Axes: p parts.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from tacit.base.records import Record
from tacit.evaluations.readings import Coordinates, Reading, Units, grouped, value_of
from tacit.metrics.catalogue import METRICS
from tacit.metrics.intervals import Interval
from tacit.metrics.results import as_result
from tacit.metrics.student import student_mean

DICTIONARY = "dictionary"


def against_baselines(readings: Iterable[Reading], of: Coordinates) -> list[Record]:
    """Return by how much each figure of the dictionary exceeds each baseline's, unit by unit.

    Of figures that are better one way: a difference of the others says nothing.
    """
    found = grouped(readings)
    records: list[Record] = []
    for (figure, coordinates), units in found.items():
        own = dict(coordinates)
        basis = own.pop("basis")
        mine = found.get((figure, tuple(sorted({**own, "basis": DICTIONARY}.items()))))
        if basis == DICTIONARY or mine is None or METRICS[figure].direction == "neither":
            continue
        apart = difference_over(mine, units)
        if apart is not None:
            place = {**of, **own, "figure": figure, "minus": str(basis)}
            records.append(as_result("figure_difference", apart, place))
    return records


def difference_over(one: Units, other: Units) -> Interval | None:
    """Return the mean over shared units of one's value minus the other's, with its interval.

    Of a single unit: the difference of its two ratios, over the parts that both have. None where
    no unit has a value in both.
    """
    shared = [
        unit
        for unit, sums in one.items()
        if unit in other
        and value_of(sums) is not None
        and value_of(other[unit]) is not None
    ]
    if not shared:
        return None
    if len(shared) == 1:
        return _of_parts(one[shared[0]], other[shared[0]])
    pairs = [(value_of(one[unit]), value_of(other[unit])) for unit in shared]
    first, second = np.array(pairs, dtype=np.float64).T
    return student_mean(first - second)


Sums = tuple[Float[np.ndarray, " p"], Float[np.ndarray, " p"]]


def _of_parts(one: Sums, other: Sums) -> Interval | None:
    """Return the difference of two ratios, from leaving out each part of both in turn."""
    if len(one[0]) != len(other[0]) or len(one[0]) < 2:
        return None
    value = float(one[0].sum() / one[1].sum() - other[0].sum() / other[1].sum())
    rest = [[each.sum() - each for each in sums] for sums in (one, other)]
    if not all((below > 0).all() for _, below in rest):
        return None
    without = rest[0][0] / rest[0][1] - rest[1][0] / rest[1][1]
    return student_mean(value + (len(without) - 1) * (without.mean() - without))
