"""How is a concept laid out over atoms, and what goes with them when they are taken away?

Axes: n rows, c classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from tacit.base.errors import UserError


def split_count(f1s: Sequence[float], *, least_gain: float) -> int:
    """Return over how many atoms a concept is split: the first, and all that raise F1 enough.

    ``f1s``: what the best one, two, three ... atoms score. The count ends where one more gains
    ``least_gain`` or less. Range: 1 upwards, lower is better.
    Source: Chanin et al. 2024, arXiv:2409.14507.

    Raises:
        UserError: without any.
    """
    if not f1s:
        raise UserError(
            "the split of a concept over no atom was asked; give the F1 of one."
        )
    gains = np.diff(np.asarray(f1s)) > least_gain
    return 1 + int(np.cumprod(gains).sum())


def absorbed(
    main_fires: Bool[np.ndarray, " n"],
    largest_share: Float[np.ndarray, " n"],
    *,
    least_share: float,
) -> Bool[np.ndarray, " n"]:
    """Return the rows in which another atom has taken the place of the concept's own.

    Of rows that have the concept: its main atoms are silent, and one other that points its way
    gives ``least_share`` or more of what sets the row off. The mean is the absorbed share: 0 to 1,
    lower is better.
    Source: Chanin et al. 2024, arXiv:2409.14507.
    """
    return ~main_fires & (largest_share >= least_share)


def targeted_drops(drops: Float[np.ndarray, "c c"]) -> Float[np.ndarray, " c"]:
    """Return by how much more each class's probe loses by its own ablation than the others do.

    ``drops[i, j]``: accuracy that the probe of j loses when the atoms of i are taken out. Range:
    -2 to 2, higher is better; with balanced accuracies 0.5 is what taking a class away, and
    nothing else, scores, and 0 what harming all alike does.
    Source: targeted probe perturbation, Karvonen et al. 2024, arXiv:2411.18895.

    Raises:
        UserError: with fewer than two classes.
    """
    c = len(drops)
    if c < 2:
        raise UserError(
            f"targeted drops of {c} classes were asked; two or more are needed."
        )
    own = np.diagonal(drops)
    return own - (drops.sum(axis=1) - own) / (c - 1)
