"""What is recorded of a step of GRPO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, kw_only=True)
class StepFigures:
    """One step, over the rows of all processes."""

    step: int
    reward: float | None
    """Mean over rows that are not excluded; None where all are."""
    parts: Mapping[str, float]
    """The same of each part of the reward; empty where all rows are excluded."""
    loss: float | None
    """Mean over the counted tokens, to which rows that are not run would add nothing; None where
    no token is counted."""
    kl: float | None
    """k3 estimate of KL(policy || reference) in nats a counted token: of every row that is not
    excluded under a ``kl_weight``, else of one of each group; None without a reference."""
    entropy: float | None
    """Minus the mean log probability of the counted tokens under the policy that wrote them, in
    nats a token: an estimate of its entropy where it wrote at temperature 1."""
    gradient_norm: float
    """Before it is shortened; the mean over the step's minibatches, 0 where no row was run."""
    rows: int
    rows_trained: int
    """Rows run in the update: the others have nothing to teach."""
    excluded_rows: int
    equal_groups: int
    """Groups whose rewards are all equal: no gradient comes of them."""
    counted_tokens: int
    """Of trained roles, in rows that are not excluded: what the loss is the mean over."""
    tokens_trained: int
    """Those of them in rows that were run."""
