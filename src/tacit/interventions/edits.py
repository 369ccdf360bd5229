"""The edits that interventions make at a site, each a function from its value to another.

``where`` says at which positions the edit holds; the others keep their value to the bit.
Axes: b contexts, t positions, d width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary

Edit = Callable[[Tensor], Tensor]


def _at(value: Tensor, where: Bool[Tensor, "b t"], rows: Float[Tensor, "n d"]) -> Tensor:
    """Return the value with other rows where ``where`` holds."""
    out = value.clone()
    out[where.to(value.device)] = rows.to(value)
    return out


def substitute(dictionary: Dictionary, where: Bool[Tensor, "b t"]) -> Edit:
    """Return the edit that puts the dictionary's reconstruction in place of the value."""

    def edit(value: Tensor) -> Tensor:
        return _at(value, where, dictionary.rebuild(value[where.to(value.device)]))

    return edit


def transcode(dictionary: Dictionary, where: Bool[Tensor, "b t"]) -> Mapping[str, Edit]:
    """Return the edits by site that put what a transcoder rebuilds in place of the true value.

    The one at the site that it reads changes nothing; it only looks.
    """
    reads, rebuilds = dictionary.contract.site, dictionary.contract.target
    assert reads is not None and rebuilds is not None
    seen: list[Tensor] = []

    def look(value: Tensor) -> Tensor:
        seen[:] = [value[where.to(value.device)]]
        return value

    def put(value: Tensor) -> Tensor:
        if not seen:
            raise UserError(
                f"the transcoder reads {reads}, which the model has not computed when it comes to "
                f"{rebuilds}; only a later site can be replaced from an earlier one."
            )
        return _at(value, where, dictionary.rebuild(seen[0]))

    return {reads: look, rebuilds: put}


def constant(vector: Float[Tensor, " d"], where: Bool[Tensor, "b t"]) -> Edit:
    """Return the edit that puts one vector at every place: zero ablation, mean ablation."""

    def edit(value: Tensor) -> Tensor:
        if len(vector) != value.shape[-1]:
            raise UserError(
                f"a vector of width {len(vector)} was to stand at a site of width "
                f"{value.shape[-1]}; give one of the site's width."
            )
        return _at(value, where, vector.expand(int(where.sum()), -1))

    return edit


def check_feature(dictionary: Dictionary, feature: int) -> None:
    """Raise a ``UserError`` when there is no such feature, or none that can be edited."""
    if dictionary.target is not None:
        raise UserError(
            f"the dictionary is a transcoder from {dictionary.contract.site} to "
            f"{dictionary.contract.target}: what it reads is not made of its atoms, so a feature "
            "cannot be changed there. Give an autoencoder of the site."
        )
    if not 0 <= feature < dictionary.num_atoms:
        raise UserError(
            f"feature {feature} was asked for; the dictionary has features 0 to "
            f"{dictionary.num_atoms - 1}."
        )


def ablate_feature(
    dictionary: Dictionary,
    feature: int,
    where: Bool[Tensor, "b t"],
    *,
    keep_error: bool = True,
) -> Edit:
    """Return the edit that takes one feature's part out of the value.

    With ``keep_error`` only the feature's own part goes and what the dictionary misses stays;
    without, the value becomes the reconstruction without the feature.
    """
    check_feature(dictionary, feature)

    def edit(value: Tensor) -> Tensor:
        rows = value[where.to(value.device)].to(dictionary.atoms)
        code = dictionary.encode(rows)
        mine = code.indices == feature
        if not keep_error:
            others = torch.where(mine, 0, code.values)
            return _at(value, where, dictionary.decode(replace(code, values=others)))
        size = torch.where(mine, code.values, 0).sum(dim=1, keepdim=True)
        return _at(value, where, rows - size * dictionary.scale * dictionary.atoms[feature])

    return edit
