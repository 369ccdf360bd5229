"""Processes that fit one dictionary together, and what they tell each other.

Split by rows, each takes its share of every block and holds all atoms; split by atoms, each takes
every row and holds its share of the atoms. Axes: m entries of one process, f atoms.
"""

import contextlib
import json
import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import torch
import torch.distributed as processes
from jaxtyping import Shaped
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.methods import State

Split = Literal["rows", "atoms"]
WHOLE = ("offset", "centre", "read_centre", "skip")
"""Tensors with a number for each dimension, not for each atom; every process holds them."""


@final
@dataclass(frozen=True, kw_only=True)
class Ranks:
    """One process's place among those that fit together; alone unless told otherwise."""

    number: int = 0
    count: int = 1
    split: Split = "rows"

    @property
    def by_rows(self) -> bool:
        """Whether rows are shared out."""
        return self.count > 1 and self.split == "rows"

    @property
    def by_atoms(self) -> bool:
        """Whether atoms are shared out."""
        return self.count > 1 and self.split == "atoms"

    def share(self, total: int, what: str) -> slice:
        """Return this process's part of so many rows or atoms, all parts being equal."""
        if total % self.count:
            raise UserError(
                f"{total:,} {what} cannot be shared out equally among {self.count} processes; "
                f"take a multiple of {self.count}."
            )
        size = total // self.count
        return slice(self.number * size, (self.number + 1) * size)

    def heard(self, own: bool) -> bool:
        """Return what process 0 has, everywhere."""
        return bool(self.summed(torch.tensor(int(own and self.number == 0))))

    def summed(self, own: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        """Return the sum over processes; the same everywhere."""
        if self.count == 1:
            return own
        total = own.clone()
        _told(processes.all_reduce, total)
        return total

    def listed(self, own: Shaped[Tensor, "m *shape"]) -> list[Shaped[Tensor, "_ *shape"]]:
        """Return every process's tensor, in order; they may differ in their first axis."""
        if self.count == 1:
            return [own]
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.count)]
        _told(processes.all_gather, sizes, torch.tensor([len(own)]))
        most = max(int(size) for size in sizes)
        wide = own.new_zeros((most, *own.shape[1:]))
        wide[: len(own)] = own
        found = [torch.empty_like(wide) for _ in range(self.count)]
        _told(processes.all_gather, found, wide)
        return [each[: int(size)] for each, size in zip(found, sizes, strict=True)]

    def least(self, own: float) -> float:
        """Return the smallest of all processes' numbers."""
        return min(float(each) for each in self.listed(torch.tensor([own])))

    def agree(self, facts: Mapping[str, Any]) -> None:
        """Stop everywhere if the processes were told to do different things."""
        told = json.dumps(facts, sort_keys=True, default=str).encode()
        everyone = self.listed(torch.frombuffer(bytearray(told), dtype=torch.uint8))
        texts = [bytes(each.tolist()) for each in everyone]
        differing = [number for number, text in enumerate(texts) if text != texts[0]]
        if differing:
            theirs = json.loads(texts[differing[0]])
            wrong = [
                key for key in facts if theirs.get(key) != json.loads(texts[0]).get(key)
            ]
            raise UserError(
                f"process {differing[0]} of {self.count} was given another {', '.join(wrong)} than "
                "process 0; start all with the same command on the same text."
            )


ALONE = Ranks()


def ranks_here(split: Split = "rows") -> Ranks:
    """Return this process's place in PyTorch's default group; alone where there is none."""
    if not processes.is_available() or not processes.is_initialized():
        return ALONE
    return Ranks(number=processes.get_rank(), count=processes.get_world_size(), split=split)


@contextlib.contextmanager
def meeting(split: Split = "rows") -> Generator[Ranks, None, None]:
    """Yield this process's place among those that ``torchrun`` started; alone if it did not."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    # Each device's tensors by the library made for it.
    processes.init_process_group(
        "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    )
    try:
        yield ranks_here(split)
    finally:
        processes.destroy_process_group()


def _told(collective: Any, *tensors: Any) -> None:
    try:
        collective(*tensors)
    except RuntimeError as error:
        raise UserError(
            "another process of this fit stopped or could not be reached "
            f"({' '.join(str(error).split())[:160]}). Look at what it said; start all again with "
            "the same command, and the fit goes on from its last checkpoint."
        ) from error


def own_part(state: State, ranks: Ranks) -> State:
    """Return the state with this process's atoms alone, where atoms are split."""
    if not ranks.by_atoms:
        return state
    part = ranks.share(len(state.tensors["atoms"]), "atoms")
    return _with(
        state, {n: t[part].clone() for n, t in state.tensors.items() if _is_split(n, t)}
    )


def whole(state: State, ranks: Ranks) -> State:
    """Return the state with the atoms of all processes."""
    if not ranks.by_atoms:
        return state
    return _with(
        state,
        {
            n: torch.cat(ranks.listed(t))
            for n, t in state.tensors.items()
            if _is_split(n, t)
        },
    )


def _is_split(name: str, tensor: Tensor) -> bool:
    return tensor.dim() > 0 and name.split("/")[0] not in WHOLE


def _with(state: State, tensors: Mapping[str, Tensor]) -> State:
    return State(
        tensors={**state.tensors, **tensors},
        step=state.step,
        num_steps=state.num_steps,
        seed=state.seed,
    )
