"""What every method that descends a loss shares: its start, its rate, and how it ends.

Axes: n rows, d width read, e width rebuilt (d where rows rebuild themselves), f atoms. Parameters
live in ``State.tensors`` under the names in ``LEAVES`` (a tied method has no ``encoder``), those of
a method's own beside them, each with two moments of Adam. A transcoder's rows hold what is read
and, after it, what is rebuilt; ``centre``, ``scale`` and ``offset`` are then of the latter.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary, InputContract, Target
from tacit.dictionaries.methods import State
from tacit.dictionaries.selections import Selection

Tensors = dict[str, Tensor]

LEAVES = ("atoms", "encoder", "encoder_bias", "offset")
READ_CENTRE, READ_SCALE, SKIP = "read_centre", "read_scale", "skip"
"""What a transcoder has besides: centre and scale of what it reads, and a map past the atoms."""
OF_NO_ATOM = ("offset", SKIP)
"""Leaves that have no number for each atom."""
# Adam as everywhere (Kingma and Ba 2015), with the epsilon of Gao et al. 2024: gradients of
# rare atoms are far smaller than the usual 1e-8 takes for granted.
BETAS = (0.9, 0.999)
EPSILON = 6.25e-10
# The rate falls linearly to zero over the last fifth (Gao et al. 2024, Bricken et al. 2023).
DECAY_SHARE = 0.2
# Falls as 1 / sqrt(f), as in Gao et al. 2024 and in sparsify, from ten times their constant: fits
# here see millions of rows, not billions, and at their rate a fit of 1,000 steps is far from done.
REFERENCE_RATE, REFERENCE_ATOMS = 2e-3, 2**14

Centre = Literal["mean", "geometric-median", "none"]


def learning_rate(
    given: float | None, num_atoms: int, *, step: int, num_steps: int, warm_up_steps: int
) -> float:
    """Return the rate of one step: a linear rise, a plateau, a linear fall to zero at the end.

    Without a rate given, the plateau is ``2e-3 / sqrt(f / 2**14)``.
    """
    plateau = (
        REFERENCE_RATE * math.sqrt(REFERENCE_ATOMS / num_atoms) if given is None else given
    )
    rise = (step + 1) / (warm_up_steps + 1)
    fall = (num_steps - step) / (DECAY_SHARE * num_steps)
    return plateau * max(0.0, min(1.0, rise, fall))


def initial_state(
    block: Float[Tensor, "n c"],
    *,
    num_atoms: int,
    tied: bool,
    centre: Centre,
    scaled: bool,
    reads: int | None,
    skip: bool,
    seed: int,
    num_steps: int,
) -> State:
    """Return random unit atoms, an encoder equal to them, and the block's centre and scale.

    A transcoder's encoder starts as random unit rows of its own, its skip connection as zero.
    """
    x = block.detach().to(torch.promote_types(block.dtype, torch.float32))
    rebuilt = x if reads is None else x[:, reads:]
    middle, scale = _centre_and_scale(rebuilt, centre, scaled=scaled)
    # Sizes begin apart: directions that two sizes shared from the start would look like agreement.
    rng = stream(seed, f"dictionaries/atoms of {num_atoms}")
    atoms = _unit_rows(rebuilt, num_atoms, rng)
    leaves = {
        "atoms": atoms,
        "encoder": atoms.clone(),
        "encoder_bias": x.new_zeros(num_atoms),
        "offset": x.new_zeros(rebuilt.shape[1]),
    }
    if tied:
        del leaves["encoder"]
    tensors = {"centre": middle, "scale": scale}
    if reads is not None:
        read = x[:, :reads]
        own = _centre_and_scale(read, centre, scaled=scaled)
        tensors[READ_CENTRE], tensors[READ_SCALE] = own
        rng = stream(seed, "dictionaries/transcoder")
        leaves["encoder"] = _unit_rows(read, num_atoms, rng)
        if skip:
            leaves[SKIP] = x.new_zeros(rebuilt.shape[1], reads)
    tensors["silent_steps"] = torch.zeros(num_atoms, dtype=torch.int32, device=x.device)
    state = State(tensors=tensors, step=0, num_steps=num_steps, seed=seed)
    add_leaves(state, leaves)
    return state


def _centre_and_scale(
    x: Float[Tensor, "n d"], centre: Centre, *, scaled: bool
) -> tuple[Float[Tensor, " d"], Float[Tensor, ""]]:
    middle = _centre_of(x, centre)
    scale = (x - middle).square().sum(dim=1).mean().sqrt() if scaled else x.new_ones(())
    if not (torch.isfinite(scale) and scale > 0):
        raise UserError(
            f"the first block ({len(x)} rows) has a spread of {float(scale)}: rows that are all "
            "equal, or not finite, cannot set the scale; give rows that differ."
        )
    return middle, scale


def _unit_rows(
    like: Float[Tensor, "n d"], count: int, rng: np.random.Generator
) -> Float[Tensor, "f d"]:
    rows = torch.from_numpy(rng.standard_normal((count, like.shape[1]))).to(like)
    return rows / rows.norm(dim=1, keepdim=True)


def add_leaves(state: State, leaves: Mapping[str, Tensor]) -> None:
    """Add leaves with a number for each atom to a state, in place, each with its two moments."""
    for name, leaf in leaves.items():
        state.tensors[name] = leaf
        state.tensors[f"{name}/first"] = torch.zeros_like(leaf)
        state.tensors[f"{name}/second"] = torch.zeros_like(leaf)


def _centre_of(x: Float[Tensor, "n d"], centre: Centre) -> Float[Tensor, "d"]:
    if centre == "none":
        return x.new_zeros(x.shape[1])
    middle = x.mean(dim=0)
    if centre == "geometric-median":
        for _ in range(50):  # Weiszfeld 1937; far more than it takes to settle in fp32
            weights = 1 / (x - middle).norm(dim=1).clamp_min(torch.finfo(x.dtype).eps)
            middle = weights @ x / weights.sum()
    return middle


def encoder_of(tensors: Tensors) -> Float[Tensor, "f d"]:
    """Return the encoder's rows: the atoms themselves in a tied method."""
    return tensors.get("encoder", tensors["atoms"])


