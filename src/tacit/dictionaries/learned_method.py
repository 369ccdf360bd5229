"""What every method that descends a loss shares: its settings, and one step of it.

Axes: n rows, d width, f atoms, a dead atoms.
"""

import json
from abc import abstractmethod
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.dictionaries.dead import count_silence, dead_atoms
from tacit.dictionaries.dense import dense_pass
from tacit.dictionaries.descent import Pass, is_worth_sharing, sparse_pass, together
from tacit.dictionaries.dictionary import Dictionary, InputContract
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
from tacit.dictionaries.ranks import ALONE, Ranks
from tacit.dictionaries.reviving import revive
from tacit.dictionaries.rules import Rule
from tacit.dictionaries.selections import Selection
from tacit.dictionaries.update import descend

# Share of entries with a gradient below which bag sums beat dense products (measured on two cores).
SPARSE_BELOW = 0.08


@dataclass(frozen=True, kw_only=True)
class LearnedMethod(Method):
    """A loss of error and sparsity, descended by Adam, dead atoms brought back."""

    encoder_share: ClassVar[float] = 1.0
    """Length of a revived atom's row of the encoder, in mean lengths of the living."""

    splits_atoms: ClassVar[bool] = False
    """Whether its atoms may be shared out among processes."""

    num_atoms: int
    """Directions to learn (f)."""
    learning_rate: float | None = None
    """Plateau of Adam's rate; None is ``2e-3 / sqrt(f / 2**14)``."""
    warm_up_steps: int = 10
    """Steps over which the rate rises from nearly zero."""
    clip: float | None = 1.0
    """Largest norm of the whole gradient; None leaves it alone."""
    centre: Centre = "mean"
    """What the centre starts as, taken from the first block; it is learned from there."""
    dead_after_steps: int = 100
    """Steps of silence after which an atom counts as dead."""
    revive_every_steps: int | None = 100
    """Steps between replacements of dead atoms, none in the last fifth; None never replaces."""
    reads: int | None = None
    """Columns of a row that are read, the others being what is rebuilt from them (a transcoder,
    Dunefsky et al. 2024); None: rows rebuild themselves."""
    skip: bool = False
    """Whether a transcoder also has a linear map past its atoms (Paulo et al. 2025)."""

    def __post_init__(self) -> None:
        require("num_atoms", self.num_atoms, "1 or more", holds=self.num_atoms >= 1)
        rate, clip = self.learning_rate, self.clip
        require("learning_rate", rate, "positive", holds=rate is None or rate > 0)
        rising = self.warm_up_steps
        require("warm_up_steps", rising, "0 or more", holds=rising >= 0)
        require("clip", clip, "positive, or None", holds=clip is None or clip > 0)
        steps, every = self.dead_after_steps, self.revive_every_steps
        require("dead_after_steps", steps, "1 or more", holds=steps >= 1)
        holds = every is None or every >= 1
        require("revive_every_steps", every, "1 or more, or None", holds=holds)
        reads, skip = self.reads, self.skip
        holds = reads is None or (reads >= 1 and not self.is_tied)
        require("reads", reads, "1 or more, and None in a tied method", holds=holds)
        require("skip", skip, "False without reads", holds=reads is not None or not skip)

    @property
    def is_tied(self) -> bool:
        """Whether the encoder's rows are the atoms."""
        return False

    @property
    def is_scaled(self) -> bool:
        """Whether rows are scaled to a mean squared distance of 1 from the centre."""
        return True

    def num_held(self, width: int) -> int:
        """Return about how many numbers a fit holds: leaves, two moments and the gradient."""
        matrices = 1 if self.is_tied else 2
        past = (width - self.reads) * self.reads if self.skip and self.reads else 0
        matrices = 1 if self.reads else matrices
        return 4 * (self.num_atoms * (matrices * width + 2) + width + past)

    def settles_after(self, num_steps: int) -> int:
        """Return the steps after which the rate, and what is paid for, is that of the fit."""
        del num_steps
        return self.warm_up_steps

    @abstractmethod
    def rule(self, state: State, num_rows: int) -> Rule:
        """Return this step's way from pre-activations to activations and back."""

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the state before the first step."""
        columns = first_block.shape[1]
        holds = self.reads is None or self.reads < columns
        require("reads", self.reads, f"below a row's {columns} columns", holds=holds)
        return initial_state(
            first_block,
            num_atoms=self.num_atoms,
            tied=self.is_tied,
            centre=self.centre,
            scaled=self.is_scaled,
            reads=self.reads,
            skip=self.skip,
            seed=seed,
            num_steps=num_steps,
        )

    @torch.no_grad()
    def step(
        self, state: State, block: Float[Tensor, "n d"], ranks: Ranks = ALONE
    ) -> tuple[State, StepReport]:
        """Return the state after one step of Adam; the given state is overwritten.

        Loss: squared error summed over dimensions, mean over rows, plus what the method adds.
        Of several processes each gives its own rows or has its own atoms (see ``Ranks``).
        """
        tensors = state.tensors
        dead = dead_atoms(tensors, self.dead_after_steps)
        is_sparse = self.is_sparse(state)
        with sharing(worth_it=is_sparse and is_worth_sharing(tensors, block)) as over:
            seen = self.look(state, block, dead, over, ranks, is_sparse=is_sparse)
            taught = self.teach(seen, tensors, dead, over, ranks)
            seen = together(replace(seen, loss=seen.loss + taught), ranks)
            count_silence(tensors, seen.firings)
            gradients = seen.with_offset(encoder_of(tensors), ranks)
            norm = self._descend(state, gradients, over, ranks)
        self.remember(state, seen)
        self._revive(state, seen, ranks)
        return state.advanced(), StepReport(
            loss=float(seen.loss),
            fvu=float(seen.squared_error / seen.spread),
            l0=_total(seen.firings.sum(), ranks) / _num_rows(block, ranks),
            num_dead=_total(torch.tensor(len(dead)), ranks),
            gradient_norm=float(norm),
        )

    def look(
        self,
        state: State,
        block: Float[Tensor, "n d"],
        dead: Int[Tensor, " a"],
        over: Over,
        ranks: Ranks,
        *,
        is_sparse: bool,
    ) -> Pass:
        """Return the block seen through the dictionary."""
        see = sparse_pass if is_sparse else dense_pass
        rule = self.rule(state, len(block))
        return see(state.tensors, block, rule, over, ranks, dead=dead[:0])

    def is_sparse(self, state: State) -> bool:
        """Return whether the code is sparse enough for its entries to be worked on one by one."""
        return float(state.tensors["active_share"]) < SPARSE_BELOW

    def teach(
        self,
        seen: Pass,
        tensors: Tensors,
        dead: Int[Tensor, " a"],
        over: Over,
        ranks: Ranks,
    ) -> Tensor | float:
        """Add what teaches dead atoms to the gradients, and return its loss."""
        del seen, tensors, dead, over, ranks
        return 0.0

    def remember(self, state: State, seen: Pass) -> None:
        """Keep what later steps need to know of this one, in the state's tensors."""
        share = seen.num_entries / (len(seen.residual) * self.num_atoms)
        state.tensors["active_share"].fill_(share)

    def frozen(
        self,
        state: State,
        selection: Selection,
        contract: InputContract | None,
        thresholds: Float[Tensor, " f"] | None = None,
    ) -> Dictionary:
        """Return a state's dictionary, its scale and centre in units of the rows given."""
        return frozen(
            state,
            selection,
            contract,
            thresholds=thresholds,
            method=self.kind,
            settings=json.loads(json.dumps(asdict(self))),
        )

    def _descend(
        self, state: State, gradients: Tensors, over: Over, ranks: Ranks
    ) -> Tensor:
        rate = learning_rate(
            self.learning_rate,
            self.num_atoms,
            step=state.step,
            num_steps=state.num_steps,
            warm_up_steps=self.warm_up_steps,
        )
        return descend(
            state.tensors,
            gradients,
            over,
            ranks,
            step=state.step,
            rate=rate,
            clip=self.clip,
        )

    def _revive(self, state: State, seen: Pass, ranks: Ranks) -> None:
        every, done = self.revive_every_steps, state.step + 1
        late = done > (1 - DECAY_SHARE) * state.num_steps
        if every is None or done % every or late:
            return
        dead = dead_atoms(state.tensors, self.dead_after_steps)
        if _total(torch.tensor(len(dead)), ranks):
            revive(state, dead, seen.residual, seen.centred, self.encoder_share, ranks)


def _total(own: Tensor, ranks: Ranks) -> int:
    """Return the number over all atoms, where they are split."""
    return int(ranks.summed(own)) if ranks.by_atoms else int(own)


def _num_rows(block: Tensor, ranks: Ranks) -> int:
    """Return the rows of the whole block."""
    return len(block) * (ranks.count if ranks.by_rows else 1)
