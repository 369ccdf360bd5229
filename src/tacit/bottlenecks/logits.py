"""Are these logits? Measures of leakage want them; probabilities hide ties and bend distances.

Axes: n images, r readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from tacit.base.errors import UserError

_NEAREST = 1e-6
"""How near to 0 or 1 a probability is read: single precision tells no more."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Logits:
    """Readings as measures take them, and what was done to have them so."""

    values: Float[np.ndarray, "n r"]
    told: str
    """What they were, in a phrase."""
    num_held: int
    """Probabilities so near to 0 or 1 that they were held a millionth off."""


def as_logits(readings: Float[np.ndarray, "n r"]) -> Logits:
    """Return logits of readings that are probabilities, and others as they are.

    Probabilities: all from 0 to 1, and not 0 and 1 alone, which is a layer that was made hard.

    Raises:
        UserError: where readings are not finite.
    """
    values = readings.astype(np.float64)
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise UserError(
            f"{bad} of {values.size} readings are not finite: find what overflowed, or leave those "
            "images out and record how many."
        )
    if not values.size or values.min() < 0 or values.max() > 1:
        return Logits(values=values, told="logits, taken as they are", num_held=0)
    if np.isin(values, (0, 1)).all():
        return Logits(values=values, told="0 and 1 alone, taken as they are", num_held=0)
    held = np.clip(values, _NEAREST, 1 - _NEAREST)
    return Logits(
        values=np.log(held) - np.log1p(-held),
        told="probabilities, turned into logits",
        num_held=int((held != values).sum()),
    )
