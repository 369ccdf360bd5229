"""The way of a round of members through the blocks: where it begins, every step, what is kept.

Axes: n rows, d width.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.ahead import Ahead
from tacit.dictionaries.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from tacit.dictionaries.early_stop import EarlyStop
from tacit.dictionaries.members import Member, step_all
from tacit.dictionaries.methods import State, StepReport
from tacit.dictionaries.ranks import Ranks, own_part, whole

FIGURES = ("loss", "fvu", "l0", "num_dead", "gradient_norm")
FVU = FIGURES.index("fvu")


@final
@dataclass(frozen=True, kw_only=True)
class Course:
    """Members that are fitted together, on what, and where their states are kept."""

    members: Sequence[Member]
    ahead: Ahead
    first: Mapping[str, Tensor]
    """The first block, checked."""
    configuration: Mapping[str, Any]
    path: Path | None
    """File of the checkpoint; None keeps nothing."""
    early_stop: EarlyStop | None
    ranks: Ranks

    def start(self, steps: int) -> Checkpoint:
        """Return where the members stand: at a checkpoint, or before the first step."""
        if self.path is not None and self.path.exists():
            seeds = [member.seed for member in self.members]
            begun = load_checkpoint(self.path, self.configuration, seeds, steps)
        else:
            states = [
                each.method.initial(each.seed, self.first[each.site], num_steps=steps)
                for each in self.members
            ]
            shape = (len(states), steps, len(FIGURES))
            curves = torch.full(shape, torch.nan, dtype=torch.float64)
            begun = Checkpoint(states=tuple(states), curves=curves, step=0)
        own = tuple(own_part(each, self.ranks) for each in begun.states)
        return replace(begun, states=own)

    def steps_from(self, start: Checkpoint) -> Iterator[Checkpoint]:
        """Yield where the members stand after every block, until all have ended."""
        states, curves, number = list(start.states), start.curves, start.step
        while any(state.step < state.num_steps for state in states):
            block = self.first if number == 0 else checked(self.ahead.block(number), number)
            going = [i for i, state in enumerate(states) if state.step < state.num_steps]
            if max(states[i].num_steps for i in going) > number + 1:
                self.ahead.expect(number + 1)
            members = [self.members[i] for i in going]
            taken = step_all(members, [states[i] for i in going], block, self.ranks)
            for i, (state, report) in zip(going, taken, strict=True):
                states[i] = self._noted(i, state, report, curves)
            number += 1
            yield Checkpoint(states=tuple(states), curves=curves, step=number)

    def _noted(
        self, number: int, state: State, report: StepReport | None, curves: Tensor
    ) -> State:
        """Write down what a member's step measured; return its state, shortened if it is done."""
        if report is None:
            return state
        member, at = self.members[number], state.step - 1
        self._check_loss(member, report, at)
        curves[number, at] = torch.tensor(astuple(report), dtype=torch.float64)
        if self.early_stop is None:
            return state
        fvu: list[float] = curves[number, : state.step, FVU].tolist()
        return self.early_stop.shortened(member.method, state, fvu)

    def keep(self, end: Checkpoint) -> None:
        """Write the checkpoint, the same whether and however the work is shared out."""
        end = self.whole(end)
        if self.path is not None and self.ranks.number == 0:
            save_checkpoint(self.path, end, self.configuration)

    def whole(self, end: Checkpoint) -> Checkpoint:
        """Return a checkpoint with the atoms of all processes."""
        return replace(end, states=tuple(whole(each, self.ranks) for each in end.states))

    def _check_loss(self, member: Member, report: StepReport, step: int) -> None:
        if math.isfinite(report.loss) and math.isfinite(report.gradient_norm):
            return
        kept = f" The last good state, if one was written, is {self.path}."
        raise UserError(
            f"{member} diverged at step {step}: its loss is {report.loss}, its gradient's norm "
            f"{report.gradient_norm}. Lower its learning_rate or raise its warm_up_steps."
            f"{kept if self.path is not None else ''}"
        )


def checked(block: dict[str, Float[Tensor, "n d"]], number: int) -> dict[str, Tensor]:
    """Return the block, or say that it holds NaN or infinity."""
    for site, rows in block.items():
        # The sum of finite rows is finite in double; any other value shows in it.
        if not math.isfinite(float(rows.sum(dtype=torch.float64))):
            bad = int((~torch.isfinite(rows)).any(dim=1).sum())
            raise UserError(
                f"block {number} of site {site} holds NaN or infinity in {bad} of {len(rows)} "
                "rows: find what overflowed (fp16?), or leave those rows out and count them."
            )
    return block
