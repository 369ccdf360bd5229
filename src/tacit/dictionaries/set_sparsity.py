"""What methods share whose number of active atoms is set: top-k and its kin.

Axes: n rows, d width, f atoms, a dead atoms.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.dictionaries.dead import add_auxiliary
from tacit.dictionaries.descent import Pass, sparse_pass
from tacit.dictionaries.learned import Tensors
from tacit.dictionaries.learned_method import LearnedMethod
from tacit.dictionaries.methods import State, require, require_fitting_k
from tacit.dictionaries.parallel import Over
from tacit.dictionaries.ranks import Ranks


@dataclass(frozen=True, kw_only=True)
class SetSparsity(LearnedMethod):
    """Methods whose number of active atoms is set; dead atoms are taught what is left over.

    The auxiliary loss is that of Gao et al. 2024, arXiv:2406.04093.
    """

    k: int
    """Active atoms of a row: most, or the mean over a block."""
    auxiliary_weight: float = 1 / 32
    """Weight of the loss that teaches dead atoms the residual; 0 turns it off."""
    num_auxiliary: int | None = None
    """Dead atoms that take part in each row; None is half the width, at most 512."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_fitting_k(self.k, self.num_atoms)
        weight, kept = self.auxiliary_weight, self.num_auxiliary
        require("auxiliary_weight", weight, "0 or more", holds=weight >= 0)
        holds = kept is None or kept >= 1
        require("num_auxiliary", kept, "1 or more, or None", holds=holds)

    def is_sparse(self, state: State) -> bool:
        """Return True: k is far below the atoms wherever it matters."""
        return True

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
        """Return the block seen through the dictionary, dead atoms' pre-activations too."""
        del is_sparse
        rule, edges = self.rule(state, len(block)), self.edges()
        return sparse_pass(state.tensors, block, rule, over, ranks, dead=dead, edges=edges)

    def edges(self) -> tuple[int, ...]:
        """Return where nested dictionaries end; none are nested."""
        return ()

    def teach(
        self,
        seen: Pass,
        tensors: Tensors,
        dead: Int[Tensor, " a"],
        over: Over,
        ranks: Ranks,
    ) -> Tensor | float:
        """Let dead atoms rebuild the residual."""
        of_all = ranks.summed(torch.tensor(len(dead))) if ranks.by_atoms else len(dead)
        if not of_all or not self.auxiliary_weight:
            return 0.0
        return add_auxiliary(
            seen,
            tensors,
            dead,
            over,
            ranks,
            num_kept=self.num_auxiliary or min(512, max(1, seen.residual.shape[1] // 2)),
            weight=self.auxiliary_weight,
        )

    def remember(self, state: State, seen: Pass) -> None:
        """Keep nothing."""
