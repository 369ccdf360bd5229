"""ReLU sparse autoencoders: the sparsity is bought with a penalty on the sum of activations.

Axes: n rows, d width, f atoms, m active entries.
"""

from dataclasses import asdict, dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.dead import count_silence, dead_atoms, revive
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.kernels import Ragged, flat_positions, rows_per_block
from tacit.dictionaries.learned import (
    DECAY_SHARE,
    Centre,
    Gradients,
    Tensors,
    centred_rows,
    descend,
    encoder_of,
    frozen,
    initial_state,
    learning_rate,
    sparse_gradients,
    spread_of,
)
from tacit.dictionaries.methods import Method, State, StepReport, require
from tacit.dictionaries.selections import Relu

# Share of active entries below which bag sums beat dense products (measured on two cores).
SPARSE_BELOW = 0.08


@final
@dataclass(frozen=True, kw_only=True)
class ReluL1(Method):
    """Keep every positive pre-activation; pay for their sum.

    Loss: squared error summed over dimensions plus ``penalty`` times the activations summed over
    atoms, both mean over rows (equation 4 of Cunningham et al. 2023, arXiv:2309.08600). Atoms
    have unit length, so that the penalty cannot be dodged by short codes of long atoms.
    """

    kind: ClassVar[str] = "relu-l1"

    num_atoms: int
    """Directions to learn (f)."""
    penalty: float
    """Price of activation, in units of the scaled input: on raw rows it is this times scale."""
    tied: bool = False
    """Whether the encoder's rows are the atoms themselves."""
    learning_rate: float | None = None
    """Plateau of Adam's rate; None is ``2e-4 / sqrt(f / 2**14)``."""
    warm_up_steps: int = 10
    """Steps over which the rate rises from nearly zero."""
    sparsity_warm_up: float = 0.05
    """Share of all steps over which the penalty rises from zero."""
    clip: float | None = 1.0
    """Largest norm of the whole gradient; None leaves it alone."""
    centre: Centre = "mean"
    """What the centre starts as, taken from the first block; it is learned from there."""
    scaled: bool = True
    """Whether rows are scaled to a mean squared distance of 1 from the centre; published
    penalties are mostly for raw rows."""
    dead_after_steps: int = 100
    """Steps of silence after which an atom counts as dead."""
    revive_every_steps: int | None = 100
    """Steps between replacements of dead atoms, none in the last fifth; None never replaces."""

    def __post_init__(self) -> None:
        require("num_atoms", self.num_atoms, "1 or more", holds=self.num_atoms >= 1)
        require("penalty", self.penalty, "0 or more", holds=self.penalty >= 0)
        rate, clip = self.learning_rate, self.clip
        require("learning_rate", rate, "positive", holds=rate is None or rate > 0)
        require(
            "warm_up_steps", self.warm_up_steps, "0 or more", holds=self.warm_up_steps >= 0
        )
        rising = self.sparsity_warm_up
        require("sparsity_warm_up", rising, "between 0 and 1", holds=0 <= rising <= 1)
        require("clip", clip, "positive, or None", holds=clip is None or clip > 0)
        steps, every = self.dead_after_steps, self.revive_every_steps
        require("dead_after_steps", steps, "1 or more", holds=steps >= 1)
        holds = every is None or every >= 1
        require("revive_every_steps", every, "1 or more, or None", holds=holds)

    def initial(
        self, seed: int, first_block: Float[Tensor, "n d"], *, num_steps: int
    ) -> State:
        """Return the state before the first step."""
        state = initial_state(
            first_block,
            num_atoms=self.num_atoms,
            tied=self.tied,
            centre=self.centre,
            scaled=self.scaled,
            seed=seed,
            num_steps=num_steps,
        )
        # Half of random projections are positive, so a fit begins with dense products.
        state.tensors["active_share"] = torch.tensor(0.5, dtype=torch.float64)
        return state

    @torch.no_grad()
    def step(self, state: State, block: Float[Tensor, "n d"]) -> tuple[State, StepReport]:
        """Return the state after one step of Adam; the given state is overwritten."""
        tensors = state.tensors
        centred = centred_rows(tensors, block)
        rise = self.sparsity_warm_up * state.num_steps
        penalty = self.penalty * min(1.0, (state.step + 1) / rise if rise else 1.0)
        num_dead = len(dead_atoms(tensors, self.dead_after_steps))
        if float(tensors["active_share"]) < SPARSE_BELOW:
            code = self._encode(tensors, centred)
            gradients = sparse_gradients(tensors, centred, code, penalty)
            fired, total, active = code.indices, code.values.sum(), len(code.values)
        else:
            gradients, counts, total = self._dense_gradients(tensors, centred, penalty)
            fired, active = counts.nonzero().squeeze(1), int(counts.sum())
        count_silence(tensors, fired)
        n, spread = len(centred), spread_of(centred)
        loss = (gradients.squared_error + penalty * total) / n
        tensors["active_share"].fill_(active / (n * self.num_atoms))
        norm = self._descend(state, gradients.finished(encoder_of(tensors), tied=self.tied))
        self._revive(state, gradients.residual)
        return state.advanced(), StepReport(
            loss=float(loss),
            fvu=float(gradients.squared_error / spread),
            l0=active / n,
            num_dead=num_dead,
            gradient_norm=float(norm),
        )

    def finish(self, state: State, *, contract: InputContract | None = None) -> Dictionary:
        """Return the dictionary, its scale and centre in units of the rows given."""
        return frozen(state, Relu(), contract, method=self.kind, settings=asdict(self))

    def _encode(self, tensors: Tensors, centred: Float[Tensor, "n d"]) -> Ragged:
        n, step = len(centred), rows_per_block(self.num_atoms)
        values, indices, counts = [], [], []
        buffer = centred.new_empty(min(n, step), self.num_atoms)
        for first in range(0, n, step):
            rows = centred[first : first + step]
            part = buffer[: len(rows)]
            torch.addmm(tensors["encoder_bias"], rows, encoder_of(tensors).T, out=part)
            found = flat_positions(part > 0)
            place = found // self.num_atoms
            values.append(part.view(-1).index_select(0, found))
            indices.append((found - place * self.num_atoms).int())
            counts.append(torch.bincount(place, minlength=len(rows)))
        offsets = torch.cat([counts[0].new_zeros(1), torch.cat(counts).cumsum(0)])
        return Ragged(
            values=torch.cat(values), indices=torch.cat(indices), offsets=offsets.int()
        )

    def _dense_gradients(
        self, tensors: Tensors, centred: Float[Tensor, "n d"], penalty: float
    ) -> tuple[Gradients, Tensor, Tensor]:
        """Return gradients, how often each atom fired and the sum of the code, all dense."""
        atoms, n, step = tensors["atoms"], len(centred), rows_per_block(self.num_atoms)
        of_atoms, of_encoder = torch.zeros_like(atoms), torch.zeros_like(atoms)
        of_bias = torch.zeros_like(tensors["encoder_bias"])
        counts, total = torch.zeros_like(of_bias), centred.new_zeros(())
        residual = torch.empty_like(centred)
        for first in range(0, n, step):
            rows, left = centred[first : first + step], residual[first : first + step]
            code = torch.addmm(tensors["encoder_bias"], rows, encoder_of(tensors).T).relu_()
            torch.addmm(rows, code, atoms, beta=-1, out=left)
            upstream = left * (2 / n)
            through_code = torch.mm(upstream, atoms.T).add_(penalty / n)
            fires = code > 0
            through_code.mul_(fires)
            of_atoms.addmm_(code.T, upstream)
            of_encoder.addmm_(through_code.T, rows)
            of_bias += through_code.sum(dim=0)
            counts += fires.sum(dim=0)
            total += code.sum()
        leaves = {
            "atoms": of_atoms,
            "encoder": of_encoder,
            "encoder_bias": of_bias,
            "offset": residual.sum(dim=0) * (2 / n),
        }
        error = residual.square().sum()
        return (
            Gradients(leaves=leaves, residual=residual, squared_error=error),
            counts,
            total,
        )

    def _descend(self, state: State, gradients: Tensors) -> Tensor:
        rate = learning_rate(
            self.learning_rate,
            self.num_atoms,
            step=state.step,
            num_steps=state.num_steps,
            warm_up_steps=self.warm_up_steps,
        )
        return descend(state.tensors, gradients, step=state.step, rate=rate, clip=self.clip)

    def _revive(self, state: State, residual: Float[Tensor, "n d"]) -> None:
        every, done = self.revive_every_steps, state.step + 1
        late = done > (1 - DECAY_SHARE) * state.num_steps
        if every is None or done % every or late:
            return
        dead = dead_atoms(state.tensors, self.dead_after_steps)
        if len(dead):
            revive(state, dead, residual, encoder_share=0.2)
