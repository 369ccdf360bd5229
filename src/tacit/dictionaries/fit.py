"""The only training loop: many methods and seeds over one reading of a stream.

Killed at any moment and called again with the same arguments, it ends in the same bytes (on a
CPU, with the same number of threads).
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.dictionaries.blocks import Blocks
from tacit.dictionaries.checkpoints import (
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.files import save_dictionary
from tacit.dictionaries.members import (
    Member,
    check_ranks,
    configuration_of,
    members_of,
    step_all,
)
from tacit.dictionaries.methods import Method, StepReport, require
from tacit.dictionaries.ranks import ALONE, Ranks, own_part, whole

CHECKPOINT = "checkpoint.safetensors"
# Writing states takes at most one part in so many of the time.
WRITING_SHARE = 20


@final
@dataclass(frozen=True, kw_only=True)
class Curve:
    """What each step of a fit measured on its block; empty for closed forms."""

    loss: Float[Tensor, "steps"]
    fvu: Float[Tensor, "steps"]
    l0: Float[Tensor, "steps"]
    num_dead: Float[Tensor, "steps"]
    gradient_norm: Float[Tensor, "steps"]


@final
@dataclass(frozen=True, kw_only=True)
class Fitted:
    """One member of a fit, finished."""

    name: str
    """The method's name in the call."""
    seed: int
    site: str
    dictionary: Dictionary
    curve: Curve


def fit(
    methods: Mapping[str, Method] | Sequence[Method],
    blocks: Blocks,
    seeds: Sequence[int],
    *,
    steps: int,
    folder: Path | None = None,
    checkpoint_seconds: float = 20.0,
    contract: InputContract | None = None,
    ranks: Ranks = ALONE,
    progress: Progress = silent,
    clock: Callable[[], float] = time.monotonic,
) -> list[Fitted]:
    """Return a dictionary for every site, method and seed, each block read once for all.

    Members take their step on a block together (see ``step_all``), while it is in cache.
    With ``folder`` the whole state is written there at least ``checkpoint_seconds`` apart (and
    further, where writing is slow) and a later call goes on from it; finished dictionaries go to
    ``folder/NAME/seed-N`` (below ``SITE`` where there are several sites).

    Several processes (``ranks``) that make the same call give the dictionaries that one would give,
    to rounding; ``folder`` must be one that all can read, and the first of them writes it.

    Raises ``UserError`` on a block with NaN or infinity, on a member that diverges (the last
    checkpoint is kept), and on a folder that holds a fit of another configuration.
    """
    members = members_of(methods, blocks, seeds)
    require("steps", steps, "1 or more", holds=steps >= 1)
    first = _checked(blocks.block(0), 0)
    configuration = configuration_of(members, first, steps)
    check_ranks(members, ranks)
    ranks.agree(configuration)
    path = None if folder is None else folder / CHECKPOINT
    if path is not None and path.exists():
        start = load_checkpoint(path, configuration, [m.seed for m in members], steps)
    else:
        states = [
            member.method.initial(member.seed, first[member.site], num_steps=steps)
            for member in members
        ]
        curves = torch.full((len(members), steps, 5), torch.nan, dtype=torch.float64)
        start = Checkpoint(states=tuple(states), curves=curves, step=0)
    start = replace(start, states=tuple(own_part(each, ranks) for each in start.states))
    written, pause = clock(), checkpoint_seconds
    end = start
    with progress("fit", steps, "steps") as advance:
        advance(start.step, earlier=True)
        for end in _steps(members, blocks, start, first, path, ranks):
            advance(1)
            began = clock()
            is_due = began - written >= pause or end.step == steps
            if path is not None and ranks.heard(is_due):
                _keep(path, end, configuration, ranks)
                written = clock()
                pause = max(checkpoint_seconds, WRITING_SHARE * (written - began))
    finished = _finish(members, _whole(end, ranks), contract)
    if folder is not None and ranks.number == 0:
        _save(finished, folder, several_sites=len(first) > 1)
    return finished


def _checked(block: dict[str, Float[Tensor, "n d"]], number: int) -> dict[str, Tensor]:
    for site, rows in block.items():
        # The sum of finite rows is finite in double; any other value shows in it.
        if not math.isfinite(float(rows.sum(dtype=torch.float64))):
            bad = int((~torch.isfinite(rows)).any(dim=1).sum())
            raise UserError(
                f"block {number} of site {site} holds NaN or infinity in {bad} of {len(rows)} "
                "rows: find what overflowed (fp16?), or leave those rows out and count them."
            )
    return block


def _steps(
    members: list[Member],
    blocks: Blocks,
    start: Checkpoint,
    first: dict[str, Tensor],
    path: Path | None,
    ranks: Ranks,
) -> Iterator[Checkpoint]:
    """Yield where the fit stands after every block."""
    states, curves = list(start.states), start.curves
    for number in range(start.step, curves.shape[1]):
        block = first if number == 0 else _checked(blocks.block(number), number)
        taken = step_all(members, states, block, ranks)
        for i, (member, (states[i], report)) in enumerate(zip(members, taken, strict=True)):
            if report is not None:
                _check_loss(member, report, number, path)
                curves[i, number] = torch.tensor(astuple(report), dtype=torch.float64)
        yield Checkpoint(states=tuple(states), curves=curves, step=number + 1)


def _whole(end: Checkpoint, ranks: Ranks) -> Checkpoint:
    return replace(end, states=tuple(whole(state, ranks) for state in end.states))


def _keep(
    path: Path, end: Checkpoint, configuration: Mapping[str, Any], ranks: Ranks
) -> None:
    """Write the checkpoint, the same whether and however the work is shared out."""
    end = _whole(end, ranks)
    if ranks.number == 0:
        save_checkpoint(path, end, configuration)


def _check_loss(member: Member, report: StepReport, step: int, path: Path | None) -> None:
    if math.isfinite(report.loss) and math.isfinite(report.gradient_norm):
        return
    kept = "" if path is None else f" The last good state, if one was written, is {path}."
    raise UserError(
        f"{member} diverged at step {step}: its loss is {report.loss}, its gradient's norm "
        f"{report.gradient_norm}. Lower its learning_rate or raise its warm_up_steps.{kept}"
    )


def _finish(
    members: list[Member], end: Checkpoint, contract: InputContract | None
) -> list[Fitted]:
    finished = []
    for number, (member, state) in enumerate(zip(members, end.states, strict=True)):
        own = replace(contract or InputContract(), site=member.site)
        columns = end.curves[number]
        columns = columns[~torch.isnan(columns[:, 0])]
        curve = Curve(**dict(zip(_FIGURES, columns.unbind(dim=1), strict=True)))
        made = member.method.finish(state, contract=own)
        finished.append(
            Fitted(
                name=member.name,
                seed=member.seed,
                site=member.site,
                dictionary=replace(made, outcome={**made.outcome, **_died(curve)}),
                curve=curve,
            )
        )
    return finished


def _died(curve: Curve) -> dict[str, int]:
    """Return the step from which no atom was active any more; nothing where some are."""
    active = curve.l0.nonzero()
    since = int(active[-1]) + 1 if len(active) else 0
    return {"silent_since_step": since} if since < len(curve.l0) else {}


_FIGURES = ("loss", "fvu", "l0", "num_dead", "gradient_norm")


def _save(finished: list[Fitted], folder: Path, *, several_sites: bool) -> None:
    for each in finished:
        above = folder / each.site if several_sites else folder
        save_dictionary(each.dictionary, above / each.name / f"seed-{each.seed}")
