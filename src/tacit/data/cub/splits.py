"""Which images train, which validate and which test.

Axes: t images to train on, v to validate on, e to test on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Int

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.data.cub.folder import Cub


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """Rows of a ``Cub``, in rising order; no image is in two parts."""

    train: Int[np.ndarray, " t"]
    validation: Int[np.ndarray, " v"]
    test: Int[np.ndarray, " e"]


def split(cub: Cub, *, validation_share: float = 0.2, seed: int) -> Split:
    """Return the official test images, and those to train on with a share of each class held out.

    The share is rounded class by class; every class keeps at least one image to train on.

    Raises:
        UserError: where the share is not in [0, 1), or a class has no image to train on.
    """
    if not 0 <= validation_share < 1:
        raise UserError(
            f"a validation share of {validation_share:g} was asked for; it must be at least 0 and "
            "below 1."
        )
    rng, held_out = stream(seed, "data/cub/validation"), np.zeros(len(cub.labels), bool)
    for number, name in enumerate(cub.classes):
        rows = rng.permutation(np.flatnonzero(cub.is_train & (cub.labels == number)))
        if not len(rows):
            raise UserError(
                f"train_test_split.txt of {cub.root} leaves no image of {name} to train on; give "
                "each class one or more."
            )
        held_out[rows[: min(round(validation_share * len(rows)), len(rows) - 1)]] = True
    return Split(
        train=np.flatnonzero(cub.is_train & ~held_out),
        validation=np.flatnonzero(held_out),
        test=np.flatnonzero(~cub.is_train),
    )
