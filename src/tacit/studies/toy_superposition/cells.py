"""What is measured in one cell of the grid: against the truth, and without it.

Axes: f atoms, d width, g true features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.data.worlds import World
from tacit.dictionaries import Dictionary, Fitted
from tacit.metrics.fidelity import VarianceUnexplained
from tacit.metrics.recovery import best_cosines, match, random_floor
from tacit.metrics.sparsity import count_firing
from tacit.studies.toy_superposition.settings import TWIN, ToySettings

HELD_OUT_FROM = 10**9
"""Number of the first block that is measured on; training never gets so far."""
FALL = 0.9
MOST_MATCHED = 4096
"""Atoms up to which dictionaries are matched one to one; the time grows with their cube."""
COMMON = 100
"""Features in the first band; those after it, up to half of all, are the second."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of one seed."""

    seed: int
    size: int
    alpha: float
    price: float
    """Penalty with squared error summed over dimensions."""
    mmcs: float
    mmcs_common: float
    mmcs_middle: float
    mmcs_rare: float
    floor: float
    """MMCS of random directions of this size."""
    recall: float
    precision: float
    """Shares of true features and of atoms matched one to one above .9."""
    dead: int
    tokens: int
    """Samples among which a dead atom never fired."""
    l0: float
    fvu: float
    sticky: float
    """Share of all steps until nine tenths of the loss's fall were made."""
    larger: float | None
    """Mean over atoms of the best cosine with the next larger size; None for the largest."""
    larger_matched: float | None
    """The same one to one, over this dictionary's atoms; None above ``MOST_MATCHED``."""
    twin: float | None
    """Mean matched cosine with the same cell from another seed, on the same data; None above
    ``MOST_MATCHED``."""
    aligned: float
    """Mean cosine of encoder row and atom."""
    bits: float
    """Length of a sample's description: places and values of the code, then what is left."""


def measure_cells(
    settings: ToySettings, world: World, fitted: Sequence[Fitted], seed: int
) -> list[Cell]:
    """Return every cell of one seed, from its dictionaries and their twins."""
    by_name = {(each.name, each.seed): each for each in fitted}
    cells = []
    for name, (size, alpha) in settings.cells().items():
        found = by_name[name, seed]
        larger = next((k for k in settings.sizes if k > size), None)
        above = None if larger is None else by_name[f"K{larger}-alpha{alpha:g}", seed]
        twin = by_name[name, seed + TWIN].dictionary
        cells.append(_cell(settings, world, found, size, alpha, above, twin))
    return cells


def _cell(
    settings: ToySettings,
    world: World,
    found: Fitted,
    size: int,
    alpha: float,
    above: Fitted | None,
    twin: Dictionary,
) -> Cell:
    atoms, true = found.dictionary.atoms, world.features
    best, matching = best_cosines(true, atoms), match(true, atoms)
    half = len(true) // 2
    common = min(COMMON, half)
    dead, tokens, l0, fvu = _held_out(settings, world, found.dictionary)
    return Cell(
        seed=found.seed,
        size=size,
        alpha=alpha,
        price=settings.price(size, alpha),
        mmcs=float(best.mean()),
        mmcs_common=float(best[:common].mean()),
        mmcs_middle=float(best[common:half].mean())
        if half > common
        else float(best.mean()),
        mmcs_rare=float(best[half:].mean()),
        floor=random_floor(true.shape[1], size),
        recall=matching.recall(),
        precision=matching.precision(),
        dead=dead,
        tokens=tokens,
        l0=l0,
        fvu=fvu,
        sticky=stickiness(found.curve.loss),
        larger=None
        if above is None
        else float(best_cosines(atoms, above.dictionary.atoms).mean()),
        larger_matched=None if above is None else _agreement(atoms, above.dictionary.atoms),
        twin=_agreement(atoms, twin.atoms),
        aligned=float(torch.cosine_similarity(found.dictionary.encoder, atoms).mean()),
        bits=description_bits(l0, size, fvu, true.shape[1]),
    )


def _agreement(atoms: Float[Tensor, "f d"], others: Float[Tensor, "h d"]) -> float | None:
    """Return the mean cosine of the best one-to-one matching; None where it takes too long."""
    if max(len(atoms), len(others)) > MOST_MATCHED:
        return None
    return match(atoms, others).matched_cosine()


def _held_out(
    settings: ToySettings, world: World, dictionary: Dictionary
) -> tuple[int, int, float, float]:
    """Return dead atoms, the samples they were silent on, L0 and FVU on fresh batches."""
    sample, firing = VarianceUnexplained(), None
    for number in range(settings.held_out_blocks):
        rows = world.block(HELD_OUT_FROM + number, settings.batch).vectors
        code = dictionary.encode(rows)
        sample.add(rows, dictionary.decode(code))
        seen = count_firing(code.values, code.indices, dictionary.num_atoms)
        firing = seen if firing is None else firing + seen
    assert firing is not None
    return int(firing.dead().sum()), firing.num_tokens, firing.mean_l0(), sample.value()


def stickiness(loss: Float[Tensor, " steps"]) -> float:
    """Return the share of steps until the loss first made nine tenths of its fall, 0 to 1.

    The fall goes from the first step's loss to the mean over the last tenth of steps.
    """
    last = float(loss[-max(1, len(loss) // 10) :].mean())
    reached = loss <= float(loss[0]) + FALL * (last - float(loss[0]))
    steps = torch.nonzero(reached).flatten()
    return float(steps[0]) / len(loss) if len(steps) else 1.0


def description_bits(l0: float, size: int, fvu: float, width: int) -> float:
    """Return the bits of a sample under its code, up to a constant; lower is better.

    Places cost log2 of the ways to choose L0 of ``size`` atoms (Stirling), the residual
    ``width / 2 log2(FVU)`` as a normal variable would.
    """
    active = min(max(l0, 1e-6), size)
    places = active * math.log2(size * math.e / active)
    return places + width / 2 * math.log2(max(fvu, 1e-12))
