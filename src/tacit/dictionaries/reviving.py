"""How dead atoms are replaced by directions of what the others leave over.

Axes: n rows, d width, a dead atoms.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.base.seeds import torch_seed
from tacit.dictionaries.learned import LEAVES, OF_NO_ATOM, READ_CENTRE, Tensors, encoder_of
from tacit.dictionaries.methods import State
from tacit.dictionaries.ranks import Ranks


def revive(
    state: State,
    dead: Int[Tensor, "a"],
    residual: Float[Tensor, "n e"],
    centred: Float[Tensor, "n d"],
    encoder_share: float,
    ranks: Ranks,
) -> None:
    """Point dead atoms at rows that are rebuilt badly, in place, with their moments reset.

    Rows are drawn without replacement with a probability in proportion to their squared error
    (after Bricken et al. 2023); the new atom is the direction of what is missing in its row. The
    encoder's row has the same direction (a transcoder's that of the row that was read) and
    ``encoder_share`` of the mean length of the living ones' rows; any leaf of the method's own is
    the living ones' mean.
    """
    tensors = state.tensors
    generator = torch.Generator().manual_seed(
        torch_seed(state.seed, f"dictionaries/revive/{state.step}")
    )
    rows = _drawn(dead, residual, generator, ranks)
    directions = -_unit(residual, rows, ranks)
    dead = dead[: len(rows)]
    living = tensors["silent_steps"] == 0
    if "encoder" in tensors:
        length = _mean_length(tensors, living, ranks)
        of_read = _unit(centred, rows, ranks) if READ_CENTRE in tensors else directions
        tensors["encoder"][dead] = of_read * (encoder_share * length)
    tensors["atoms"][dead] = directions
    tensors["encoder_bias"][dead] = 0
    names = [name.removesuffix("/first") for name in tensors if name.endswith("/first")]
    for name in names:
        if name in OF_NO_ATOM:
            continue
        if name not in LEAVES and bool(living.any()):
            tensors[name][dead] = tensors[name][living].mean()
        for moment in ("first", "second"):
            tensors[f"{name}/{moment}"][dead] = 0
    tensors["silent_steps"][dead] = 0


def _drawn(
    dead: Int[Tensor, "a"],
    residual: Float[Tensor, "n e"],
    generator: torch.Generator,
    ranks: Ranks,
) -> Int[Tensor, " b"]:
    """Return a row, of all processes' rows, for as many of this one's dead atoms as there are."""
    errors = residual.square().sum(dim=1).cpu()
    before, of_all = 0, len(dead)
    if ranks.by_rows:
        errors = torch.cat(ranks.listed(errors))
    if ranks.by_atoms:
        counts = [int(each) for each in ranks.listed(torch.tensor([len(dead)]))]
        before, of_all = sum(counts[: ranks.number]), sum(counts)
    count = min(of_all, int((errors > 0).sum()))
    if count == 0:
        return dead[:0]
    rows = torch.multinomial(errors, count, generator=generator)
    return rows[before : before + len(dead)].to(residual.device)


def _unit(
    matrix: Float[Tensor, "n d"], rows: Int[Tensor, " b"], ranks: Ranks
) -> Float[Tensor, "b d"]:
    """Return the directions of some rows, of which this process may have a part."""
    if ranks.by_rows:
        own = rows // len(matrix) == ranks.number
        found = matrix.new_zeros(len(rows), matrix.shape[1])
        found[own] = matrix.index_select(0, rows[own] % len(matrix))
        found = ranks.summed(found)
    else:
        found = matrix.index_select(0, rows)
    # A row that is read can be its centre, as a row that is rebuilt badly cannot be exact.
    length = torch.linalg.vector_norm(found, dim=1, keepdim=True)
    return found / length.clamp_min(torch.finfo(found.dtype).tiny)


def _mean_length(tensors: Tensors, living: Tensor, ranks: Ranks) -> Tensor:
    """Return the mean length of the encoder's rows, of living atoms if there are any."""
    lengths = torch.linalg.vector_norm(encoder_of(tensors), dim=1)
    sums = torch.stack([(lengths * living).sum(), living.sum().to(lengths)])
    sums = torch.stack([*sums, lengths.sum(), lengths.new_tensor(float(len(lengths)))])
    if ranks.by_atoms:
        sums = ranks.summed(sums)
    return sums[0] / sums[1] if sums[1] > 0 else sums[2] / sums[3]
