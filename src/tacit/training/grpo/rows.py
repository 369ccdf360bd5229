"""A step's episodes as the model reads them: which rows together, and which of their tokens.

Axes: b rows, t positions, c rows of a pass, n counted tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.metrics.loss import token_losses
from tacit.models.decoding import takes
from tacit.training.grpo.episodes import Episodes, Role
from tacit.training.grpo.settings import GrpoSettings

IGNORED = -100
"""The target that torch's cross-entropy leaves out."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Episodes on the policy's device."""

    ids: Int[Tensor, "b t"]
    counted: Bool[Tensor, "b t"]
    """Tokens of trained roles, in rows that are not excluded."""
    ends: Int[np.ndarray, " b"]
    """One past each row's last counted token: nothing from there on is read."""

    @property
    def with_tokens(self) -> Bool[np.ndarray, " b"]:
        """Which rows have a counted token."""
        return self.counted.any(dim=1).cpu().numpy()

    def passes(
        self, rows: Int[np.ndarray, " c"], rows_at_once: int
    ) -> list[Int[np.ndarray, " p"]]:
        """Return the rows by length, longest first, so many together: each pass pads little."""
        ordered = rows[np.argsort(-self.ends[rows], kind="stable")]
        return [
            ordered[start : start + rows_at_once]
            for start in range(0, len(ordered), rows_at_once)
        ]

    def of_tokens(
        self, values: Float[Tensor, "b t"], rows: Int[np.ndarray, " c"]
    ) -> Float[Tensor, " n"]:
        """Return the values of the rows' counted tokens."""
        return self._cut(values, rows)[self._cut(self.counted, rows)]

    def log_probs(self, model: Any, rows: Int[np.ndarray, " c"]) -> Float[Tensor, " n"]:
        """Return the log probability in nats of each counted token of the rows, in their order.

        Logits are made where a row needs them, if the model can leave the others out. Padding is
        on the right, where no causal model looks from a token that counts: a mask of ones is
        exact, and lets attention take its fast way.
        """
        ids, counted = self._cut(self.ids, rows), self._cut(self.counted, rows)[:, 1:]
        columns = counted.any(dim=0).nonzero()[:, 0]
        options = {"logits_to_keep": columns} if takes(model, "logits_to_keep") else {}
        logits = model(
            input_ids=ids[:, :-1],
            attention_mask=torch.ones_like(ids[:, :-1]),
            use_cache=False,
            **options,
        ).logits
        chosen = logits if options else logits[:, columns]
        wanted = counted[:, columns].flatten()
        sought = ids[:, 1:][:, columns].flatten().masked_fill(~wanted, IGNORED)
        losses = token_losses(chosen.flatten(0, 1), sought.to(chosen.device))
        return -losses.to(ids.device)[wanted]

    def _cut(self, values: Tensor, rows: Int[np.ndarray, " c"]) -> Tensor:
        chosen = torch.from_numpy(rows).to(values.device)
        return values[chosen, : int(self.ends[rows].max())]


def rows_of(episodes: Episodes, settings: GrpoSettings, device: torch.device) -> Rows:
    """Return episodes as the passes read them; refuse a group of another size than was set."""
    groups, sizes = np.unique(episodes.groups, return_counts=True)
    wrong = np.flatnonzero(sizes != settings.group_rows)
    if len(wrong):
        raise UserError(
            f"group {groups[wrong[0]]} has {sizes[wrong[0]]} rows and group_rows is "
            f"{settings.group_rows}; play as many rows of each prompt."
        )
    counted = episodes.of_roles(settings.roles)
    if bool(counted[:, 0].any()):
        raise UserError(
            "the first token of an episode has a trained role, and nothing stands before it that "
            "could predict it; give it the role PROMPT."
        )
    places = torch.arange(1, counted.shape[1] + 1, device=counted.device)
    # Two at least: a token and the one it predicts.
    ends = (counted * places).amax(dim=1).clamp(min=2)
    ids = episodes.ids.masked_fill(episodes.roles == Role.PADDING, 0)
    return Rows(ids=ids.to(device), counted=counted.to(device), ends=ends.cpu().numpy())
