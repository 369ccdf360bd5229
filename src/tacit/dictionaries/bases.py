"""What complete orthonormal bases share: they only learn where the rows have their mean.

Axes: n rows, d width.
"""

from abc import abstractmethod
from dataclasses import asdict, dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.methods import Method, State, require, require_fitting_k
from tacit.dictionaries.selections import Largest, Relu


@dataclass(frozen=True, kw_only=True)
class Basis(Method):
    """A method whose atoms are known before any row: an orthonormal basis about the mean."""

    k: int | None = None
    """Coordinates of largest magnitude kept in a row; None keeps all, which is exact."""
    num_blocks: int | None = 20
    """Blocks from the start of the stream that the mean is over; None takes every one."""

    def __post_init__(self) -> None:
        k, blocks = self.k, self.num_blocks
        require("k", k, "1 or more, or None", holds=k is None or k >= 1)
        require(
            "num_blocks", blocks, "1 or more, or None", holds=blocks is None or blocks >= 1
        )

    @abstractmethod
    def directions(self, width: int, seed: int) -> Float[Tensor, "d d"]:
        """Return the basis, one direction a row."""

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the basis, and empty sums about the first block's mean."""
        width = first_block.shape[1]
        require_fitting_k(self.k or 1, width)
        origin = first_block.detach().double().mean(dim=0)
        tensors = {
            "atoms": self.directions(width, seed).to(origin.device),
            "origin": origin,
            "count": origin.new_zeros(()),
            "sum": torch.zeros_like(origin),
        }
        return State(tensors=tensors, step=0, num_steps=num_steps, seed=seed)

    @torch.no_grad()
    def step(self, state: State, block: Float[Tensor, "n d"]) -> tuple[State, None]:
        """Return the state with one more block in its sums; the given one is overwritten."""
        if self.num_blocks is None or state.step < self.num_blocks:
            tensors = state.tensors
            tensors["count"] += len(block)
            tensors["sum"] += (block.detach().double() - tensors["origin"]).sum(dim=0)
        return state.advanced(), None

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the basis about the mean."""
        tensors = state.tensors
        atoms = tensors["atoms"].float()
        mean = tensors["origin"] + tensors["sum"] / tensors["count"]
        return Dictionary(
            atoms=atoms.clone(),
            encoder=atoms.clone(),
            encoder_bias=atoms.new_zeros(len(atoms)),
            centre=mean.float(),
            scale=1.0,
            selection=Largest(k=self.k or len(atoms)),
            contract=contract or InputContract(),
            method=self.kind,
            settings=asdict(self),
            seed=state.seed,
        )


def halves(basis: Dictionary) -> Dictionary:
    """Return a signed basis with each direction and its opposite as atoms that never go negative.

    The code and what it rebuilds are the same where the basis keeps every coordinate; a count of
    atoms then means the same as for dictionaries whose activations are not negative. Atoms f and
    f + num_atoms are one direction's two sides.
    """
    k = basis.selection.k if isinstance(basis.selection, Largest) else 0
    if k < basis.num_atoms:
        raise UserError(
            f"the two sides of {basis.method} were asked for; give a signed basis that keeps "
            "every coordinate, k left out."
        )
    return replace(
        basis,
        atoms=torch.cat([basis.atoms, -basis.atoms]),
        encoder=torch.cat([basis.encoder, -basis.encoder]),
        encoder_bias=torch.cat([basis.encoder_bias, -basis.encoder_bias]),
        selection=Relu(),
        method=f"{basis.method}, both sides",
    )
