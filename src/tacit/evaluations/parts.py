"""The readings of a unit that is made of documents.

Axes: m things that are averaged, each of one document.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from tacit.evaluations.readings import Reading


def by_document(
    figure: str,
    unit: str,
    values: Float[np.ndarray, " m"],
    document: Int[np.ndarray, " m"],
    of: Mapping[str, str | int | float],
) -> list[Reading]:
    """Return the mean of values as a sum over a count for each document."""
    names, place = np.unique(document, return_inverse=True)
    sums = np.bincount(place, weights=values).tolist()
    counts = np.bincount(place).tolist()
    return [
        Reading(figure=figure, unit=unit, part=name, top=top, bottom=float(count), of=of)
        for name, top, count in zip(names.tolist(), sums, counts, strict=True)
    ]
