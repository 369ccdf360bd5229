"""When a member of a fit has learned what it will, so that it need not read on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

from tacit.dictionaries.learned import DECAY_SHARE
from tacit.dictionaries.methods import Method, State, require


@final
@dataclass(frozen=True, kw_only=True)
class EarlyStop:
    """Once a member stands still, its rate begins its fall to zero, and there it ends.

    A member stands still when its fraction of variance unexplained, mean over ``patience`` steps,
    is not lower by ``least_gain`` of itself than over as many steps before. The fall is that of
    every fit, a fifth of its steps, so that a member that stops at step s ends at s / .8.
    """

    patience: int = 200
    """Steps of each of the two stretches that are compared."""
    least_gain: float = 0.01

    def __post_init__(self) -> None:
        require("patience", self.patience, "1 or more", holds=self.patience >= 1)
        gain = self.least_gain
        require("least_gain", gain, "between 0 and 1", holds=0 <= gain < 1)

    def shortened(self, method: Method, state: State, fvu: Sequence[float]) -> State:
        """Return the state with fewer steps to take, if the last of ``fvu`` stand still."""
        taken, span = state.step, self.patience
        begins_to_fall = (1 - DECAY_SHARE) * state.num_steps
        first = method.settles_after(state.num_steps) + 2 * span
        if taken % span or taken < first or taken >= begins_to_fall:
            return state
        recent = sum(fvu[taken - span : taken])
        before = sum(fvu[taken - 2 * span : taken - span])
        if before - recent >= self.least_gain * before:
            return state
        return replace(state, num_steps=math.ceil(taken / (1 - DECAY_SHARE)))
