"""How projected rows become a code, and how a loss goes back through it: a rule for each method.

Axes: n rows, f atoms, m entries of a code, c costs. What a rule computes it computes entry by
entry, so that the same lines serve a list of entries and a dense block.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.kernels import Ragged, entries_above
from tacit.dictionaries.ranks import Ranks

Parameter = Callable[[str], Tensor]
"""From the name of a leaf with a number for each atom to its numbers at the entries in hand."""


@dataclass(frozen=True, kw_only=True)
class Entries:
    """Entries of a code on the way back; all tensors have one shape."""

    projected: Tensor
    """Pre-activations."""
    values: Tensor
    through_value: Tensor
    """Gradient of the squared error, mean over rows, by each value as if it were active."""
    through_gate: Tensor | None
    """The same for the rule's second code, where it ``has_gate``."""
    parameter: Parameter


@dataclass(frozen=True, kw_only=True)
class Back:
    """What a rule makes of the gradients."""

    through: Tensor
    """Gradient of the loss by each pre-activation."""
    sums: Mapping[str, Tensor] = field(default_factory=dict)
    """What else is summed atom by atom, by name."""


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """One step's way from pre-activations to activations and back."""

    has_gate: ClassVar[bool] = False
    """Whether ``gate`` gives a second code that must rebuild the rows by itself."""
    spans_rows: ClassVar[bool] = False
    """Whether which entries are kept is decided over the whole block, by ``settled``."""

    @abstractmethod
    def back(self, entries: Entries) -> Back:
        """Return the gradients by pre-activation; 0 where an entry has none."""

    def floor(self, tensors: Mapping[str, Tensor]) -> Tensor | float:
        """Return what a pre-activation must exceed, atom by atom, to have value or gradient."""
        del tensors
        return 0.0

    def choose(
        self, projected: Float[Tensor, "n f"], tensors: Mapping[str, Tensor]
    ) -> Ragged:
        """Return the pre-activations that have a value or a gradient."""
        return entries_above(projected, self.floor(tensors))

    def values(self, projected: Tensor, parameter: Parameter) -> Tensor:
        """Return the activation of each entry; 0 where silent."""
        del parameter
        return projected.relu()

    def gate(self, projected: Tensor) -> Tensor:
        """Return the second code."""
        raise NotImplementedError

    def settled(self, parts: Sequence[Ragged], ranks: Ranks) -> list[Ragged] | None:
        """Return the entries kept of a whole block; None where too few were chosen."""
        del ranks
        return list(parts)

    def widened(self) -> "Rule":
        """Return the rule that chooses enough, after ``settled`` returned None."""
        raise NotImplementedError

    def costs(self, projected: Tensor, values: Tensor) -> Float[Tensor, " c"]:
        """Return the sums over entries that the penalty is made of."""
        del projected
        return values.new_zeros(0)

    def penalty_of(
        self, costs: Float[Tensor, " c"], num_active: Tensor, num_rows: int
    ) -> Tensor | float:
        """Return what the loss holds beside the squared error, mean over rows."""
        del costs, num_active, num_rows
        return 0.0

    def leaves(
        self, sums: Mapping[str, Tensor], num_active: Tensor, num_rows: int
    ) -> dict[str, Tensor]:
        """Return gradients of leaves with a number for each atom, from ``Back.sums`` by atom."""
        del num_active, num_rows
        return dict(sums)


def broadcast(tensors: Mapping[str, Tensor]) -> Parameter:
    """Return the parameters at the entries of a dense block."""
    return lambda name: tensors[name]


def listed(tensors: Mapping[str, Tensor], code: Ragged) -> Parameter:
    """Return the parameters at the entries of a list."""
    return lambda name: tensors[name].index_select(0, code.indices)


def joined(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the entries of several lists as one, name by name."""
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
