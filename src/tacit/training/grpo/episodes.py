"""What a policy has written, token by token, and what each row of it was worth.

Axes: b rows, t positions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.errors import UserError


class Role(IntEnum):
    """What a token of an episode is; only roles that are trained enter the loss."""

    PROMPT = 0
    SCRATCHPAD = 1
    OUTPUT = 2
    QUESTION = 3
    ANSWER = 4
    PADDING = 5


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Episodes:
    """Rows that a policy has written, as the update reads them."""

    ids: Int[Tensor, "b t"]
    """Padded on the right, with any id."""
    roles: Int[Tensor, "b t"]
    """A ``Role`` for each token."""
    log_probs: Float[Tensor, "b t"]
    """Of each sampled token, in nats, under the policy that wrote it at temperature 1; 0 where
    nothing was sampled."""
    groups: Int[np.ndarray, " b"]
    """Rows of one group share a prompt and are compared with each other."""
    is_excluded: Bool[np.ndarray, " b"]
    """Rows with no part in the update nor in their group's mean, such as truncated ones."""

    def __post_init__(self) -> None:
        rows = {len(each) for each in vars(self).values()}
        shapes = {tuple(each.shape) for each in (self.ids, self.roles, self.log_probs)}
        if len(rows) != 1 or len(shapes) != 1 or not self.ids.numel():
            told = ", ".join(f"{name} {tuple(x.shape)}" for name, x in vars(self).items())
            raise UserError(
                f"episodes of shapes {told} were given; give one shape (rows, positions) with a "
                "token at least, and a group and an exclusion for each row."
            )
        is_padding = (self.roles == Role.PADDING).int()
        wrong = (is_padding.diff(dim=1) < 0).any(dim=1) | (is_padding[:, 0] == 1)
        if bool(wrong.any()):
            raise UserError(
                f"row {int(wrong.int().argmax())} of the episodes (counting from 0) has padding "
                "before its end, or nothing else; padding stands on the right."
            )

    def of_roles(self, roles: Collection[Role]) -> Bool[Tensor, "b t"]:
        """Return which tokens have one of the roles, in rows that are not excluded."""
        wanted = torch.tensor(sorted(roles), device=self.roles.device)
        counted = torch.from_numpy(~self.is_excluded).to(self.roles.device)
        return torch.isin(self.roles, wanted) & counted[:, None]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Graded:
    """Episodes with their rewards."""

    episodes: Episodes
    rewards: Float[np.ndarray, " b"]
    """The sum of the parts."""
    parts: Mapping[str, Float[np.ndarray, " b"]]
    """What the reward is made of, by name, e.g. the output and a penalty on the scratchpad."""

    def __post_init__(self) -> None:
        rows = len(self.episodes.ids)
        for name, part in {**self.parts, "rewards": self.rewards}.items():
            if part.shape != (rows,):
                raise UserError(
                    f"reward part {name!r} has shape {part.shape}; give a number for each of "
                    f"the {rows} rows."
                )
            wrong = np.flatnonzero(~np.isfinite(part))
            if len(wrong):
                raise UserError(
                    f"reward part {name!r} of row {wrong[0]} (counting from 0) is "
                    f"{part[wrong[0]]}, as are {len(wrong) - 1} more; a reward must be finite. "
                    "Exclude rows that cannot be graded (is_excluded)."
                )
        if not np.allclose(self.rewards, sum(self.parts.values()), rtol=1e-5, atol=1e-6):
            raise UserError(
                f"the rewards are not the sum of their parts ({', '.join(self.parts)}); give "
                "every part by its name."
            )
