"""Gated autoencoders: which atoms are active and how strongly are two questions.

Axes: n rows, f atoms, m active entries.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.learned import add_leaves
from tacit.dictionaries.methods import State, require
from tacit.dictionaries.priced_sparsity import PricedSparsity
from tacit.dictionaries.rules import Back, Entries, Parameter, Rule
from tacit.dictionaries.selections import AboveThreshold


@final
@dataclass(frozen=True, kw_only=True)
class OpenGate(Rule):
    """Open the gate of what is above zero, at a price; the magnitude is another affine map.

    The gate's own code, rectified, must rebuild the rows too, so that it has a gradient; that
    error moves neither atoms nor offset.
    """

    has_gate: ClassVar[bool] = True

    penalty: float
    num_rows: int

    def gate(self, projected: Tensor) -> Tensor:
        """Return the gate's pre-activations, rectified."""
        return projected.relu()

    def values(self, projected: Tensor, parameter: Parameter) -> Tensor:
        """Return the magnitudes above zero where the gate is open."""
        gained = (projected - parameter("encoder_bias")) * parameter("log_gain").exp()
        return (gained + parameter("magnitude_bias")).relu_().mul_(projected > 0)

    def back(self, entries: Entries) -> Back:
        """Return the gradients by the shared projection, and by what each path has of its own."""
        assert entries.through_gate is not None, "a gate has a code of its own"
        gain = entries.parameter("log_gain").exp()
        of_magnitude = entries.through_value * (entries.values > 0)
        of_gate = entries.through_gate + self.penalty / self.num_rows
        of_gate *= entries.projected > 0
        unbiased = entries.projected - entries.parameter("encoder_bias")
        return Back(
            through=of_magnitude * gain + of_gate,
            sums={
                "encoder_bias": of_gate,
                "magnitude_bias": of_magnitude,
                "log_gain": of_magnitude * gain * unbiased,
            },
        )

    def costs(self, projected: Tensor, values: Tensor) -> Float[Tensor, " c"]:
        """Return the sum of the gate's code."""
        del values
        return projected.relu().sum()[None]

    def penalty_of(
        self, costs: Float[Tensor, " c"], num_active: Tensor, num_rows: int
    ) -> Tensor:
        """Return the price of the gate's code, mean over rows."""
        del num_active
        return self.penalty * costs[0] / num_rows


@final
@dataclass(frozen=True, kw_only=True)
class Gated(PricedSparsity):
    """Decide by one affine map which atoms are active, and by a scaled one how strongly.

    After Rajamanoharan et al. 2024, arXiv:2404.16014, encoders tied up to a gain and a bias of
    each atom. Loss: squared error, plus ``penalty`` times the gate's code, plus the squared error
    of the gate's code through atoms held still; all mean over rows. A finished dictionary has
    the magnitude's map as its encoder and the gate as a threshold, which is the same function.
    """

    kind: ClassVar[str] = "gated"
    encoder_share: ClassVar[float] = 0.2

    penalty: float
    """Price of the gate's code, in units of the scaled input."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require("penalty", self.penalty, "0 or more", holds=self.penalty >= 0)

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the state before the first step: magnitudes equal the gate's code."""
        state = super().initial(seed, first_block, num_steps=num_steps)
        bias = state.tensors["encoder_bias"]
        names = ("log_gain", "magnitude_bias")
        add_leaves(state, {name: torch.zeros_like(bias) for name in names})
        return state

    def rule(self, state: State, num_rows: int) -> Rule:
        """Return this step's rule."""
        return OpenGate(penalty=self.penalty * self.risen(state), num_rows=num_rows)

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the dictionary, its scale and centre in units of the rows given."""
        tensors = state.tensors
        gain, bias = tensors["log_gain"].exp(), tensors["magnitude_bias"]
        # gate > 0  <=>  projection > -gate bias  <=>  magnitude > bias - gain x gate bias
        thresholds = bias - gain * tensors["encoder_bias"]
        own = {**tensors, "encoder": tensors["encoder"] * gain[:, None]}
        own["encoder_bias"] = bias
        return self.frozen(
            replace(state, tensors=own), AboveThreshold(), contract, thresholds
        )
