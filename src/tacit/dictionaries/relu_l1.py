"""ReLU sparse autoencoders: the sparsity is bought with a penalty on the sum of activations.

Axes: n rows, d width, f atoms, m active entries.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.methods import State, require
from tacit.dictionaries.priced_sparsity import PricedSparsity
from tacit.dictionaries.rules import Back, Entries, Rule
from tacit.dictionaries.selections import Relu


@final
@dataclass(frozen=True, kw_only=True)
class Positive(Rule):
    """Keep what is above zero, at a price for each unit of activation."""

    penalty: float
    num_rows: int

    def back(self, entries: Entries) -> Back:
        """Return the gradient of error and price where an entry is active."""
        through = entries.through_value + self.penalty / self.num_rows
        return Back(through=through.mul_(entries.values > 0))

    def costs(self, projected: Tensor, values: Tensor) -> Float[Tensor, " c"]:
        """Return the sum of all activations."""
        del projected
        return values.sum()[None]

    def penalty_of(
        self, costs: Float[Tensor, " c"], num_active: Tensor, num_rows: int
    ) -> Tensor:
        """Return the price of a row's activations, mean over rows."""
        del num_active
        return self.penalty * costs[0] / num_rows


@final
@dataclass(frozen=True, kw_only=True)
class ReluL1(PricedSparsity):
    """Keep every positive pre-activation; pay for their sum.

    Loss: squared error summed over dimensions plus ``penalty`` times the activations summed over
    atoms, both mean over rows (equation 4 of Cunningham et al. 2023, arXiv:2309.08600). Atoms
    have unit length, so that the penalty cannot be dodged by short codes of long atoms.
    """

    kind: ClassVar[str] = "relu-l1"
    encoder_share: ClassVar[float] = 0.2

    penalty: float
    """Price of activation, in units of the scaled input: on raw rows it is this times scale."""
    tied: bool = False
    """Whether the encoder's rows are the atoms themselves."""
    encoder_start: Literal["atoms", "uniform"] = "atoms"
    """What encoder and bias start as: the atoms and zero, or, as in the toy models of 2022, numbers
    uniform within ``1 / sqrt(d)``, with which a high penalty silences every atom at once."""
    scaled: bool = True
    """Whether rows are scaled to a mean squared distance of 1 from the centre; published
    penalties are mostly for raw rows."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require("penalty", self.penalty, "0 or more", holds=self.penalty >= 0)
        fits = self.encoder_start == "atoms" or not self.tied
        require("encoder_start", self.encoder_start, "atoms where tied", holds=fits)

    @property
    def is_tied(self) -> bool:
        """Whether the encoder's rows are the atoms."""
        return self.tied

    @property
    def is_scaled(self) -> bool:
        """Whether rows are scaled."""
        return self.scaled

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the state before the first step."""
        state = super().initial(seed, first_block, num_steps=num_steps)
        if self.encoder_start == "uniform":
            _spread_evenly(state, seed)
        return state

    def rule(self, state: State, num_rows: int) -> Rule:
        """Return this step's rule."""
        return Positive(penalty=self.penalty * self.risen(state), num_rows=num_rows)

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the dictionary, its scale and centre in units of the rows given."""
        return self.frozen(state, Relu(), contract)


def _spread_evenly(state: State, seed: int) -> None:
    encoder, bias = state.tensors["encoder"], state.tensors["encoder_bias"]
    rng, bound = stream(seed, "dictionaries/encoder"), encoder.shape[1] ** -0.5
    for leaf in (encoder, bias):
        drawn = rng.uniform(-bound, bound, leaf.shape).astype(np.float32)
        leaf.copy_(torch.from_numpy(drawn))
