"""Which logits a graph explains: the likeliest next tokens', or one token's less another's.

Axes: m logits, v vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError

LIKELY_SHARE, MOST_LOGITS = 0.95, 10
"""The likeliest tokens are explained until they are so likely together, or so many."""


@final
@dataclass(frozen=True)
class Logit:
    """What is explained: a token's logit, less another's or else less the mean over all."""

    token: int
    other: int | None = None


def likeliest(log_probabilities: Float[Tensor, " v"]) -> list[Logit]:
    """Return the likeliest tokens' logits, as few as Ameisen et al. 2025 explain."""
    ordered, tokens = log_probabilities.exp().topk(min(MOST_LOGITS, len(log_probabilities)))
    enough = int((ordered.cumsum(dim=0) < LIKELY_SHARE).sum()) + 1
    return [Logit(token) for token in tokens[:enough].tolist()]


def directions_of(logits: Sequence[Logit], vocabulary: int) -> Float[Tensor, "m v"]:
    """Return what all logits are multiplied by to give what is explained, one a row.

    Raises:
        UserError: where there is nothing to explain, or no such token.
    """
    tokens = [t for one in logits for t in (one.token, one.other) if t is not None]
    wrong = [token for token in tokens if not 0 <= token < vocabulary]
    if not logits or wrong or any(logit.token == logit.other for logit in logits):
        raise UserError(
            f"the logits of tokens {tokens} were to be explained; give one or more of the ids 0 to "
            f"{vocabulary - 1}, and as `other` a different one."
        )
    directions = torch.zeros(len(logits), vocabulary)
    for row, logit in zip(directions, logits, strict=True):
        if logit.other is None:
            row -= 1 / vocabulary
        else:
            row[logit.other] = -1
        row[logit.token] += 1
    return directions
