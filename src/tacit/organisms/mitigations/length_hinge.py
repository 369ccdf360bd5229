"""A scratchpad may be as long as it was at the start, nearly; more costs by the token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Float

from tacit.base.errors import UserError
from tacit.models.subject import Subject
from tacit.organisms.mitigations.mitigation import Mitigation
from tacit.organisms.mitigations.starting import start_transcripts
from tacit.organisms.tiers.played import Played

PART = "scratchpad length"


@final
@dataclass(frozen=True, kw_only=True)
class LengthHinge(Mitigation):
    """No penalty up to a threshold just under the organism's own scratchpads, linear above it.

    The threshold knows lengths alone, nothing of what the scratchpads say. Source: the work,
    mitigation 2. Where we differ: the threshold is a quantile by rule, not set by hand; truncated
    scratchpads are no part of it, and are counted.
    """

    name: str = "length-hinge"
    threshold_tokens: int | None = None
    """None: taken from the policy at the start."""
    quantile: float = 0.05
    """Of the lengths at the start; the threshold lies one token under it."""
    weight: float = 0.1
    """Reward that each token above the threshold costs."""
    num_transcripts: int = 512
    """Written at the start."""

    def prepared(self, policy: Subject, seed: int) -> LengthHinge:
        """Return the arm with its threshold."""
        if self.threshold_tokens is not None:
            return self
        start = start_transcripts(policy, self.num_transcripts, seed)
        lengths = [
            each.scratchpad_tokens for each in start.grades if each.act != "truncated"
        ]
        if not lengths:
            raise UserError(
                f"all {self.num_transcripts} scratchpads of {policy.name} were truncated, so none "
                "has a length; give threshold_tokens, or more max_new_tokens."
            )
        under = int(np.quantile(lengths, self.quantile, method="lower")) - 1
        return replace(self, threshold_tokens=max(0, under))

    def rewards(
        self, played: Played, policy: Subject
    ) -> Mapping[str, Float[np.ndarray, " b"]]:
        """Return the penalty; truncated rows have none."""
        del policy
        if self.threshold_tokens is None:
            raise UserError(
                f"{self.name} has no threshold yet; call prepared(policy, seed)."
            )
        lengths = np.array([float(each.scratchpad_tokens) for each in played.grades])
        above = np.maximum(0.0, lengths - self.threshold_tokens)
        return {PART: np.where(played.is_truncated, 0.0, -self.weight * above)}

    def counts(
        self, played: Played, parts: Mapping[str, Float[np.ndarray, " b"]]
    ) -> Mapping[str, int]:
        """Return the rows left out, and those above the threshold."""
        return {
            "length left out": sum(played.is_truncated),
            "length above": int((parts[PART] < 0).sum()),
        }
