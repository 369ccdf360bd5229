"""ReLU sparse autoencoders: the sparsity is bought with a penalty on the sum of activations.

Axes: n rows, d width, f atoms, m active entries.
"""

from dataclasses import asdict, dataclass
from typing import ClassVar, Literal, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.seeds import stream
from tacit.dictionaries.dead import count_silence, dead_atoms, revive
from tacit.dictionaries.dense import dense_pass
from tacit.dictionaries.descent import is_worth_sharing, sparse_pass
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.kernels import positive_entries
from tacit.dictionaries.learned import (
    DECAY_SHARE,
    Centre,
    Tensors,
    encoder_of,
    frozen,
    initial_state,
    learning_rate,
)
from tacit.dictionaries.methods import Method, State, StepReport, require
from tacit.dictionaries.parallel import Over, sharing
from tacit.dictionaries.selections import Relu
from tacit.dictionaries.update import descend

# Share of active entries below which bag sums beat dense products (measured on two cores).
SPARSE_BELOW = 0.08


@final
@dataclass(frozen=True, kw_only=True)
class ReluL1(Method):
    """Keep every positive pre-activation; pay for their sum.

    Loss: squared error summed over dimensions plus ``penalty`` times the activations summed over
    atoms, both mean over rows (equation 4 of Cunningham et al. 2023, arXiv:2309.08600). Atoms
    have unit length, so that the penalty cannot be dodged by short codes of long atoms.
    """

    kind: ClassVar[str] = "relu-l1"

    num_atoms: int
    """Directions to learn (f)."""
    penalty: float
    """Price of activation, in units of the scaled input: on raw rows it is this times scale."""
    tied: bool = False
    """Whether the encoder's rows are the atoms themselves."""
    encoder_start: Literal["atoms", "uniform"] = "atoms"
    """What encoder and bias start as: the atoms and zero, or, as in the toy models of 2022, numbers
    uniform within ``1 / sqrt(d)``, with which a high penalty silences every atom at once."""
    learning_rate: float | None = None
    """Plateau of Adam's rate; None is ``2e-3 / sqrt(f / 2**14)``."""
    warm_up_steps: int = 10
    """Steps over which the rate rises from nearly zero."""
    sparsity_warm_up: float = 0.05
    """Share of all steps over which the penalty rises from zero."""
    clip: float | None = 1.0
    """Largest norm of the whole gradient; None leaves it alone."""
    centre: Centre = "mean"
    """What the centre starts as, taken from the first block; it is learned from there."""
    scaled: bool = True
    """Whether rows are scaled to a mean squared distance of 1 from the centre; published
    penalties are mostly for raw rows."""
    dead_after_steps: int = 100
    """Steps of silence after which an atom counts as dead."""
    revive_every_steps: int | None = 100
    """Steps between replacements of dead atoms, none in the last fifth; None never replaces."""

    def __post_init__(self) -> None:
        require("num_atoms", self.num_atoms, "1 or more", holds=self.num_atoms >= 1)
        require("penalty", self.penalty, "0 or more", holds=self.penalty >= 0)
        rate, clip = self.learning_rate, self.clip
        require("learning_rate", rate, "positive", holds=rate is None or rate > 0)
        require(
            "warm_up_steps", self.warm_up_steps, "0 or more", holds=self.warm_up_steps >= 0
        )
        rising = self.sparsity_warm_up
        fits = self.encoder_start == "atoms" or not self.tied
        require("encoder_start", self.encoder_start, "atoms where tied", holds=fits)
        require("sparsity_warm_up", rising, "between 0 and 1", holds=0 <= rising <= 1)
        require("clip", clip, "positive, or None", holds=clip is None or clip > 0)
        steps, every = self.dead_after_steps, self.revive_every_steps
        require("dead_after_steps", steps, "1 or more", holds=steps >= 1)
        holds = every is None or every >= 1
        require("revive_every_steps", every, "1 or more, or None", holds=holds)

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the state before the first step."""
        state = initial_state(
            first_block,
            num_atoms=self.num_atoms,
            tied=self.tied,
            centre=self.centre,
            scaled=self.scaled,
            seed=seed,
            num_steps=num_steps,
        )
        if self.encoder_start == "uniform":
            _spread_evenly(state, seed)
        # Half of random projections are positive, so a fit begins with dense products.
        state.tensors["active_share"] = torch.tensor(0.5, dtype=torch.float64)
        return state

    @torch.no_grad()
    def step(self, state: State, block: Float[Tensor, "n d"]) -> tuple[State, StepReport]:
        """Return the state after one step of Adam; the given state is overwritten."""
        tensors, n = state.tensors, len(block)
        rise = self.sparsity_warm_up * state.num_steps
        penalty = self.penalty * min(1.0, (state.step + 1) / rise if rise else 1.0)
        dead = dead_atoms(tensors, self.dead_after_steps)
        is_sparse = float(tensors["active_share"]) < SPARSE_BELOW
        see = sparse_pass if is_sparse else dense_pass
        with sharing(worth_it=is_sparse and is_worth_sharing(tensors, block)) as over:
            seen = see(
                tensors, block, positive_entries, over, dead=dead[:0], penalty=penalty
            )
            count_silence(tensors, seen.firings)
            norm = self._descend(state, seen.with_offset(encoder_of(tensors)), over)
        l0 = int(seen.firings.sum()) / n
        tensors["active_share"].fill_(l0 / self.num_atoms)
        self._revive(state, seen.residual)
        return state.advanced(), StepReport(
            loss=float((seen.squared_error + penalty * seen.activation) / n),
            fvu=float(seen.squared_error / seen.spread),
            l0=l0,
            num_dead=len(dead),
            gradient_norm=float(norm),
        )

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the dictionary, its scale and centre in units of the rows given."""
        return frozen(state, Relu(), contract, method=self.kind, settings=asdict(self))

    def _descend(self, state: State, gradients: Tensors, over: Over) -> Tensor:
        rate = learning_rate(
            self.learning_rate,
            self.num_atoms,
            step=state.step,
            num_steps=state.num_steps,
            warm_up_steps=self.warm_up_steps,
        )
        return descend(
            state.tensors, gradients, over, step=state.step, rate=rate, clip=self.clip
        )

    def _revive(self, state: State, residual: Float[Tensor, "n d"]) -> None:
        every, done = self.revive_every_steps, state.step + 1
        late = done > (1 - DECAY_SHARE) * state.num_steps
        if every is None or done % every or late:
            return
        dead = dead_atoms(state.tensors, self.dead_after_steps)
        if len(dead):
            revive(state, dead, residual, encoder_share=0.2)


def _spread_evenly(state: State, seed: int) -> None:
    encoder, bias = state.tensors["encoder"], state.tensors["encoder_bias"]
    rng, bound = stream(seed, "dictionaries/encoder"), encoder.shape[1] ** -0.5
    for leaf in (encoder, bias):
        drawn = rng.uniform(-bound, bound, leaf.shape).astype(np.float32)
        leaf.copy_(torch.from_numpy(drawn))
