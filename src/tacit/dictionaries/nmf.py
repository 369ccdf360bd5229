"""Non-negative factors: parts that only ever add up.

Axes: n rows, d width, f atoms. Rows of a residual stream have both signs, so each is split into
what lies above and what lies below a centre, 2 d numbers of which none is negative.
"""

import functools
from dataclasses import asdict, dataclass
from typing import ClassVar, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.gains import best_gain
from tacit.dictionaries.gathered import (
    Gathered,
    gather,
    gathered,
    outcome_of,
    room_for,
    watched,
)
from tacit.dictionaries.methods import Method, State, require, require_fitting_k
from tacit.dictionaries.selections import Relu, TopKPositive

BATCH_ROWS = 1024
# Passes without a lower cost that end a fit. The library counts batches, and its ten are one pass,
# whose noise ended some fits after two.
PATIENCE_PASSES = 10
# A part shorter than this, rows at unit scale, is none: it could not be given unit length.
SHORTEST_PART = 1e-9


@final
@dataclass(frozen=True, kw_only=True)
class NMF(Method):
    """Parts that rows are made of without subtracting: scikit-learn's MiniBatchNMF.

    An atom is a part's upper half minus its lower half. Shifting rows by their minimum instead, as
    the published baseline did (Cunningham et al. 2023, arXiv:2309.08600), makes every code dense,
    since all of them must first make up for the shift. NMF solves for the code of each row; here a
    code is linear in the row: the least-squares map to the codes that NMF itself found, times one
    least-squares gain, cut off at zero. Lee and Seung 1999; online, Mairal et al. 2010.
    """

    kind: ClassVar[str] = "nmf"

    num_atoms: int | None = None
    """Parts (f); None is the width."""
    k: int | None = None
    """Most parts active in a row; None keeps all that are above zero."""
    split_about: str = "mean"
    """Centre of the split, ``mean`` or ``zero``; about zero, rows of one sign give plain NMF."""
    num_vectors: int = 10_000
    """Rows from the start of the stream to fit on; a shorter stream gives what it has."""
    max_iterations: int = 60
    """Passes over those rows at most, whether it has converged or not."""

    def __post_init__(self) -> None:
        atoms, k, about = self.num_atoms, self.k, self.split_about
        require("num_atoms", atoms, "1 or more, or None", holds=atoms is None or atoms >= 1)
        require("k", k, "1 or more, or None", holds=k is None or k >= 1)
        if k is not None and atoms is not None:
            require_fitting_k(k, atoms)
        require("split_about", about, "'mean' or 'zero'", holds=about in ("mean", "zero"))
        require("num_vectors", self.num_vectors, "2 or more", holds=self.num_vectors >= 2)
        iterations = self.max_iterations
        require("max_iterations", iterations, "1 or more", holds=iterations >= 1)

    def num_held(self, width: int) -> int:
        """Return about how many numbers a fit holds: its rows, and copies in double precision."""
        return 5 * self.num_vectors * width

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return room for the rows to fit on."""
        require_fitting_k(self.k or 1, self.num_atoms or first_block.shape[1])
        tensors = room_for(first_block, self.num_vectors)
        return State(tensors=tensors, step=0, num_steps=num_steps, seed=seed)

    def step(self, state: State, block: Float[Tensor, "n d"]) -> tuple[State, None]:
        """Return the state with the block's rows gathered; the given one is overwritten."""
        return gather(state, block), None

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the parts of the gathered rows; the outcome says how the fit ended."""
        rows = gathered(state)
        count = self.num_atoms or rows.rows.shape[1]
        found = _factored(rows, count, state.seed, self.split_about, self.max_iterations)
        atoms, encoder, bias, centre = (
            torch.from_numpy(each).float().contiguous()
            for each in (found.atoms, found.encoder, found.bias, found.centre)
        )
        selection = Relu() if self.k is None else TopKPositive(k=self.k)
        scaled = (torch.from_numpy(rows.rows).float() - centre) / found.scale
        gain = best_gain(scaled, atoms, encoder, bias, selection)
        return Dictionary(
            atoms=atoms,
            encoder=encoder * gain,
            encoder_bias=bias * gain,
            centre=centre,
            scale=found.scale,
            selection=selection,
            contract=contract or InputContract(),
            method=self.kind,
            settings=asdict(self),
            outcome=outcome_of(
                num_vectors=len(rows.rows),
                num_iterations=found.num_iterations,
                has_converged=found.has_converged,
            ),
            seed=state.seed,
        )


@dataclass(frozen=True, kw_only=True)
class _Factored:
    atoms: Float[np.ndarray, "f d"]
    encoder: Float[np.ndarray, "f d"]
    bias: Float[np.ndarray, "f"]
    centre: Float[np.ndarray, "d"]
    scale: float
    num_iterations: int
    has_converged: bool


# Kept, because members of one fit that differ in k alone share their parts.
@functools.lru_cache(maxsize=8)
def _factored(
    gathered: Gathered, num_atoms: int, seed: int, split_about: str, max_iterations: int
) -> _Factored:
    mean = gathered.rows.mean(axis=0)
    centre = mean if split_about == "mean" else np.zeros_like(mean)
    scale = float(np.sqrt(np.square(gathered.rows - centre).mean()))
    scaled = (gathered.rows - centre) / scale
    halves = np.concatenate([np.maximum(scaled, 0), np.maximum(-scaled, 0)], axis=1)
    codes, parts, num_iterations, has_converged = _parts(
        halves, num_atoms, seed, max_iterations
    )
    width = len(centre)
    raw = parts[:, :width] - parts[:, width:]
    length = np.linalg.norm(raw, axis=1)
    is_part = length > SHORTEST_PART
    # What is no part gets some unit direction, and a code that is always zero.
    atoms = np.where(is_part[:, None], raw, np.eye(1, width))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    with_one = np.concatenate([scaled, np.ones((len(scaled), 1))], axis=1)
    linear = np.linalg.lstsq(with_one, codes * np.where(is_part, length, 0), rcond=None)[0]
    return _Factored(
        atoms=atoms,
        encoder=np.ascontiguousarray(linear[:-1].T),
        bias=linear[-1],
        centre=centre,
        scale=scale,
        num_iterations=num_iterations,
        has_converged=has_converged,
    )


def _parts(
    halves: Float[np.ndarray, "n both"], num_atoms: int, seed: int, max_iterations: int
) -> tuple[Float[np.ndarray, "n f"], Float[np.ndarray, "f both"], int, bool]:
    """Return codes and parts that MiniBatchNMF ends in, its passes, and whether it converged."""
    from sklearn.decomposition import MiniBatchNMF

    model = MiniBatchNMF(
        n_components=num_atoms,  # pyright: ignore
        init="random",
        batch_size=BATCH_ROWS,
        max_iter=max_iterations,
        max_no_improvement=PATIENCE_PASSES * -(-len(halves) // BATCH_ROWS),
        random_state=int(stream(seed, "dictionaries/nmf").integers(2**31)),
    )
    with watched() as told:
        codes = model.fit_transform(halves)
    return codes, model.components_, int(model.n_iter_), not told
