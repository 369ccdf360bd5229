"""Edits of features and directions: scale, clamp, set, steer; what a dictionary misses stays.

They hold at every position unless ``where`` names some, so they also serve while a subject writes
(``models.sampling``), where a step sees one position alone.
Axes: b contexts, t positions, d width, n rows, k features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.edits import Edit, check_feature

Change = Callable[[Float[Tensor, "n k"]], Float[Tensor, "n k"]]
"""From the features' activations to those wanted in their place."""


def change_features(
    dictionary: Dictionary,
    features: Sequence[int],
    change: Change,
    where: Bool[Tensor, "b t"] | None = None,
) -> Edit:
    """Return the edit that gives features other activations.

    The value moves by the difference in activation times each feature's direction. It is not
    coded again: an activation that the dictionary would never give a row may be asked for.

    Raises:
        UserError: for a transcoder, a feature that is not there or is named twice.
    """
    for feature in features:
        check_feature(dictionary, feature)
    if not features or len(set(features)) < len(features):
        raise UserError(
            f"the features {list(features)} were to be changed; name one or more, each once."
        )
    directions = dictionary.atoms[list(features)] * dictionary.scale

    def edit(value: Tensor) -> Tensor:
        there = _places(value, where)
        rows = value[there].to(dictionary.atoms)
        old = activations_of(dictionary, rows, features)
        moved = rows + (change(old) - old) @ directions
        out = value.clone()
        out[there] = moved.to(value)
        return out

    return edit


def scale_features(
    dictionary: Dictionary,
    features: Sequence[int],
    factor: float,
    where: Bool[Tensor, "b t"] | None = None,
) -> Edit:
    """Return the edit that multiplies activations: 0 ablates, -1 turns the features about."""
    return change_features(dictionary, features, lambda old: factor * old, where)


def clamp_features(
    dictionary: Dictionary,
    features: Sequence[int],
    level: float,
    where: Bool[Tensor, "b t"] | None = None,
) -> Edit:
    """Return the edit that sets activations to one level, active before or not."""
    return change_features(
        dictionary, features, lambda old: torch.full_like(old, level), where
    )


def cap_features(
    dictionary: Dictionary,
    features: Sequence[int],
    highest: float,
    where: Bool[Tensor, "b t"] | None = None,
) -> Edit:
    """Return the edit that lowers activations above ``highest`` to it; the others stay."""
    return change_features(dictionary, features, lambda old: old.clamp(max=highest), where)


def steer(
    direction: Float[Tensor, " d"],
    strength: float,
    where: Bool[Tensor, "b t"] | None = None,
) -> Edit:
    """Return the edit that adds ``strength`` times a direction, its length included."""

    def edit(value: Tensor) -> Tensor:
        if len(direction) != value.shape[-1]:
            raise UserError(
                f"a direction of width {len(direction)} was to be added at a site of width "
                f"{value.shape[-1]}; give one of the site's width."
            )
        there = _places(value, where)
        out = value.clone()
        out[there] += (strength * direction).to(value)
        return out

    return edit


def _places(value: Tensor, where: Bool[Tensor, "b t"] | None) -> Bool[Tensor, "b t"]:
    """Return which positions an edit is for; all where none are named."""
    if where is None:
        return torch.ones(value.shape[:-1], dtype=torch.bool, device=value.device)
    if where.shape != value.shape[:-1]:
        raise UserError(
            f"an edit for positions of shape {tuple(where.shape)} met a value of "
            f"{tuple(value.shape[:-1])}; name positions of that shape, or none for all."
        )
    return where.to(value.device)


def activations_of(
    dictionary: Dictionary, rows: Float[Tensor, "n d"], features: Sequence[int]
) -> Float[Tensor, "n k"]:
    """Return some features' activations."""
    code = dictionary.encode(rows)
    wanted = torch.tensor(list(features), device=rows.device)
    found = (code.indices[:, :, None] == wanted) * code.values[:, :, None]
    return found.sum(dim=1)
