"""P-annealing: an L1 penalty that bends, step by step, towards counting active atoms.

Axes: n rows, f atoms, m active entries.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.descent import Pass
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.methods import State, require
from tacit.dictionaries.priced_sparsity import PricedSparsity
from tacit.dictionaries.rules import Back, Entries, Rule
from tacit.dictionaries.selections import Relu

# Added to activations under the power, whose slope at 0 is infinite.
SOFTENING = 1e-3


@final
@dataclass(frozen=True, kw_only=True)
class Bent(Rule):
    """Keep what is above zero, at a price for its p-th power."""

    price: float
    power: float
    next_power: float
    """The power of the next step, at which the cost is taken too."""
    num_rows: int

    def back(self, entries: Entries) -> Back:
        """Return the gradient of error and price where an entry is active."""
        slope = (entries.values + SOFTENING).pow_(self.power - 1).mul_(self.power)
        through = entries.through_value + slope.mul_(self.price / self.num_rows)
        return Back(through=through.mul_(entries.values > 0))

    def costs(self, projected: Tensor, values: Tensor) -> Float[Tensor, " c"]:
        """Return the sums of the powers, of this step and of the next."""
        del projected
        powers = (self.power, self.next_power)
        return torch.stack([_powers(values, power) for power in powers])

    def penalty_of(
        self, costs: Float[Tensor, " c"], num_active: Tensor, num_rows: int
    ) -> Tensor:
        """Return the price of a row's powers, mean over rows."""
        del num_active
        return self.price * costs[0] / num_rows


def _powers(values: Tensor, power: float) -> Tensor:
    """Return the sum of (value + softening)^p, less what a silent entry has of it."""
    return ((values + SOFTENING).pow_(power) - SOFTENING**power).sum()


@final
@dataclass(frozen=True, kw_only=True)
class PAnnealed(PricedSparsity):
    """Keep every positive pre-activation; pay for its p-th power, p falling from 1.

    After Karvonen et al. 2024, arXiv:2408.00113: as p falls the price is adapted so that what
    the block's code costs stays what it was. Where we differ: p moves at every step from
    ``anneal_from`` on, and activations have 0.001 added under the power.
    """

    kind: ClassVar[str] = "p-annealed"
    encoder_share: ClassVar[float] = 0.2

    penalty: float
    """Price of activation while p is 1, in units of the scaled input."""
    last_power: float = 0.2
    """What p ends as."""
    anneal_from: float = 0.3
    """Share of all steps after which p begins to fall; it ends with the last fifth's beginning."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require("penalty", self.penalty, "0 or more", holds=self.penalty >= 0)
        last, start = self.last_power, self.anneal_from
        require("last_power", last, "above 0 and at most 1", holds=0 < last <= 1)
        require("anneal_from", start, "between 0 and 0.8", holds=0 <= start < ANNEALED_BY)

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the state before the first step, at the given price."""
        state = super().initial(seed, first_block, num_steps=num_steps)
        state.tensors["price_factor"] = first_block.new_ones((), dtype=torch.float64)
        return state

    def settles_after(self, num_steps: int) -> int:
        """Return all steps: what is paid for changes to the end."""
        return num_steps

    def power(self, step: int, num_steps: int) -> float:
        """Return p at a step."""
        done = step / num_steps
        share = (done - self.anneal_from) / (ANNEALED_BY - self.anneal_from)
        return 1 - (1 - self.last_power) * min(1.0, max(0.0, share))

    def rule(self, state: State, num_rows: int) -> Rule:
        """Return this step's rule."""
        factor = float(state.tensors["price_factor"])
        return Bent(
            price=self.penalty * self.risen(state) * factor,
            power=self.power(state.step, state.num_steps),
            next_power=self.power(state.step + 1, state.num_steps),
            num_rows=num_rows,
        )

    def remember(self, state: State, seen: Pass) -> None:
        """Keep the factor by which the price makes up for the next step's power."""
        super().remember(state, seen)
        now, then = seen.costs
        if then > 0:
            state.tensors["price_factor"].mul_(float(now / then))

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the dictionary, its scale and centre in units of the rows given."""
        return self.frozen(state, Relu(), contract)


ANNEALED_BY = 0.8
"""Share of all steps after which p no longer falls; the rate falls from there."""