def centre_of(tensors: Tensors) -> Float[Tensor, " e"]:
    """Return what rebuilt rows are centred on: the first block's centre and what was learned."""
    return torch.addcmul(tensors["centre"], tensors["offset"], tensors["scale"])


def read_of(
    tensors: Tensors, block: Float[Tensor, "n c"]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, " d"], Float[Tensor, ""]]:
    """Return what the encoder reads of a block, and its centre and scale."""
    if READ_CENTRE not in tensors:
        return block, centre_of(tensors), tensors["scale"]
    centre = tensors[READ_CENTRE]
    return block[:, : len(centre)], centre, tensors[READ_SCALE]


def rebuilt_of(
    tensors: Tensors, block: Float[Tensor, "n c"]
) -> Float[Tensor, "n e"] | None:
    """Return what is rebuilt of a block; None where that is what is read."""
    return block[:, len(tensors[READ_CENTRE]) :] if READ_CENTRE in tensors else None


def frozen(
    state: State,
    selection: Selection,
    contract: InputContract | None,
    *,
    thresholds: Float[Tensor, " f"] | None = None,
    method: str,
    settings: Mapping[str, Any],
) -> Dictionary:
    """Return a state's dictionary; learned centre and scale are folded into its own."""
    tensors = state.tensors
    target, centre, scale = None, centre_of(tensors), float(tensors["scale"])
    if READ_CENTRE in tensors:
        skip = tensors.get(SKIP)
        own = None if skip is None else skip.clone()
        target = Target(centre=centre, scale=scale, skip=own)
        centre, scale = tensors[READ_CENTRE].clone(), float(tensors[READ_SCALE])
    return Dictionary(
        atoms=tensors["atoms"].clone(),
        encoder=encoder_of(tensors).clone(),
        encoder_bias=tensors["encoder_bias"].clone(),
        centre=centre,
        scale=scale,
        target=target,
        selection=selection,
        thresholds=thresholds,
        contract=contract or InputContract(),
        method=method,
        settings=settings,
        seed=state.seed,
    )
