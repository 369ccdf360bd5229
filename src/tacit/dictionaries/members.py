"""What one fit fits: methods, seeds and sites, and the step of each on a block."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.blocks import Blocks
from tacit.dictionaries.checkpoints import digest_of
from tacit.dictionaries.descent import is_worth_sharing
from tacit.dictionaries.early_stop import EarlyStop
from tacit.dictionaries.learned_method import LearnedMethod
from tacit.dictionaries.methods import Method, State, StepReport
from tacit.dictionaries.parallel import sharing
from tacit.dictionaries.ranks import ALONE, Ranks


@dataclass(frozen=True, kw_only=True)
class Member:
    """One dictionary of a fit."""

    name: str
    method: Method
    seed: int
    site: str

    def __str__(self) -> str:
        return f"{self.name}, seed {self.seed}, site {self.site}"


def members_of(
    methods: Mapping[str, Method] | Sequence[Method], blocks: Blocks, seeds: Sequence[int]
) -> list[Member]:
    """Return a member for every site, method and seed, or say what is wrong with the call."""
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
        Member(name=name, method=method, seed=seed, site=site)
        for site, (name, method), seed in itertools.product(blocks.sites, named, seeds)
    ]


def configuration_of(
    members: Sequence[Member],
    first: Mapping[str, Tensor],
    steps: int,
    early_stop: EarlyStop | None,
) -> dict[str, Any]:
    """Return what must be the same for a fit to go on."""
    settings = {m.name: {"kind": m.method.kind, **asdict(m.method)} for m in members}
    return {
        "methods": settings,
        "members": [str(member) for member in members],
        "steps": steps,
        "early_stop": None if early_stop is None else asdict(early_stop),
        "first_block": digest_of(first),
    }


def step_all(
    members: Sequence[Member],
    states: Sequence[State],
    block: Mapping[str, Tensor],
    ranks: Ranks = ALONE,
) -> list[tuple[State, StepReport | None]]:
    """Return each member's step on a block, in their order.

    Steps too small to be shared out in slices are taken whole, each by one thread, as many at a
    time as PyTorch has threads: no member waits for another's operations. Where there are no
    more of them than threads, each has all threads for its operations instead.
    """

    def one(number: int) -> tuple[State, StepReport | None]:
        member = members[number]
        return take_step(member.method, states[number], block[member.site], ranks)

    small = [
        number
        for number, (member, state) in enumerate(zip(members, states, strict=True))
        if ranks.count == 1
        and isinstance(member.method, LearnedMethod)
        and not block[member.site].is_cuda
        and not is_worth_sharing(state.tensors, block[member.site])
    ]
    found: dict[int, tuple[State, StepReport | None]] = {}
    with sharing(worth_it=len(small) > torch.get_num_threads()) as over:
        taken = over(len(small), 1, lambda part: [one(n) for n in small[part]])
    found.update(zip(small, itertools.chain.from_iterable(taken), strict=True))
    found.update((n, one(n)) for n in range(len(members)) if n not in found)
    return [found[number] for number in range(len(members))]


def take_step(
    method: Method, state: State, rows: Tensor, ranks: Ranks
) -> tuple[State, StepReport | None]:
    """Return the state after a member's step on a block, of which this process may have a part."""
    if not isinstance(method, LearnedMethod):
        return method.step(state, rows)  # a closed form; every process sees all rows
    own = rows[ranks.share(len(rows), "rows of a block")] if ranks.by_rows else rows
    return method.step(state, own, ranks)


def check_ranks(members: Sequence[Member], ranks: Ranks) -> None:
    """Refuse methods whose atoms cannot be shared out, where that is asked for."""
    if not ranks.by_atoms:
        return
    for member in members:
        method = member.method
        if not isinstance(method, LearnedMethod) or not method.splits_atoms:
            raise UserError(
                f"the atoms of {method.kind} cannot be shared out among processes, only those of "
                "top-k and batch-top-k; share out rows (--split rows)."
            )
