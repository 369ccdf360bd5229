"""Batch top-k: the largest pre-activations of a whole block, so that hard rows get more atoms.

Axes: n rows, f atoms, m active entries.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.descent import Pass
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.kernels import Ragged, entries_above, thinned
from tacit.dictionaries.methods import State
from tacit.dictionaries.ranks import Ranks
from tacit.dictionaries.rules import Back, Entries, Rule
from tacit.dictionaries.selections import AboveThreshold
from tacit.dictionaries.set_sparsity import SetSparsity

# The next block's cut is rarely lower than this share of the last one's; if it is, all positive
# entries are looked at once more.
SAFE_SHARE = 0.8
# The kept threshold is a mean over about so many of the latest steps.
REMEMBERED_STEPS = 100


@final
@dataclass(frozen=True, kw_only=True)
class LargestOfBlock(Rule):
    """Keep as many entries as k a row would be, wherever in the block the largest are."""

    spans_rows: ClassVar[bool] = True

    k: int
    above: float
    """Entries at or below it are not looked at; at least 0."""

    def choose(
        self, projected: Float[Tensor, "n f"], tensors: Mapping[str, Tensor]
    ) -> Ragged:
        """Return the entries that can be among the largest."""
        del tensors
        return entries_above(projected, self.above)

    def settled(self, parts: Sequence[Ragged], ranks: Ranks) -> list[Ragged] | None:
        """Return the largest entries of all processes; None where the filter was too high.

        Of entries that equal the smallest one kept all are kept. Where fewer than k a row are
        above zero, these are all.
        """
        values = torch.cat(ranks.listed(torch.cat([part.values for part in parts])))
        rows = sum(len(part.offsets) - 1 for part in parts)
        wanted = self.k * rows * (ranks.count if ranks.by_rows else 1)
        if len(values) < wanted:
            return list(parts) if self.above == 0 else None
        cut = values.kthvalue(len(values) - wanted + 1).values
        return [thinned(part, part.values >= cut) for part in parts]

    def widened(self) -> Rule:
        """Return the rule that looks at all that is above zero."""
        return replace(self, above=0.0)

    def back(self, entries: Entries) -> Back:
        """Return the error's gradient: all that was kept is active."""
        return Back(through=entries.through_value)


@dataclass(frozen=True, kw_only=True)
class OverBlock(SetSparsity):
    """Methods that choose over a block, and afterwards by a threshold that each row meets alone."""

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the state before the first step; no threshold is known yet."""
        state = super().initial(seed, first_block, num_steps=num_steps)
        for name in ("last_cut", "threshold"):
            state.tensors[name] = first_block.new_zeros((), dtype=torch.float64)
        return state

    def rule(self, state: State, num_rows: int) -> Rule:
        """Return the rule that looks at what may be large enough after the last block."""
        return LargestOfBlock(k=self.k, above=SAFE_SHARE * float(state.tensors["last_cut"]))

    def remember(self, state: State, seen: Pass) -> None:
        """Keep the smallest value that was active, and its mean over the latest steps."""
        cut = 0.0 if math.isinf(seen.cut) else seen.cut
        share = 1 / min(state.step + 1, REMEMBERED_STEPS)
        state.tensors["last_cut"].fill_(cut)
        state.tensors["threshold"].lerp_(state.tensors["last_cut"], share)

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the dictionary; its threshold is the mean smallest active value of late blocks."""
        thresholds = torch.full_like(
            state.tensors["encoder_bias"], float(state.tensors["threshold"])
        )
        return self.frozen(state, AboveThreshold(), contract, thresholds)


@final
@dataclass(frozen=True, kw_only=True)
class BatchTopK(OverBlock):
    """Keep the largest pre-activations of a block, k a row on the mean.

    After Bussmann et al. 2024, arXiv:2412.06410. In use an entry is active above one threshold,
    the smallest active value of a training block in the mean over the latest steps (theirs: over
    all); so the L0 of other text may differ from k.
    """

    kind: ClassVar[str] = "batch-top-k"
    splits_atoms: ClassVar[bool] = True
