"""What is measured of one dictionary, alone and beside the next larger one.

Axes: f atoms, d width, n rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tacit.base.seeds import stream
from tacit.dictionaries import Dictionary
from tacit.metrics.bimodality import FEWEST, Modes, modes_of
from tacit.metrics.fidelity import VarianceUnexplained
from tacit.metrics.participation import participation_share
from tacit.metrics.recovery import (
    RECOVERED_COSINE,
    Matching,
    best_cosines,
    match,
    random_floor,
)
from tacit.metrics.sparsity import Firing, count_firing
from tacit.studies.small_transformers.dictionaries import Reading
from tacit.studies.small_transformers.settings import Fit, SmallSettings

RESAMPLES = 200
"""Of the null of one mode."""
ROWS = 2_048
"""Rows encoded at once."""


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """A dictionary beside the next larger one, matched one to one."""

    shared: int
    """Atoms whose partner's cosine exceeds .9."""
    shared_share: float
    """The same over all atoms."""
    matched: float
    """Mean cosine of the pairs."""
    best: float
    """Mean of each atom's largest cosine, several atoms sharing one partner if need be."""
    floor: float
    """What random directions would have for ``best``."""
    bimodal_p: float | None
    valley: float | None
    low_mode: float | None
    high_mode: float | None
    """See ``metrics.bimodality``; None where the cosines are all one."""
    participation: float | None
    """Mean participation ratio of the shared atoms over that of the same turned at random; None
    without any."""
    cosines: list[float]
    """Of each atom with its partner, in the order of the atoms."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One dictionary of one transformer."""

    width: int
    """Of the residual stream."""
    seed: int
    fit: Fit
    ratio: int
    atoms: int
    dims: int
    """Width of the rows."""
    penalty: float
    fvu: float
    l0: float
    dead: int
    rows: int
    """Held-out rows that the three were measured on."""
    next: Pairing | None
    """None for the largest."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Two dictionaries of one size."""

    width: int
    seed: int
    ratio: int
    pair: str
    """What tells them apart, in words."""
    shared_cosine: float
    shared_share: float
    floor: float
    """Mean best cosine of as many random directions."""


def cells_of(
    settings: SmallSettings, reading: Reading, width: int, made: Mapping[int, Dictionary]
) -> list[Cell]:
    """Return a fit's cells, from its dictionaries by their ratio."""
    held_out = reading.held_out(settings.held_out_rows)
    ratios = sorted(made)
    cells = []
    for place, ratio in enumerate(ratios):
        dictionary = made[ratio]
        firing, l0, fvu = _on(dictionary, held_out)
        larger = made[ratios[place + 1]] if place + 1 < len(ratios) else None
        cells.append(
            Cell(
                width=width,
                seed=reading.seed,
                fit=reading.fit,
                ratio=ratio,
                atoms=dictionary.num_atoms,
                dims=reading.width,
                penalty=settings.penalty_of(reading.fit, ratio),
                fvu=fvu,
                l0=l0,
                dead=int(firing.dead().sum()),
                rows=len(held_out),
                next=None if larger is None else pairing(dictionary, larger, reading.seed),
            )
        )
    return cells


def shared_atoms(matching: Matching) -> Bool[np.ndarray, " f"]:
    """Return which atoms of the smaller dictionary have a partner above .9."""
    found = np.zeros(matching.num_true, dtype=bool)
    found[matching.true_indices] = matching.cosines > RECOVERED_COSINE
    return found


def pairing(dictionary: Dictionary, larger: Dictionary, seed: int) -> Pairing:
    """Return a dictionary beside the next larger one."""
    matching = match(dictionary.atoms, larger.atoms)
    shared, modes = shared_atoms(matching), _modes(matching.cosines, seed)
    atoms = dictionary.atoms[torch.from_numpy(shared)]
    rng = stream(seed, f"studies/small/turns/{dictionary.num_atoms}")
    return Pairing(
        shared=int(shared.sum()),
        shared_share=matching.shared(),
        matched=matching.shared_cosine(),
        best=float(best_cosines(dictionary.atoms, larger.atoms).mean()),
        floor=random_floor(dictionary.width, larger.num_atoms),
        bimodal_p=modes.p_value if modes else None,
        valley=modes.valley if modes else None,
        low_mode=modes.low if modes else None,
        high_mode=modes.high if modes else None,
        participation=participation_share(atoms, rng) if len(atoms) else None,
        cosines=matching.cosines.tolist(),
    )


def agreement(
    width: int, seed: int, ratio: int, pair: str, two: tuple[Dictionary, Dictionary]
) -> Agreement:
    """Return how alike two dictionaries of one size are."""
    first, second = two
    matching = match(first.atoms, second.atoms)
    return Agreement(
        width=width,
        seed=seed,
        ratio=ratio,
        pair=pair,
        shared_cosine=matching.shared_cosine(),
        shared_share=matching.shared(),
        floor=random_floor(first.width, second.num_atoms),
    )


def _modes(cosines: Float[np.ndarray, " m"], seed: int) -> Modes | None:
    if len(cosines) < FEWEST or np.ptp(cosines) == 0:
        return None
    rng = stream(seed, f"studies/small/modes/{len(cosines)}")
    return modes_of(cosines, rng, repeats=RESAMPLES)


def _on(dictionary: Dictionary, rows: Float[Tensor, "n d"]) -> tuple[Firing, float, float]:
    """Return how often atoms fire on rows, L0 and FVU."""
    sample, firing = VarianceUnexplained(), None
    for part in rows.split(ROWS):
        code = dictionary.encode(part)
        counted = count_firing(code.values, code.indices, code.num_atoms)
        firing = counted if firing is None else firing + counted
        sample.add(part, dictionary.decode(code))
    assert firing is not None, "a store has held-out rows, or rows_for says so"
    return firing, firing.mean_l0(), sample.value()
