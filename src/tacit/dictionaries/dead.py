"""Atoms that no longer fire: how they are found, taught by what is left over, and replaced.

Axes: n rows, d width, f atoms, a dead atoms.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.seeds import torch_seed
from tacit.dictionaries.kernels import top_k
from tacit.dictionaries.learned import Gradients, Tensors, encoder_of
from tacit.dictionaries.methods import State


def count_silence(tensors: Tensors, fired: Int[Tensor, "m"]) -> None:
    """Add a step of silence to every atom but those that ``fired``, in place."""
    silent = tensors["silent_steps"]
    silent.add_(1)
    silent[fired] = 0


def dead_atoms(tensors: Tensors, dead_after_steps: int) -> Int[Tensor, "a"]:
    """Return the atoms that have been silent for that many steps, ascending."""
    return (tensors["silent_steps"] >= dead_after_steps).nonzero().squeeze(1)


def _kept(projected: Float[Tensor, "n a"], num_kept: int) -> Bool[Tensor, "n a"] | None:
    """Return where the largest ``num_kept`` of each row stand, None when that is everywhere."""
    if projected.shape[1] <= num_kept:
        return None
    _, indices = top_k(projected, num_kept)
    return torch.zeros_like(projected, dtype=torch.bool).scatter_(1, indices, True)


def add_auxiliary(
    gradients: Gradients,
    tensors: Tensors,
    centred: Float[Tensor, "n d"],
    dead: Int[Tensor, "a"],
    projected: Float[Tensor, "n a"],
    *,
    num_kept: int,
    weight: float,
    spread: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """Let dead atoms rebuild the residual; add the gradients in place and return the loss.

    The loss is ``weight`` times the share of the residual's variance that is left, in units of
    the block's variance, so that beside the squared error it weighs what it does in Gao et al.
    2024 (both there divided by their variance). The ``num_kept`` dead atoms with the largest
    pre-activations take part, below zero too, so that each of them has a gradient, in encoder
    and atom. With few dead atoms dense products are cheaper than bag sums.
    """
    # The residual is the target here: rebuilt less true, so its sign is turned.
    target = gradients.residual.neg()
    variance = (target - target.mean(dim=0)).square().sum()
    factor = weight * spread / (len(centred) * variance)
    kept = _kept(projected, num_kept)
    active = projected if kept is None else projected * kept
    atoms = tensors["atoms"].index_select(0, dead)
    error = torch.addmm(target, active, atoms, beta=-1)
    upstream = error * (2 * factor)
    through_code = upstream @ atoms.T
    if kept is not None:
        through_code *= kept
    leaves = gradients.leaves
    leaves["atoms"].index_add_(0, dead, active.T @ upstream)
    leaves["encoder"].index_add_(0, dead, through_code.T @ centred)
    leaves["encoder_bias"].index_add_(0, dead, through_code.sum(dim=0))
    return factor * error.square().sum()


def revive(
    state: State,
    dead: Int[Tensor, "a"],
    residual: Float[Tensor, "n d"],
    encoder_share: float,
) -> None:
    """Point dead atoms at rows that are rebuilt badly, in place, with their moments reset.

    Rows are drawn without replacement with a probability in proportion to their squared error
    (after Bricken et al. 2023); the new atom is the direction of what is missing in its row. The
    encoder's row is ``encoder_share`` of the mean length of the living ones' rows.
    """
    tensors = state.tensors
    errors = residual.square().sum(dim=1).cpu()
    drawable = int((errors > 0).sum())
    generator = torch.Generator().manual_seed(
        torch_seed(state.seed, f"dictionaries/revive/{state.step}")
    )
    count = min(len(dead), drawable)
    if count == 0:
        return
    rows = torch.multinomial(errors, count, generator=generator).to(residual.device)
    dead = dead[:count]
    directions = -residual.index_select(0, rows)
    directions /= torch.linalg.vector_norm(directions, dim=1, keepdim=True)
    tensors["atoms"][dead] = directions
    if "encoder" in tensors:
        living = tensors["silent_steps"] == 0
        lengths = torch.linalg.vector_norm(encoder_of(tensors), dim=1)
        mean_length = lengths[living].mean() if bool(living.any()) else lengths.mean()
        tensors["encoder"][dead] = directions * (encoder_share * mean_length)
    tensors["encoder_bias"][dead] = 0
    tensors["silent_steps"][dead] = 0
    for name in ("atoms", "encoder", "encoder_bias"):
        for moment in ("first", "second"):
            if f"{name}/{moment}" in tensors:
                tensors[f"{name}/{moment}"][dead] = 0
