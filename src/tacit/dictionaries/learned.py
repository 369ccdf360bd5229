"""What every method that descends a loss shares: its start, its rate, and how it ends.

Axes: n rows, d width, f atoms. Parameters live in ``State.tensors`` under the
names in ``LEAVES`` (a tied method has no ``encoder``), those of a method's own beside them, each
with two moments of Adam.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.methods import State
from tacit.dictionaries.selections import Selection

Tensors = dict[str, Tensor]

LEAVES = ("atoms", "encoder", "encoder_bias", "offset")
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
    block: Float[Tensor, "n d"],
    *,
    num_atoms: int,
    tied: bool,
    centre: Centre,
    scaled: bool,
    seed: int,
    num_steps: int,
) -> State:
    """Return random unit atoms, an encoder equal to them, and the block's centre and scale."""
    x = block.detach().to(torch.promote_types(block.dtype, torch.float32))
    middle = _centre_of(x, centre)
    scale = (x - middle).square().sum(dim=1).mean().sqrt() if scaled else x.new_ones(())
    if not (torch.isfinite(scale) and scale > 0):
        raise UserError(
            f"the first block ({len(x)} rows) has a spread of {float(scale)}: rows that are all "
            "equal, or not finite, cannot set the scale; give rows that differ."
        )
    raw = stream(seed, "dictionaries/atoms").standard_normal((num_atoms, x.shape[1]))
    atoms = torch.from_numpy(raw).to(x)
    atoms /= atoms.norm(dim=1, keepdim=True)
    leaves = {
        "atoms": atoms,
        "encoder": atoms.clone(),
        "encoder_bias": x.new_zeros(num_atoms),
        "offset": x.new_zeros(x.shape[1]),
    }
    if tied:
        del leaves["encoder"]
    tensors = {"centre": middle, "scale": scale}
    tensors["silent_steps"] = torch.zeros(num_atoms, dtype=torch.int32, device=x.device)
    state = State(tensors=tensors, step=0, num_steps=num_steps, seed=seed)
    add_leaves(state, leaves)
    return state


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


def centre_of(tensors: Tensors) -> Float[Tensor, " d"]:
    """Return what is subtracted from rows: the first block's centre and what was learned."""
    return torch.addcmul(tensors["centre"], tensors["offset"], tensors["scale"])


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
    return Dictionary(
        atoms=tensors["atoms"].clone(),
        encoder=encoder_of(tensors).clone(),
        encoder_bias=tensors["encoder_bias"].clone(),
        centre=centre_of(tensors),
        scale=float(tensors["scale"]),
        selection=selection,
        thresholds=thresholds,
        contract=contract or InputContract(),
        method=method,
        settings=settings,
        seed=state.seed,
    )
