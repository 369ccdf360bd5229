"""Independent components: directions along which the rows are least Gaussian.

Axes: n rows, d width, f atoms, r directions in which rows vary.
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
from tacit.dictionaries.gathered import (
    Gathered,
    gather,
    gathered,
    outcome_of,
    room_for,
    watched,
)
from tacit.dictionaries.methods import Method, State, require, require_fitting_k
from tacit.dictionaries.selections import Largest

# A direction with less variance than this share of the largest is rounding, not signal.
SMALLEST_VARIANCE = 1e-10


@final
@dataclass(frozen=True, kw_only=True)
class ICA(Method):
    """The directions that make a row's coordinates independent: scikit-learn's FastICA.

    An atom is a column of the mixing matrix at unit length, and the encoder its row of the
    unmixing matrix, scaled to match; the heavier tail of a source is its positive side, and the
    source of most variance comes first. Directions in which the rows do not vary stay principal
    components. With k it keeps the k coordinates of largest magnitude. Hyvärinen 1999; as a
    baseline, Cunningham et al. 2023 (arXiv:2309.08600), who fitted on 262,144 vectors and more.
    """

    kind: ClassVar[str] = "ica"

    num_atoms: int | None = None
    """Components (f), out of the principal components of most variance; None is the width."""
    k: int | None = None
    """Coordinates kept in a row; None keeps all."""
    num_vectors: int = 10_000
    """Rows from the start of the stream to fit on; a shorter stream gives what it has."""
    max_iterations: int = 200
    """Where the iteration ends, whether it has converged or not."""
    tolerance: float = 1e-3
    """Converged once no direction's cosine with its last place is further from 1."""

    def __post_init__(self) -> None:
        atoms, k = self.num_atoms, self.k
        require("num_atoms", atoms, "1 or more, or None", holds=atoms is None or atoms >= 1)
        require("k", k, "1 or more, or None", holds=k is None or k >= 1)
        if k is not None and atoms is not None:
            require_fitting_k(k, atoms)
        require("num_vectors", self.num_vectors, "2 or more", holds=self.num_vectors >= 2)
        iterations = self.max_iterations
        require("max_iterations", iterations, "1 or more", holds=iterations >= 1)
        require("tolerance", self.tolerance, "above 0", holds=self.tolerance > 0)

    def num_held(self, width: int) -> int:
        """Return about how many numbers a fit holds: its rows, and copies in double precision."""
        return 5 * self.num_vectors * width

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return room for the rows to fit on."""
        width = first_block.shape[1]
        require_fitting_k(self.k or 1, width)
        atoms = self.num_atoms or width
        require("num_atoms", atoms, f"at most the width, {width}", holds=atoms <= width)
        tensors = room_for(first_block, self.num_vectors)
        return State(tensors=tensors, step=0, num_steps=num_steps, seed=seed)

    def step(self, state: State, block: Float[Tensor, "n d"]) -> tuple[State, None]:
        """Return the state with the block's rows gathered; the given one is overwritten."""
        return gather(state, block), None

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the components of the gathered rows; the outcome says how the fit ended."""
        rows = gathered(state)
        count = self.num_atoms or rows.rows.shape[1]
        found = _unmixed(rows, count, state.seed, self.max_iterations, self.tolerance)
        return Dictionary(
            atoms=torch.from_numpy(found.atoms).float().contiguous(),
            encoder=torch.from_numpy(found.encoder).float().contiguous(),
            encoder_bias=torch.zeros(count),
            centre=torch.from_numpy(found.centre).float(),
            scale=1.0,
            selection=Largest(k=self.k or count),
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
class _Unmixed:
    atoms: Float[np.ndarray, "f d"]
    encoder: Float[np.ndarray, "f d"]
    centre: Float[np.ndarray, "d"]
    num_iterations: int
    has_converged: bool


# Kept, because members of one fit that differ in k alone share their components.
@functools.lru_cache(maxsize=8)
def _unmixed(
    gathered: Gathered, num_atoms: int, seed: int, max_iterations: int, tolerance: float
) -> _Unmixed:
    centre = gathered.rows.mean(axis=0)
    centred = gathered.rows - centre
    variances, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    variances, axes = variances[::-1][:num_atoms], axes[:, ::-1][:, :num_atoms].T
    varied = variances > SMALLEST_VARIANCE * variances[0]
    spread = np.sqrt(variances[varied])[:, None]
    white = centred @ (axes[varied] / spread).T
    turn, num_iterations, has_converged = _turned(white, seed, max_iterations, tolerance)
    sign = np.where(((white @ turn.T) ** 3).sum(axis=0) < 0, -1.0, 1.0)[:, None]
    turn = sign * turn
    mixing, unmixing = turn @ (axes[varied] * spread), turn @ (axes[varied] / spread)
    length = np.linalg.norm(mixing, axis=1, keepdims=True)
    order = np.argsort(-length[:, 0], kind="stable")
    still = axes[~varied]
    return _Unmixed(
        atoms=np.concatenate([(mixing / length)[order], still]),
        encoder=np.concatenate([(unmixing * length)[order], still]),
        centre=centre,
        num_iterations=num_iterations,
        has_converged=has_converged,
    )


def _turned(
    white: Float[np.ndarray, "n r"], seed: int, max_iterations: int, tolerance: float
) -> tuple[Float[np.ndarray, "r r"], int, bool]:
    """Return the rotation that FastICA ends in, its iterations, and whether it converged."""
    from sklearn.decomposition import FastICA

    num = white.shape[1]
    model = FastICA(
        whiten=False,  # pyright: ignore
        max_iter=max_iterations,
        tol=tolerance,
        w_init=stream(seed, "dictionaries/ica").standard_normal((num, num)),
    )
    with watched() as told:
        model.fit(white)
    return model.components_, int(model.n_iter_), not told
