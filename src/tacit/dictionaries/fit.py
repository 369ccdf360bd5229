"""The only training loop: many methods and seeds over one reading of a stream.

Killed at any moment and called again with the same arguments, it ends in the same bytes (on a
CPU, with the same number of threads).
"""

import itertools
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
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
    digest_of,
    load_checkpoint,
    save_checkpoint,
)
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.files import save_dictionary
from tacit.dictionaries.methods import Method, StepReport, require

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


@dataclass(frozen=True, kw_only=True)
class _Member:
    name: str
    method: Method
    seed: int
    site: str

    def __str__(self) -> str:
        return f"{self.name}, seed {self.seed}, site {self.site}"


def fit(
    methods: Mapping[str, Method] | Sequence[Method],
    blocks: Blocks,
    seeds: Sequence[int],
    *,
    steps: int,
    folder: Path | None = None,
    checkpoint_seconds: float = 20.0,
    contract: InputContract | None = None,
    progress: Progress = silent,
    clock: Callable[[], float] = time.monotonic,
) -> list[Fitted]:
    """Return a dictionary for every site, method and seed, each block read once for all.

    Members take their step on a block one after another, in that order, while it is in cache.
    With ``folder`` the whole state is written there at least ``checkpoint_seconds`` apart (and
    further, where writing is slow) and a later call goes on from it; finished dictionaries go to
    ``folder/NAME/seed-N`` (below ``SITE`` where there are several sites).

    Raises ``UserError`` on a block with NaN or infinity, on a member that diverges (the last
    checkpoint is kept), and on a folder that holds a fit of another configuration.
    """
    members = _members(methods, blocks, seeds)
    require("steps", steps, "1 or more", holds=steps >= 1)
    first = _checked(blocks.block(0), 0)
    configuration = _configuration(members, first, steps)
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
    written, pause = clock(), checkpoint_seconds
    end = start
    with progress("fit", steps, "steps") as advance:
        advance(start.step, earlier=True)
        for end in _steps(members, blocks, start, first, path):
            advance(1)
            began = clock()
            if path is not None and (began - written >= pause or end.step == steps):
                save_checkpoint(path, end, configuration)
                written = clock()
                pause = max(checkpoint_seconds, WRITING_SHARE * (written - began))
    finished = _finish(members, end, contract)
    if folder is not None:
        _save(finished, folder, several_sites=len(first) > 1)
    return finished


def _members(
    methods: Mapping[str, Method] | Sequence[Method], blocks: Blocks, seeds: Sequence[int]
) -> list[_Member]:
    if isinstance(methods, Mapping):
        named = list(methods.items())
    else:
        named = [(method.kind, method) for method in methods]
    names = [name for name, _ in named]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not names or not seeds:
        raise UserError(
            f"a fit of {len(names)} methods and {len(seeds)} seeds was asked: give one of each."
        )
    if repeated:
        raise UserError(
            f"several methods are called {', '.join(repeated)}: give a mapping from a name of "
            "its own to each method."
        )
    if len(set(seeds)) < len(seeds):
        raise UserError(f"the seeds {list(seeds)} repeat: give each once.")
    for name in names:
        if not re.fullmatch(r"[\w+=-][\w.+=-]*", name):
            raise UserError(
                f"a method is called {name!r}, which names no folder: use letters, digits and "
                "any of _ - + = ."
            )
    return [
        _Member(name=name, method=method, seed=seed, site=site)
        for site, (name, method), seed in itertools.product(blocks.sites, named, seeds)
    ]


def _configuration(
    members: list[_Member], first: Mapping[str, Tensor], steps: int
) -> dict[str, Any]:
    settings = {m.name: {"kind": m.method.kind, **asdict(m.method)} for m in members}
    return {
        "methods": settings,
        "members": [str(member) for member in members],
        "steps": steps,
        "first_block": digest_of(first),
    }


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
    members: list[_Member],
    blocks: Blocks,
    start: Checkpoint,
    first: dict[str, Tensor],
    path: Path | None,
) -> Iterator[Checkpoint]:
    """Yield where the fit stands after every block."""
    states, curves = list(start.states), start.curves
    for number in range(start.step, curves.shape[1]):
        block = first if number == 0 else _checked(blocks.block(number), number)
        for i, member in enumerate(members):
            states[i], report = member.method.step(states[i], block[member.site])
            if report is not None:
                _check_loss(member, report, number, path)
                curves[i, number] = torch.tensor(astuple(report), dtype=torch.float64)
        yield Checkpoint(states=tuple(states), curves=curves, step=number + 1)


def _check_loss(member: _Member, report: StepReport, step: int, path: Path | None) -> None:
    if math.isfinite(report.loss) and math.isfinite(report.gradient_norm):
        return
    kept = "" if path is None else f" The last good state, if one was written, is {path}."
    raise UserError(
        f"{member} diverged at step {step}: its loss is {report.loss}, its gradient's norm "
        f"{report.gradient_norm}. Lower its learning_rate or raise its warm_up_steps.{kept}"
    )


def _finish(
    members: list[_Member], end: Checkpoint, contract: InputContract | None
) -> list[Fitted]:
    finished = []
    for number, (member, state) in enumerate(zip(members, end.states, strict=True)):
        own = replace(contract or InputContract(), site=member.site)
        columns = end.curves[number]
        columns = columns[~torch.isnan(columns[:, 0])]
        finished.append(
            Fitted(
                name=member.name,
                seed=member.seed,
                site=member.site,
                dictionary=member.method.finish(state, contract=own),
                curve=Curve(**dict(zip(_FIGURES, columns.unbind(dim=1), strict=True))),
            )
        )
    return finished


_FIGURES = ("loss", "fvu", "l0", "num_dead", "gradient_norm")


def _save(finished: list[Fitted], folder: Path, *, several_sites: bool) -> None:
    for each in finished:
        above = folder / each.site if several_sites else folder
        save_dictionary(each.dictionary, above / each.name / f"seed-{each.seed}")
