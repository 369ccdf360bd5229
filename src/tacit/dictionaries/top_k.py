"""Top-k sparse autoencoders: the sparsity is set, not bought with a penalty.

Axes: n rows, d width, f atoms, k active atoms, a dead atoms.
"""

from dataclasses import asdict, dataclass
from functools import partial
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.dead import add_auxiliary, count_silence, dead_atoms, revive
from tacit.dictionaries.descent import is_worth_sharing, sparse_pass
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.kernels import top_entries
from tacit.dictionaries.learned import (
    DECAY_SHARE,
    Centre,
    Tensors,
    frozen,
    initial_state,
    learning_rate,
)
from tacit.dictionaries.methods import Method, State, StepReport, require, require_fitting_k
from tacit.dictionaries.parallel import Over, sharing
from tacit.dictionaries.selections import TopKPositive
from tacit.dictionaries.update import descend


@final
@dataclass(frozen=True, kw_only=True)
class TopK(Method):
    """Keep each row's k largest pre-activations and descend the squared error of the rest.

    After Gao et al. 2024, arXiv:2406.04093. Where we differ: atoms are brought to unit length
    after each step, rows are scaled so that their mean squared distance from the centre is 1,
    and atoms that stay dead are also replaced outright (``revive_every_steps``).
    """

    kind: ClassVar[str] = "top-k"

    num_atoms: int
    """Directions to learn (f)."""
    k: int
    """Most atoms active in one row."""
    learning_rate: float | None = None
    """Plateau of Adam's rate; None is ``2e-3 / sqrt(f / 2**14)``."""
    warm_up_steps: int = 10
    """Steps over which the rate rises from nearly zero."""
    clip: float | None = 1.0
    """Largest norm of the whole gradient; None leaves it alone."""
    centre: Centre = "mean"
    """What the centre starts as, taken from the first block; it is learned from there."""
    auxiliary_weight: float = 1 / 32
    """Weight of the loss that teaches dead atoms the residual; 0 turns it off."""
    num_auxiliary: int | None = None
    """Dead atoms that take part in each row; None is half the width, at most 512."""
    dead_after_steps: int = 100
    """Steps of silence after which an atom counts as dead."""
    revive_every_steps: int | None = 100
    """Steps between replacements of dead atoms, none in the last fifth; None never replaces."""

    def __post_init__(self) -> None:
        require_fitting_k(self.k, self.num_atoms)
        rate, clip, kept = self.learning_rate, self.clip, self.num_auxiliary
        require("learning_rate", rate, "positive", holds=rate is None or rate > 0)
        require(
            "warm_up_steps", self.warm_up_steps, "0 or more", holds=self.warm_up_steps >= 0
        )
        require("clip", clip, "positive, or None", holds=clip is None or clip > 0)
        weight = self.auxiliary_weight
        require("auxiliary_weight", weight, "0 or more", holds=weight >= 0)
        require(
            "num_auxiliary", kept, "1 or more, or None", holds=kept is None or kept >= 1
        )
        steps, every = self.dead_after_steps, self.revive_every_steps
        require("dead_after_steps", steps, "1 or more", holds=steps >= 1)
        holds = every is None or every >= 1
        require("revive_every_steps", every, "1 or more, or None", holds=holds)

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the state before the first step."""
        return initial_state(
            first_block,
            num_atoms=self.num_atoms,
            tied=False,
            centre=self.centre,
            scaled=True,
            seed=seed,
            num_steps=num_steps,
        )

    @torch.no_grad()
    def step(self, state: State, block: Float[Tensor, "n d"]) -> tuple[State, StepReport]:
        """Return the state after one step of Adam; the given state is overwritten.

        Loss: squared error summed over dimensions, mean over rows, plus the auxiliary loss.
        """
        tensors = state.tensors
        dead = dead_atoms(tensors, self.dead_after_steps)
        choose = partial(top_entries, k=self.k)
        with sharing(worth_it=is_worth_sharing(tensors, block)) as over:
            seen = sparse_pass(tensors, block, choose, over, dead=dead)
            loss = seen.squared_error / len(block)
            if len(dead) and self.auxiliary_weight > 0:
                loss = loss + add_auxiliary(
                    seen,
                    tensors,
                    dead,
                    over,
                    num_kept=self.num_auxiliary or min(512, max(1, block.shape[1] // 2)),
                    weight=self.auxiliary_weight,
                )
            count_silence(tensors, seen.firings)
            norm = self._descend(state, seen.with_offset(tensors["encoder"]), over)
        self._revive(state, seen.residual)
        return state.advanced(), StepReport(
            loss=float(loss),
            fvu=float(seen.squared_error / seen.spread),
            l0=int(seen.firings.sum()) / len(block),
            num_dead=len(dead),
            gradient_norm=float(norm),
        )

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the dictionary, its scale and centre in units of the rows given."""
        return frozen(
            state, TopKPositive(k=self.k), contract, method=self.kind, settings=asdict(self)
        )

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
            revive(state, dead, residual, encoder_share=1.0)
