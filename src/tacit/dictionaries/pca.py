"""Principal components: the best linear code there is, and not a sparse one.

Axes: n rows, d width, f atoms.
"""

from dataclasses import asdict, dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.methods import Method, State, require, require_fitting_k
from tacit.dictionaries.selections import Largest


@final
@dataclass(frozen=True, kw_only=True)
class PCA(Method):
    """The directions of most variance, from sums over the stream; a closed form.

    With k it keeps, in each row, the k coordinates of largest magnitude (signed), which is what
    makes it comparable with sparse codes of k atoms. Pearson 1901.
    """

    kind: ClassVar[str] = "pca"

    num_atoms: int | None = None
    """Components to keep, largest variance first (f); None is the width."""
    k: int | None = None
    """Coordinates kept in a row; None keeps all."""
    num_blocks: int | None = 200
    """Blocks from the start of the stream that are summed; None takes every one."""

    def __post_init__(self) -> None:
        atoms, k, blocks = self.num_atoms, self.k, self.num_blocks
        require("num_atoms", atoms, "1 or more, or None", holds=atoms is None or atoms >= 1)
        require("k", k, "1 or more, or None", holds=k is None or k >= 1)
        if k is not None and atoms is not None:
            require_fitting_k(k, atoms)
        require(
            "num_blocks", blocks, "1 or more, or None", holds=blocks is None or blocks >= 1
        )

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return empty sums about the first block's mean."""
        width = first_block.shape[1]
        require_fitting_k(self.k or 1, width)
        atoms = self.num_atoms or width
        require("num_atoms", atoms, f"at most the width, {width}", holds=atoms <= width)
        origin = first_block.detach().double().mean(dim=0)
        tensors = {
            "origin": origin,
            "count": origin.new_zeros(()),
            "sum": torch.zeros_like(origin),
            "products": origin.new_zeros(width, width),
        }
        return State(tensors=tensors, step=0, num_steps=num_steps, seed=seed)

    @torch.no_grad()
    def step(self, state: State, block: Float[Tensor, "n d"]) -> tuple[State, None]:
        """Return the state with one more block in its sums; the given one is overwritten."""
        if self.num_blocks is None or state.step < self.num_blocks:
            tensors = state.tensors
            # Products in the rows' own precision are fast; the sum over blocks is in double.
            x = (block.detach().double() - tensors["origin"]).to(
                torch.promote_types(block.dtype, torch.float32)
            )
            tensors["count"] += len(x)
            tensors["sum"] += x.sum(dim=0, dtype=torch.float64)
            tensors["products"] += (x.T @ x).double()
        return state.advanced(), None

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the leading eigenvectors of the covariance, signs fixed by their largest part."""
        tensors = state.tensors
        mean = tensors["sum"] / tensors["count"]
        covariance = tensors["products"] / tensors["count"] - torch.outer(mean, mean)
        count = self.num_atoms or len(mean)
        vectors = torch.linalg.eigh(covariance).eigenvectors.flip(1)[:, :count].T
        largest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))
        atoms = (vectors * largest.sign()).float().contiguous()
        k = self.k or count
        return Dictionary(
            atoms=atoms,
            encoder=atoms.clone(),
            encoder_bias=atoms.new_zeros(count),
            centre=(tensors["origin"] + mean).float(),
            scale=1.0,
            selection=Largest(k=k),
            contract=contract or InputContract(),
            method=self.kind,
            settings=asdict(self),
            seed=state.seed,
        )
