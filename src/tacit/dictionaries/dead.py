"""Atoms that no longer fire: how they are found, taught by what is left over, and replaced.

Axes: n rows, d width, f atoms, a dead atoms.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.base.seeds import torch_seed
from tacit.dictionaries.descent import Pass
from tacit.dictionaries.kernels import rows_per_block, top_k
from tacit.dictionaries.learned import Tensors, encoder_of
from tacit.dictionaries.methods import State
from tacit.dictionaries.parallel import Over

# Dead atoms whose gradients one thread sums at a time.
DEAD_PER_SLICE = 128


def count_silence(tensors: Tensors, fired: Int[Tensor, "m"]) -> None:
    """Add a step of silence to every atom but those that ``fired``, in place."""
    silent = tensors["silent_steps"]
    silent.add_(1)
    silent[fired] = 0


def dead_atoms(tensors: Tensors, dead_after_steps: int) -> Int[Tensor, "a"]:
    """Return the atoms that have been silent for that many steps, ascending."""
    return (tensors["silent_steps"] >= dead_after_steps).nonzero().squeeze(1)


def _drop_small(projected: Float[Tensor, "n a"], num_kept: int) -> None:
    """Set all but the largest ``num_kept`` of each row to zero, in place."""
    if projected.shape[1] > num_kept:
        values, indices = top_k(projected, num_kept)
        projected.zero_().scatter_(1, indices, values)


def add_auxiliary(
    seen: Pass,
    tensors: Tensors,
    dead: Int[Tensor, " a"],
    over: Over,
    *,
    num_kept: int,
    weight: float,
) -> Float[Tensor, ""]:
    """Let dead atoms rebuild the residual; add the gradients in place and return the loss.

    The loss is ``weight`` times the share of the residual's variance that is left, in units of
    the block's variance, so that beside the squared error it weighs what it does in Gao et al.
    2024 (both there divided by their variance). The ``num_kept`` dead atoms with the largest
    pre-activations take part, below zero too, so that each of them has a gradient, in encoder
    and atom. With few dead atoms dense products are cheaper than bag sums.
    """
    residual, n = seen.residual, len(seen.residual)
    variance = (residual - residual.mean(dim=0)).square().sum()
    factor = weight * seen.spread / (n * variance)
    atoms, leaves = tensors["atoms"].index_select(0, dead), seen.leaves
    error = torch.empty_like(residual)
    through_code = torch.empty_like(seen.of_dead)

    def look(rows: slice) -> Tensor:
        active = seen.of_dead[rows]
        _drop_small(active, num_kept)
        # The target is true less rebuilt, which is minus the residual.
        own = torch.addmm(residual[rows], active, atoms, out=error[rows])
        squares = own.square().sum()
        own *= 2 * factor
        torch.mm(own, atoms.T, out=through_code[rows]).mul_(active != 0)
        return squares

    def gather(part: slice) -> None:
        own = dead[part]
        leaves["atoms"][own] += seen.of_dead[:, part].T @ error
        leaves["encoder"][own] += through_code[:, part].T @ seen.centred
        leaves["encoder_bias"][own] += through_code[:, part].sum(dim=0)

    squares = over(n, rows_per_block(len(dead)), look)
    over(len(dead), DEAD_PER_SLICE, gather)
    return factor * torch.stack(squares).sum()


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
