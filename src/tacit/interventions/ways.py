"""Ways to bring about a behaviour: a dictionary's feature, a difference of means, a prompt.

Axes: m rows, d width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.edits import Edit, check_feature
from tacit.interventions.features import steer

Prefixes = Sequence[Sequence[int]]
"""Token ids of each text to be continued."""


@final
@dataclass(frozen=True, kw_only=True)
class Push:
    """A direction added at a site, at every position of prefix and continuation."""

    name: str
    site: str
    direction: Float[Tensor, " d"]
    """What strength 1 adds, its length included."""

    def strengths(self, asked: Sequence[float]) -> tuple[float, ...]:
        """Return the strengths that it is run at, beside 0."""
        return tuple(float(strength) for strength in asked if strength != 0)

    def given(self, prefixes: Prefixes) -> Prefixes:
        """Return what is continued in the stead of the plain prefixes."""
        return prefixes

    def edits(self, strength: float) -> Mapping[str, Edit]:
        """Return the edits under which it is continued."""
        return {self.site: steer(self.direction, strength)}


@final
@dataclass(frozen=True, kw_only=True)
class Prompt:
    """Something written before each prefix: it is there, which is strength 1, or it is not."""

    name: str
    cued: Prefixes
    """What stands in the stead of each plain prefix."""

    def strengths(self, asked: Sequence[float]) -> tuple[float, ...]:
        """Return 1, whatever is asked of other ways."""
        del asked
        return (1.0,)

    def given(self, prefixes: Prefixes) -> Prefixes:
        """Return what is continued in the stead of the plain prefixes."""
        if len(prefixes) != len(self.cued):
            raise UserError(
                f"the prompt {self.name!r} has {len(self.cued)} prefixes for {len(prefixes)} "
                "plain ones; give one for each."
            )
        return self.cued

    def edits(self, strength: float) -> Mapping[str, Edit]:
        """Return no edit."""
        del strength
        return {}


Way = Push | Prompt


def feature_push(
    name: str,
    site: str,
    dictionary: Dictionary,
    feature: int,
    rows: Float[Tensor, "m d"],
    *,
    mean: bool = False,
) -> Push:
    """Return the way whose strength 1 is a feature at its largest activation on rows.

    With ``mean`` it is the mean activation over the rows where the feature is active.

    Raises:
        UserError: for a feature that cannot be edited, or is active in none of the rows.
    """
    check_feature(dictionary, feature)
    values = dictionary.encode(rows.to(dictionary.atoms)).dense()[:, feature]
    active = values[values > 0]
    if not len(active):
        raise UserError(
            f"feature {feature} is active in none of the {len(rows):,} rows that its strength was "
            "to be taken from; give rows in which it is."
        )
    size = active.mean() if mean else active.max()
    direction = dictionary.atoms[feature] * dictionary.scale * size
    return Push(name=name, site=site, direction=direction)


def means_push(
    name: str, site: str, rows: Float[Tensor, "m d"], has_it: Bool[Tensor, " m"]
) -> Push:
    """Return the way whose strength 1 goes from the mean of rows without something to that with.

    The direction is the atom of ``dictionaries.DifferenceOfMeans``, at its own length.
    """
    count = int(has_it.sum())
    if not 0 < count < len(rows):
        raise UserError(
            f"a step between means was asked for, and {count} of {len(rows)} rows have what it "
            "should bring about; give rows on both sides."
        )
    step = rows[has_it].mean(dim=0) - rows[~has_it].mean(dim=0)
    return Push(name=name, site=site, direction=step)


def random_push(like: Push, rng: np.random.Generator) -> Push:
    """Return the control of a way: a random direction of the same length at the same site."""
    drawn = torch.from_numpy(rng.standard_normal(len(like.direction))).to(like.direction)
    direction = drawn * (like.direction.norm() / drawn.norm())
    return Push(name=f"random, for {like.name}", site=like.site, direction=direction)
