"""How dead atoms are replaced by directions of what the others leave over.

Axes: n rows, d width, a dead atoms.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.base.seeds import torch_seed
from tacit.dictionaries.learned import LEAVES, Tensors, encoder_of
from tacit.dictionaries.methods import State
from tacit.dictionaries.ranks import Ranks


def revive(
    state: State,
    dead: Int[Tensor, "a"],
    residual: Float[Tensor, "n d"],
    encoder_share: float,
    ranks: Ranks,
) -> None:
    """Point dead atoms at rows that are rebuilt badly, in place, with their moments reset.

    Rows are drawn without replacement with a probability in proportion to their squared error
    (after Bricken et al. 2023); the new atom is the direction of what is missing in its row. The
    encoder's row is ``encoder_share`` of the mean length of the living ones' rows, and any leaf of
    the method's own is the living ones' mean.
    """
    tensors = state.tensors
    generator = torch.Generator().manual_seed(
        torch_seed(state.seed, f"dictionaries/revive/{state.step}")
    )
    directions = _directions(dead, residual, generator, ranks)
    dead = dead[: len(directions)]
    living = tensors["silent_steps"] == 0
    if "encoder" in tensors:
        length = _mean_length(tensors, living, ranks)
        tensors["encoder"][dead] = directions * (encoder_share * length)
    tensors["atoms"][dead] = directions
    tensors["encoder_bias"][dead] = 0
    names = [name.removesuffix("/first") for name in tensors if name.endswith("/first")]
    for name in names:
        if name not in LEAVES and bool(living.any()):
            tensors[name][dead] = tensors[name][living].mean()
        for moment in ("first", "second") * (name != "offset"):
            tensors[f"{name}/{moment}"][dead] = 0
    tensors["silent_steps"][dead] = 0


def _directions(
    dead: Int[Tensor, "a"],
    residual: Float[Tensor, "n d"],
    generator: torch.Generator,
    ranks: Ranks,
) -> Float[Tensor, "b d"]:
    """Return unit directions for as many of this process's dead atoms as rows can be drawn."""
    errors = residual.square().sum(dim=1).cpu()
    before, of_all = 0, len(dead)
    if ranks.by_rows:
        errors = torch.cat(ranks.listed(errors))
    if ranks.by_atoms:
        counts = [int(each) for each in ranks.listed(torch.tensor([len(dead)]))]
        before, of_all = sum(counts[: ranks.number]), sum(counts)
    count = min(of_all, int((errors > 0).sum()))
    if count == 0:
        return residual[:0]
    rows = torch.multinomial(errors, count, generator=generator)
    rows = rows[before : before + len(dead)].to(residual.device)
    if ranks.by_rows:
        own = rows // len(residual) == ranks.number
        found = residual.new_zeros(len(rows), residual.shape[1])
        found[own] = residual.index_select(0, rows[own] % len(residual))
        directions = -ranks.summed(found)
    else:
        directions = -residual.index_select(0, rows)
    return directions / torch.linalg.vector_norm(directions, dim=1, keepdim=True)


def _mean_length(tensors: Tensors, living: Tensor, ranks: Ranks) -> Tensor:
    """Return the mean length of the encoder's rows, of living atoms if there are any."""
    lengths = torch.linalg.vector_norm(encoder_of(tensors), dim=1)
    sums = torch.stack([(lengths * living).sum(), living.sum().to(lengths)])
    sums = torch.stack([*sums, lengths.sum(), lengths.new_tensor(float(len(lengths)))])
    if ranks.by_atoms:
        sums = ranks.summed(sums)
    return sums[0] / sums[1] if sums[1] > 0 else sums[2] / sums[3]
