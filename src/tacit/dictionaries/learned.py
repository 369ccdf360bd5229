"""What every method that descends a loss shares: its start, its gradients, its update.

Axes: n rows, d width, f atoms, m active entries. Parameters live in ``State.tensors`` under the
names in ``LEAVES`` (a tied method has no ``encoder``), each with two moments of Adam beside it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.kernels import (
    Ragged,
    by_atom,
    code_gradient,
    decode,
    summed_by_atom,
    weighted_rows,
)
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
# The rate that sparse autoencoders were tuned to at this size; it falls as 1 / sqrt(f).
REFERENCE_RATE, REFERENCE_ATOMS = 2e-4, 2**14

Centre = Literal["mean", "geometric-median", "none"]


def learning_rate(
    given: float | None, num_atoms: int, *, step: int, num_steps: int, warm_up_steps: int
) -> float:
    """Return the rate of one step: a linear rise, a plateau, a linear fall to zero at the end.

    Without a rate given, the plateau is ``2e-4 / sqrt(f / 2**14)``.
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
    tensors = {"centre": middle, "scale": scale, **leaves}
    for name, leaf in leaves.items():
        tensors[f"{name}/first"] = torch.zeros_like(leaf)
        tensors[f"{name}/second"] = torch.zeros_like(leaf)
    tensors["silent_steps"] = torch.zeros(num_atoms, dtype=torch.int32, device=x.device)
    return State(tensors=tensors, step=0, num_steps=num_steps, seed=seed)


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


def centred_rows(tensors: Tensors, block: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Return rows as the encoder sees them: less the learned centre, over the scale."""
    shift = torch.addcmul(tensors["centre"], tensors["offset"], tensors["scale"])
    return (block.detach().to(shift) - shift).div_(tensors["scale"])


def spread_of(centred: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Return the sum over rows of the squared distance from their mean."""
    return centred.square().sum() - len(centred) * centred.mean(dim=0).square().sum()


@dataclass(frozen=True, kw_only=True)
class Gradients:
    """Gradients of a loss by leaf, with what was found on the way."""

    leaves: Tensors
    """``offset`` holds the part through the reconstruction; ``finished`` adds the other."""
    residual: Float[Tensor, "n d"]
    """Rebuilt rows less the true ones."""
    squared_error: Float[Tensor, ""]
    """Sum of the residual's squares."""

    def finished(self, encoder: Float[Tensor, "f d"], *, tied: bool) -> Tensors:
        """Return the leaves' gradients, with the offset's part through the encoder."""
        leaves = dict(self.leaves)
        leaves["offset"] = leaves["offset"] - leaves["encoder_bias"] @ encoder
        if tied:
            leaves["atoms"].add_(leaves.pop("encoder"))
        return leaves


def sparse_gradients(
    tensors: Tensors, centred: Float[Tensor, "n d"], code: Ragged, penalty: float = 0.0
) -> Gradients:
    """Return the gradients of squared error plus ``penalty`` times L1, both mean over rows.

    Only active entries are worked on: five bag sums, and no n x f matrix.
    """
    atoms = tensors["atoms"]
    residual = decode(code, atoms).sub_(centred)
    upstream = residual * (2 / len(centred))
    through_code = code_gradient(upstream, code, atoms)
    if penalty:
        through_code += penalty / len(centred)
    through_code *= code.values > 0
    listed = by_atom(code, len(atoms))
    leaves = {
        "atoms": weighted_rows(listed, code.values, upstream),
        "encoder": weighted_rows(listed, through_code, centred),
        "encoder_bias": summed_by_atom(code, through_code, len(atoms)),
        "offset": upstream.sum(dim=0),
    }
    return Gradients(
        leaves=leaves, residual=residual, squared_error=residual.square().sum()
    )


def descend(
    tensors: Tensors, gradients: Tensors, *, step: int, rate: float, clip: float | None
) -> Float[Tensor, ""]:
    """Move the leaves by one step of Adam, in place, and return the gradient's norm.

    What would only lengthen or shorten an atom is taken out of its gradient first, and atoms
    are brought back to unit length afterwards.
    """
    atoms, towards = tensors["atoms"], gradients["atoms"]
    along = (towards * atoms).sum(dim=1, keepdim=True)
    towards.addcmul_(atoms, along, value=-1)
    norms = torch.stack([torch.linalg.vector_norm(g) for g in gradients.values()])
    norm = torch.linalg.vector_norm(norms)
    names = [name for name in LEAVES if name in gradients]
    shrink = (norm / clip).float() if clip is not None and norm > clip else None
    torch.ops.aten._fused_adam_(
        [tensors[name] for name in names],
        [gradients[name] for name in names],
        [tensors[f"{name}/first"] for name in names],
        [tensors[f"{name}/second"] for name in names],
        [],
        [torch.tensor(float(step + 1), device=atoms.device) for _ in names],
        lr=rate,
        beta1=BETAS[0],
        beta2=BETAS[1],
        weight_decay=0.0,
        eps=EPSILON,
        amsgrad=False,
        maximize=False,
        grad_scale=shrink,
    )
    atoms.div_(torch.linalg.vector_norm(atoms, dim=1, keepdim=True))
    return norm


def frozen(
    state: State,
    selection: Selection,
    contract: InputContract | None,
    *,
    method: str,
    settings: Mapping[str, Any],
) -> Dictionary:
    """Return a state's dictionary; learned centre and scale are folded into its own."""
    tensors = state.tensors
    centre = torch.addcmul(tensors["centre"], tensors["offset"], tensors["scale"])
    return Dictionary(
        atoms=tensors["atoms"].clone(),
        encoder=encoder_of(tensors).clone(),
        encoder_bias=tensors["encoder_bias"].clone(),
        centre=centre,
        scale=float(tensors["scale"]),
        selection=selection,
        contract=contract or InputContract(),
        method=method,
        settings=settings,
        seed=state.seed,
    )
