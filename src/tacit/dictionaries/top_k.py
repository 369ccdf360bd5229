"""Top-k sparse autoencoders: the sparsity is set, not bought with a penalty.

Axes: n rows, f atoms, m active entries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.kernels import Ragged, thinned, top_entries
from tacit.dictionaries.methods import State
from tacit.dictionaries.ranks import Ranks
from tacit.dictionaries.rules import Back, Entries, Rule
from tacit.dictionaries.selections import TopKPositive
from tacit.dictionaries.set_sparsity import SetSparsity


@final
@dataclass(frozen=True, kw_only=True)
class LargestOfRow(Rule):
    """Keep each row's k largest, and of these what is above zero."""

    k: int

    def choose(
        self, projected: Float[Tensor, "n f"], tensors: Mapping[str, Tensor]
    ) -> Ragged:
        """Return the k largest of each row."""
        del tensors
        return top_entries(projected, min(self.k, projected.shape[1]))

    def settled(self, parts: Sequence[Ragged], ranks: Ranks) -> list[Ragged]:
        """Return the entries that are among the k largest of all processes' atoms."""
        if not ranks.by_atoms:
            return list(parts)
        num_rows = sum(len(part.offsets) - 1 for part in parts)
        own = torch.cat([part.values for part in parts]).view(num_rows, -1)
        of_all = torch.cat(ranks.listed(own.T.contiguous())).T
        cut = of_all.topk(self.k, dim=1, sorted=False).values.amin(dim=1, keepdim=True)
        kept = (own >= cut).split([len(part.offsets) - 1 for part in parts])
        return [
            thinned(part, mask.reshape(-1)) for part, mask in zip(parts, kept, strict=True)
        ]

    def back(self, entries: Entries) -> Back:
        """Return the error's gradient where an entry is active."""
        return Back(through=entries.through_value * (entries.values > 0))


@final
@dataclass(frozen=True, kw_only=True)
class TopK(SetSparsity):
    """Keep each row's k largest pre-activations and descend the squared error of the rest.

    After Gao et al. 2024, arXiv:2406.04093. Where we differ: atoms are brought to unit length
    after each step, rows are scaled so that their mean squared distance from the centre is 1,
    and atoms that stay dead are also replaced outright (``revive_every_steps``).
    """

    kind: ClassVar[str] = "top-k"
    splits_atoms: ClassVar[bool] = True

    def rule(self, state: State, num_rows: int) -> Rule:
        """Return the same rule at every step."""
        return LargestOfRow(k=self.k)

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the dictionary, its scale and centre in units of the rows given."""
        return self.frozen(state, TopKPositive(k=self.k), contract)
