"""Random unit directions: the floor that every learned dictionary must beat.

Axes: n rows, d width, f atoms, k active atoms.
"""

from dataclasses import asdict, dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import embedding_bag

from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.kernels import rows_per_block
from tacit.dictionaries.methods import Method, State, require, require_fitting_k
from tacit.dictionaries.selections import TopKPositive


@final
@dataclass(frozen=True, kw_only=True)
class RandomDirections(Method):
    """Each row's k largest projections on random directions, times one gain fitted to all.

    The gain is the least-squares one (a closed form), without which overlapping directions
    would rebuild worse than the mean does.
    """

    kind: ClassVar[str] = "random"

    num_atoms: int
    """Directions (f)."""
    k: int
    """Most atoms active in one row."""
    num_blocks: int | None = 20
    """Blocks from the start of the stream that the gain is fitted on; None takes every one."""

    def __post_init__(self) -> None:
        require_fitting_k(self.k, self.num_atoms)
        blocks = self.num_blocks
        require(
            "num_blocks", blocks, "1 or more, or None", holds=blocks is None or blocks >= 1
        )

    def num_held(self, width: int) -> int:
        """Return about how many numbers a fit holds: the directions."""
        return 2 * self.num_atoms * width

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the directions, and the first block's mean as centre."""
        x = first_block.detach().to(torch.promote_types(first_block.dtype, torch.float32))
        raw = stream(seed, "dictionaries/atoms").standard_normal(
            (self.num_atoms, x.shape[1])
        )
        atoms = torch.from_numpy(raw).to(x)
        atoms /= atoms.norm(dim=1, keepdim=True)
        tensors = {
            "atoms": atoms,
            "centre": x.mean(dim=0),
            "agreement": x.new_zeros((), dtype=torch.float64),
            "energy": x.new_zeros((), dtype=torch.float64),
        }
        return State(tensors=tensors, step=0, num_steps=num_steps, seed=seed)

    @torch.no_grad()
    def step(self, state: State, block: Float[Tensor, "n d"]) -> tuple[State, None]:
        """Return the state with one more block in its sums; the given one is overwritten."""
        if self.num_blocks is None or state.step < self.num_blocks:
            tensors = state.tensors
            atoms, select = tensors["atoms"], TopKPositive(k=self.k)
            for x in block.detach().to(atoms).split(rows_per_block(self.num_atoms)):
                centred = x - tensors["centre"]
                values, indices = select(centred @ atoms.T)
                rebuilt = embedding_bag(
                    indices, atoms, mode="sum", per_sample_weights=values
                )
                tensors["agreement"] += (centred * rebuilt).sum(dtype=torch.float64)
                tensors["energy"] += rebuilt.square().sum(dtype=torch.float64)
        return state.advanced(), None

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the directions, with the gain in the encoder."""
        tensors = state.tensors
        atoms = tensors["atoms"].clone()
        energy = float(tensors["energy"])
        gain = float(tensors["agreement"]) / energy if energy > 0 else 1.0
        return Dictionary(
            atoms=atoms,
            encoder=atoms * gain,
            encoder_bias=atoms.new_zeros(self.num_atoms),
            centre=tensors["centre"].clone(),
            scale=1.0,
            selection=TopKPositive(k=self.k),
            contract=contract or InputContract(),
            method=self.kind,
            settings=asdict(self),
            seed=state.seed,
        )
