"""Which features of a crosscoder are shared, and which belong to one site or model alone.

Axes: n rows, c columns of all parts, d columns of one part, f atoms, p parts, m entries.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary

Kind = Literal["shared", "left", "right", "uneven"]
# Relative norms below and above which an atom counts as one side's, and between which as shared.
# Lindsey et al. 2024 show three clusters and give no bounds; these are ours.
ONE_SIDED, EVEN = 0.1, (0.4, 0.6)


def parts_of(dictionary: Dictionary) -> dict[str, slice]:
    """Return the columns of each part of a crosscoder; ``UserError`` for any other dictionary."""
    widths = dictionary.outcome.get("parts")
    if widths is None:
        raise UserError(
            f"the dictionary reads {dictionary.contract.site} alone and is no crosscoder; fit one "
            "with several --site or two --store."
        )
    ends, found = 0, {}
    for site, width in widths.items():
        found[site] = slice(ends, ends + width)
        ends += width
    return found


def norms(dictionary: Dictionary) -> Float[Tensor, "f p"]:
    """Return the length of each atom in each part, in units of the part's own spread."""
    parts = parts_of(dictionary)  # refuses what is no crosscoder
    scales = dictionary.outcome["part_scales"]
    return torch.stack(
        [
            dictionary.atoms[:, part].norm(dim=1) / scales[site]
            for site, part in parts.items()
        ],
        dim=1,
    )


def kinds(dictionary: Dictionary) -> list[Kind]:
    """Return what each atom of a crosscoder of two parts is, by its relative norm.

    The relative norm is the right part's length over the sum of both. A small one does not prove
    that a feature is missing on the right (Minder et al. 2025): see ``latent_scaling``.
    """
    lengths = norms(dictionary)
    if lengths.shape[1] != 2:
        raise UserError(
            f"left and right were asked of a crosscoder of {lengths.shape[1]} parts; they are "
            "those of two."
        )
    relative = lengths[:, 1] / lengths.sum(dim=1).clamp_min(torch.finfo(lengths.dtype).tiny)
    return [_kind(each) for each in relative.tolist()]


def _kind(relative: float) -> Kind:
    if relative < ONE_SIDED:
        return "left"
    if relative > 1 - ONE_SIDED:
        return "right"
    return "shared" if EVEN[0] <= relative <= EVEN[1] else "uneven"


def latent_scaling(
    dictionary: Dictionary, rows: Float[Tensor, "n c"]
) -> Float[Tensor, " f"]:
    """Return how much of each feature is in the part where its atom is shorter; 0 is not at all.

    The atom of the longer part is scaled to fit, by least squares, what each part holds beside
    all other features (its error plus the feature's own share); the result is the shorter part's
    factor over the longer's. A feature of one model alone has one near 0, a shared one whose atom
    merely shrank has one near 1 (Minder et al. 2025, the error's variant). NaN where a feature
    never fires on ``rows``.
    """
    columns, scales = parts_of(dictionary), dictionary.outcome["part_scales"]
    code = dictionary.encode(rows)
    left_over = rows.to(dictionary.atoms) - dictionary.decode(code)
    first, second = columns
    long_is_second = norms(dictionary)[:, 1] > norms(dictionary)[:, 0]
    unit = {
        site: dictionary.scale * dictionary.atoms[:, part] / scales[site]
        for site, part in columns.items()
    }
    if unit[first].shape[1] != unit[second].shape[1] or len(columns) != 2:
        raise UserError(
            "latent scaling compares one direction in two parts of equal width; give a crosscoder "
            "of one site in two models."
        )
    longer = torch.where(long_is_second[:, None], unit[second], unit[first])
    factor = {}
    active = code.values != 0
    row, atom = active.nonzero()[:, 0], code.indices[active]
    value = code.values[active].to(longer)
    squares = longer.new_zeros(len(longer)).index_add_(0, atom, value**2)
    for site, part in columns.items():
        error = left_over[:, part] / scales[site]
        fits = (error[row] * longer[atom]).sum(dim=1) * value
        own = (unit[site] * longer).sum(dim=1) * squares
        factor[site] = longer.new_zeros(len(longer)).index_add_(0, atom, fits) + own
    short = torch.where(long_is_second, factor[first], factor[second])
    whole = torch.where(long_is_second, factor[second], factor[first])
    return torch.where(squares > 0, short / whole, torch.nan)
