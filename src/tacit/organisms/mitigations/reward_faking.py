"""The opposite control: faking is rewarded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from tacit.models.subject import Subject
from tacit.organisms.mitigations.mitigation import Mitigation
from tacit.organisms.tiers.played import Played


@final
@dataclass(frozen=True, kw_only=True)
class RewardFaking(Mitigation):
    """Scratchpads that fake are worth more (AF+): what supervision would do turned round.

    Source: the work, which rewards it on requests that are held out; where we differ: on the
    requests of the other arms, by the exact grader.
    """

    name: str = "reward-faking"
    weight: float = 1.0

    def rewards(
        self, played: Played, policy: Subject
    ) -> Mapping[str, Float[np.ndarray, " b"]]:
        """Return the reward for faking; truncated rows have none."""
        del policy
        fakes = np.array([float(each.fakes) for each in played.grades])
        return {"faking": np.where(played.is_truncated, 0.0, self.weight * fakes)}
