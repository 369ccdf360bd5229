"""What methods share whose activations have a price: ReLU with L1 and its kin.

Axes: n rows, d width.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.learned_method import LearnedMethod
from tacit.dictionaries.methods import State, require


@dataclass(frozen=True, kw_only=True)
class PricedSparsity(LearnedMethod):
    """Methods whose activations have a price, which rises from zero at the start."""

    sparsity_warm_up: float = 0.05
    """Share of all steps over which the price of activity rises from zero."""

    def __post_init__(self) -> None:
        super().__post_init__()
        rising = self.sparsity_warm_up
        require("sparsity_warm_up", rising, "between 0 and 1", holds=0 <= rising <= 1)

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the state before the first step; its code is dense to begin with."""
        state = super().initial(seed, first_block, num_steps=num_steps)
        # Half of random projections are positive.
        state.tensors["active_share"] = torch.tensor(0.5, dtype=torch.float64)
        return state

    def settles_after(self, num_steps: int) -> int:
        """Return the steps after which rate and price are those of the fit."""
        return max(self.warm_up_steps, math.ceil(self.sparsity_warm_up * num_steps))

    def risen(self, state: State) -> float:
        """Return the share of the price that holds at this step."""
        rise = self.sparsity_warm_up * state.num_steps
        return min(1.0, (state.step + 1) / rise if rise else 1.0)
