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
    weights: Float[np.ndarray, " m"] | None = None,
) -> list[Reading]:
    """Return the mean of values, weighted or not, as a sum over a sum for each document."""
    names, place = np.unique(document, return_inverse=True)
    weight = np.ones(len(values)) if weights is None else weights
    tops = np.bincount(place, weights=weight * values).tolist()
    bottoms = np.bincount(place, weights=weight).tolist()
    return [
        Reading(figure=figure, unit=unit, part=name, top=top, bottom=bottom, of=of)
        for name, top, bottom in zip(names.tolist(), tops, bottoms, strict=True)
    ]
