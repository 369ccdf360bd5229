"""What a way of making dictionaries must offer, and what it carries from block to block.

Axes: n rows, d width.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, final

from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary, InputContract


@final
@dataclass(frozen=True, kw_only=True)
class State:
    """All that a fit knows: saved and restored, it goes on to the same bytes."""

    tensors: dict[str, Tensor]
    """Parameters, moments and counters by name. A step may overwrite them in place."""
    step: int
    """Blocks taken in so far."""
    num_steps: int
    """Blocks that the whole fit will take: schedules need it."""
    seed: int
    """Root seed of the fit."""

    def advanced(self) -> "State":
        """Return the state one step on, over the same tensors."""
        return replace(self, step=self.step + 1)

    def copy(self) -> "State":
        """Return a state that shares no memory with this one."""
        tensors = {name: tensor.clone() for name, tensor in self.tensors.items()}
        return replace(self, tensors=tensors)


@final
@dataclass(frozen=True, kw_only=True)
class StepReport:
    """What one step measured on its block, before the parameters moved."""

    loss: float
    """What the step descends, in units of the normalised input; with every penalty."""
    fvu: float
    """Fraction of the block's variance unexplained."""
    l0: float
    """Mean of active atoms a row."""
    num_dead: int
    """Atoms that count as dead."""
    gradient_norm: float
    """Euclidean norm of the whole gradient, before clipping."""


@dataclass(frozen=True, kw_only=True)
class Method(ABC):
    """Settings that turn blocks of rows into a dictionary, one step a block."""

    kind: ClassVar[str]
    """Key of ``METHODS``."""

    @abstractmethod
    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the state before the first step; the block shows centre, scale and width."""

    @abstractmethod
    def step(
        self, state: State, block: Float[Tensor, "n d"]
    ) -> tuple[State, StepReport | None]:
        """Return the next state and what was measured, which closed forms have nothing of.

        Depends on its arguments alone. The given state is consumed: its tensors may be
        overwritten, so ``copy`` it first to keep it.
        """

    def num_held(self, width: int) -> int:
        """Return about how many numbers a fit holds for rows of a width, all its tensors."""
        return 2 * width * (width + 1)

    def settles_after(self, num_steps: int) -> int:
        """Return the steps after which what a step measures may be compared with later ones."""
        return num_steps

    @abstractmethod
    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the dictionary that the state stands for."""


def require(name: str, value: object, expected: str, *, holds: bool) -> None:
    """Raise ``UserError`` saying what ``name`` should be, unless it ``holds``."""
    if not holds:
        raise UserError(f"{name} is {value!r}; it must be {expected}.")


def require_fitting_k(k: int, num_atoms: int) -> None:
    """Raise ``UserError`` unless k of the atoms can be active at once."""
    require("num_atoms", num_atoms, "1 or more", holds=num_atoms >= 1)
    require(
        "k", k, f"between 1 and the number of atoms, {num_atoms}", holds=1 <= k <= num_atoms
    )
