"""Over how many axes is a direction spread?

Axes: f directions, d width.
"""

from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError


def participation_ratios(directions: Float[Tensor, "f d"]) -> Float[Tensor, " f"]:
    """Return each direction's participation ratio, the squared sum of squares over fourth powers.

    Range: 1 (one axis) to d (all axes alike); a random direction has about d / 3 (d large).
    Compare with the same directions turned at random: it depends on the axes, not on length.
    Source: Bell and Dean 1970, Discuss. Faraday Soc. 50.

    Raises:
        UserError: with no direction, or one that is zero or not finite.
    """
    x = directions.double()
    squares = x.square() / x.square().amax(dim=1, keepdim=True)
    found = squares.sum(dim=1).square() / squares.square().sum(dim=1)
    bad = int((~found.isfinite()).sum())
    if bad or not len(found):
        raise UserError(
            f"{bad} of {len(found)} directions are zero or not finite; participation takes one "
            "or more that are neither."
        )
    return found


def participation_ratio(directions: Float[Tensor, "f d"]) -> float:
    """Return the mean over directions of their participation ratios: 1 to d."""
    return float(participation_ratios(directions).mean())


def participation_share(
    directions: Float[Tensor, "f d"], rng: np.random.Generator, *, turns: int = 8
) -> float:
    """Return the participation ratio over that of the same directions turned at random.

    1: no more aligned with the axes than chance has it; 1 / its mean when turned: on the axes.
    """
    width = directions.shape[1]
    turned: list[float] = []
    for _ in range(turns):
        drawn = rng.standard_normal((width, width))
        rotation = torch.as_tensor(cast(Any, np.linalg.qr)(drawn)[0])
        turned.append(participation_ratio(directions.double() @ rotation))
    return participation_ratio(directions) / float(np.mean(turned))
