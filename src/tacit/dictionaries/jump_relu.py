"""JumpReLU: every atom has a threshold of its own, learned through a kernel around the jump.

Axes: n rows, f atoms, m active entries.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.learned import add_leaves, encoder_of, read_of
from tacit.dictionaries.methods import State, require, require_fitting_k
from tacit.dictionaries.priced_sparsity import PricedSparsity
from tacit.dictionaries.rules import Back, Entries, Parameter, Rule
from tacit.dictionaries.selections import AboveThreshold

LEAST_START = 1e-3


@final
@dataclass(frozen=True, kw_only=True)
class Jump(Rule):
    """Keep what is above the atom's threshold; pay for the mean L0's distance from a target.

    The threshold's gradients are those of a rectangle of width ``bandwidth`` in place of the
    jump's infinite slope.
    """

    weight: float
    target: float
    """Active atoms of a row, on the mean."""
    bandwidth: float

    def floor(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Return where the window below each threshold begins."""
        return tensors["log_threshold"].exp() - self.bandwidth / 2

    def values(self, projected: Tensor, parameter: Parameter) -> Tensor:
        """Return the pre-activations above their threshold, which is positive."""
        return projected * (projected > parameter("log_threshold").exp())

    def back(self, entries: Entries) -> Back:
        """Return the error's gradient where active, and what each threshold is due."""
        threshold = entries.parameter("log_threshold").exp()
        near = (entries.projected - threshold).abs_() < self.bandwidth / 2
        # By the logarithm of the threshold: its derivative brings a factor of the threshold.
        slope = near * threshold.div_(-self.bandwidth)
        error = slope * entries.parameter("log_threshold").exp() * entries.through_value
        return Back(
            through=entries.through_value * (entries.values > 0),
            sums={"error": error, "count": slope},
        )

    def penalty_of(
        self, costs: Float[Tensor, " c"], num_active: Tensor, num_rows: int
    ) -> Tensor:
        """Return the price of the relative distance from the target, squared."""
        del costs
        return self.weight * (num_active / (num_rows * self.target) - 1).square()

    def leaves(
        self, sums: Mapping[str, Tensor], num_active: Tensor, num_rows: int
    ) -> dict[str, Tensor]:
        """Return the gradient of the thresholds' logarithms."""
        excess = num_active / (num_rows * self.target) - 1
        of_count = 2 * self.weight * excess / (num_rows * self.target)
        count = sums["count"] * of_count.to(sums["count"].dtype)
        return {"log_threshold": sums["error"] + count}


@final
@dataclass(frozen=True, kw_only=True)
class JumpRelu(PricedSparsity):
    """Keep what is above a learned threshold of each atom; bring the mean L0 to a target.

    After Rajamanoharan et al. 2024, arXiv:2407.14435, with the squared relative distance from a
    target L0 of their appendix. Where we differ: thresholds start where the first block's L0 is
    right, and the kernel is as wide as that; theirs are .001, for a hundred times more blocks.
    """

    kind: ClassVar[str] = "jump-relu"

    k: int
    """Active atoms of a row to be reached, on the mean."""
    target_weight: float = 3.0
    """Price of the squared relative distance of the L0 from k, beside a variance of 1."""
    bandwidth: float | None = None
    """Width of the kernel that stands for the jump's slope, in units of the scaled input; None is
    the threshold at the start."""
    threshold_start: float | None = None
    """What every threshold starts as, in the same units; None is what k entries of a row of the
    first block exceed, on the mean, or .001 where that is less."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_fitting_k(self.k, self.num_atoms)
        weight = self.target_weight
        require("target_weight", weight, "0 or more", holds=weight >= 0)
        for name in ("bandwidth", "threshold_start"):
            given = getattr(self, name)
            holds = given is None or given > 0
            require(name, given, "positive, or None", holds=holds)

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the state before the first step, all thresholds alike."""
        state = super().initial(seed, first_block, num_steps=num_steps)
        start = self.threshold_start or self._exceeded(state, first_block)
        bias, width = state.tensors["encoder_bias"], self.bandwidth or start
        state.tensors["bandwidth"] = torch.tensor(width, dtype=torch.float64)
        add_leaves(state, {"log_threshold": torch.full_like(bias, math.log(start))})
        return state

    def _exceeded(self, state: State, block: Float[Tensor, "n d"]) -> float:
        """Return what k entries of a row exceed, on the mean over at most 1,024 rows."""
        tensors = state.tensors
        read, centre, scale = read_of(tensors, block[:1024].to(tensors["atoms"]))
        centred = (read - centre) / scale
        entries = (centred @ encoder_of(tensors).T).flatten()
        found = entries.kthvalue(max(1, len(entries) - self.k * len(centred))).values
        # Where most atoms are to be active it may be negative, which has no logarithm.
        return max(float(found), LEAST_START)

    def rule(self, state: State, num_rows: int) -> Rule:
        """Return this step's rule."""
        return Jump(
            weight=self.target_weight * self.risen(state),
            target=self.k,
            bandwidth=float(state.tensors["bandwidth"]),
        )

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the dictionary, its scale and centre in units of the rows given."""
        thresholds = state.tensors["log_threshold"].exp()
        return self.frozen(state, AboveThreshold(), contract, thresholds)
