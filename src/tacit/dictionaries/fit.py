"""The only training loop: many methods and seeds over one reading of a stream.

Killed at any moment and called again with the same arguments, it ends in the same bytes (on a
CPU, with the same number of threads).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.progress import Progress, Task, silent
from tacit.dictionaries.ahead import Ahead
from tacit.dictionaries.blocks import Blocks
from tacit.dictionaries.checkpoints import Checkpoint
from tacit.dictionaries.course import FIGURES, Course, checked
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.early_stop import EarlyStop
from tacit.dictionaries.files import save_dictionary
from tacit.dictionaries.members import Member, check_ranks, configuration_of, members_of
from tacit.dictionaries.methods import Method, State, require
from tacit.dictionaries.ranks import ALONE, Ranks
from tacit.dictionaries.rounds import planned
from tacit.dictionaries.site_pairs import Joined, placed

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
    waiting_share: float
    """Share of its round's time in which the next block was waited for; of this call alone."""


def fit(
    methods: Mapping[str, Method] | Sequence[Method],
    blocks: Blocks,
    seeds: Sequence[int],
    *,
    steps: int,
    folder: Path | None = None,
    checkpoint_seconds: float = 20.0,
    contract: InputContract | None = None,
    early_stop: EarlyStop | None = None,
    memory: int | None = None,
    ranks: Ranks = ALONE,
    progress: Progress = silent,
    clock: Callable[[], float] = time.monotonic,
) -> list[Fitted]:
    """Return a dictionary for every site, method and seed, each block read once for all.

    Members take their step on a block together (see ``step_all``), while it is in cache. Those
    that do not fit into ``memory`` bytes (None: what is free) are fitted in further rounds, each
    with a reading of its own; the dictionaries are the same. ``early_stop`` ends a member that
    stands still. With ``folder`` the whole state is written there at least ``checkpoint_seconds``
    apart (and further, where writing is slow) and a later call goes on from it; finished
    dictionaries go to ``folder/NAME/seed-N`` (below ``SITE`` where there are several sites).

    Several processes (``ranks``) that make the same call give the dictionaries that one would give,
    to rounding; ``folder`` must be one that all can read, and the first of them writes it.

    Raises ``UserError`` on a block with NaN or infinity, on a member that diverges (the last
    checkpoint is kept) or does not fit into the memory alone, and on a folder that holds a fit of
    another configuration.
    """
    members = members_of(methods, blocks, seeds)
    require("steps", steps, "1 or more", holds=steps >= 1)
    first = checked(blocks.block(0), 0)
    check_ranks(members, ranks)
    rounds = planned(members, first, ranks, memory, folder)
    finished: list[Fitted] = []
    for number, some in enumerate(rounds):
        with (
            Ahead(blocks) as ahead,
            progress(_title(number, rounds), steps, "steps") as told,
        ):
            course = Course(
                members=some,
                ahead=ahead,
                first=first,
                configuration=configuration_of(some, first, steps, early_stop),
                path=_path_of(folder, number, len(rounds)),
                early_stop=early_stop,
                ranks=ranks,
            )
            ranks.agree(course.configuration)
            end = course.whole(_run(course, steps, told, checkpoint_seconds, clock))
            finished += _finish(some, end, contract, ahead.waiting_share)
    if isinstance(blocks, Joined):
        finished = [
            replace(each, dictionary=blocks.unfolded(each.dictionary)) for each in finished
        ]
    if folder is not None and ranks.number == 0:
        _save(finished, folder, several_sites=len(first) > 1)
    return finished


def _path_of(folder: Path | None, number: int, count: int) -> Path | None:
    """Return the file that a round keeps its state in."""
    if folder is None:
        return None
    name = Path(CHECKPOINT)
    return folder / (
        name if count == 1 else f"{name.stem}-{number + 1}-of-{count}{name.suffix}"
    )


def _title(number: int, rounds: Sequence[Sequence[Member]]) -> str:
    if len(rounds) == 1:
        return "fit"
    held = f"{len(rounds[number])} of {sum(map(len, rounds))} dictionaries at a time"
    return f"fit, round {number + 1} of {len(rounds)} (memory holds {held})"


def _run(
    course: Course,
    steps: int,
    advance: Task,
    checkpoint_seconds: float,
    clock: Callable[[], float],
) -> Checkpoint:
    """Return where a round's members ended, its checkpoints written on the way."""
    start = end = course.start(steps)
    advance(start.step, earlier=True)
    written, pause = clock(), checkpoint_seconds
    for end in course.steps_from(start):
        advance(1)
        began = clock()
        is_due = began - written >= pause or end.is_last
        if course.path is not None and course.ranks.heard(is_due):
            course.keep(end)
            written = clock()
            pause = max(checkpoint_seconds, WRITING_SHARE * (written - began))
    return end


def _finish(
    members: Sequence[Member],
    end: Checkpoint,
    contract: InputContract | None,
    waiting_share: float,
) -> list[Fitted]:
    finished = []
    for number, (member, state) in enumerate(zip(members, end.states, strict=True)):
        own = placed(contract or InputContract(), member.site)
        columns = end.curves[number]
        columns = columns[~torch.isnan(columns[:, 0])]
        curve = Curve(**dict(zip(FIGURES, columns.unbind(dim=1), strict=True)))
        made = member.method.finish(state, contract=own)
        told = {**made.outcome, **_died(curve), **_stopped(state, end)}
        finished.append(
            Fitted(
                name=member.name,
                seed=member.seed,
                site=member.site,
                dictionary=replace(made, outcome=told),
                curve=curve,
                waiting_share=waiting_share,
            )
        )
    return finished


def _died(curve: Curve) -> dict[str, int]:
    """Return the step from which no atom was active any more; nothing where some are."""
    active = curve.l0.nonzero()
    since = int(active[-1]) + 1 if len(active) else 0
    return {"silent_since_step": since} if since < len(curve.l0) else {}


def _stopped(state: State, end: Checkpoint) -> dict[str, int]:
    """Return the step at which a member ended early; nothing where it took them all."""
    asked = end.curves.shape[1]
    return {"stopped_after_step": state.num_steps} if state.num_steps < asked else {}


def _save(finished: list[Fitted], folder: Path, *, several_sites: bool) -> None:
    for each in finished:
        above = folder / each.site if several_sites else folder
        save_dictionary(each.dictionary, above / each.name / f"seed-{each.seed}")
