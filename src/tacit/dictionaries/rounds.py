"""How many members of a fit are held at a time: as many as there is memory for.

Every member is fitted by itself on the same blocks, so that the dictionaries do not depend on how
they were shared out; only the stream is read once more for every round.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.files import write_atomically
from tacit.dictionaries.kernels import BLOCK_ENTRIES
from tacit.dictionaries.members import Member
from tacit.dictionaries.ranks import Ranks

PLAN = "rounds.json"
# The rest is for the text, the store's pages and what is not foreseen.
SHARE_OF_FREE = 0.8
GIB = 2**30


def bytes_of(member: Member, block: Mapping[str, Tensor], ranks: Ranks) -> int:
    """Return the bytes that a member holds in one process while it is fitted."""
    rows = block[member.site]
    held = member.method.num_held(rows.shape[1]) * max(4, rows.element_size())
    return held // ranks.count if ranks.by_atoms else held


def free_bytes(device: torch.device) -> int:
    """Return the memory that a fit may take on a device."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min(_free_of_machine(), _free_of_container())


def _free_of_machine() -> int:
    told = Path("/proc/meminfo")
    if told.exists():
        for line in told.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _free_of_container(place: Path = Path("/sys/fs/cgroup")) -> int:
    """Return what the process's group may still take; endless where nothing limits it."""
    try:
        most = (place / "memory.max").read_text(encoding="ascii").strip()
        taken = (place / "memory.current").read_text(encoding="ascii")
    except OSError:
        return 2**63
    return 2**63 if most == "max" else max(0, int(most) - int(taken))


def planned(
    members: Sequence[Member],
    block: Mapping[str, Tensor],
    ranks: Ranks,
    memory: int | None,
    folder: Path | None,
) -> list[list[Member]]:
    """Return the members of each round, in their order; those of the folder's plan, if it has one.

    ``memory``: bytes that all members of a round may hold; None takes what is free. Raises
    ``UserError`` for a member that does not fit by itself.
    """
    path = None if folder is None else folder / PLAN
    if path is not None and ranks.heard(path.exists()):
        counts = json.loads(path.read_text(encoding="utf-8"))
        if sum(counts) == len(members):
            return _cut(members, counts)
    device = next(iter(block.values())).device
    free = memory if memory is not None else _left(block, device)
    counts = _counted(members, [bytes_of(each, block, ranks) for each in members],
                      int(ranks.least(float(free))))  # fmt: skip
    if path is not None and len(counts) > 1 and ranks.number == 0:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(counts))
    return _cut(members, counts)


def _left(block: Mapping[str, Tensor], device: torch.device) -> int:
    """Return what members may hold: the free memory less what a step works in."""
    rows = sum(each.numel() * each.element_size() for each in block.values())
    work = 4 * BLOCK_ENTRIES * torch.get_num_threads() * 2 + 4 * rows
    return max(0, int(SHARE_OF_FREE * free_bytes(device)) - work)


def _counted(members: Sequence[Member], sizes: Sequence[int], free: int) -> list[int]:
    counts, held = [0], 0
    for member, size in zip(members, sizes, strict=True):
        if size > free:
            raise UserError(
                f"{member} takes {size / GIB:.2f} GiB while it is fitted (parameters, two moments "
                f"and a gradient), and {free / GIB:.2f} GiB are free. Take fewer atoms, or share "
                "its atoms out among processes (torchrun, --split atoms)."
            )
        if held + size > free:
            counts.append(0)
            held = 0
        counts[-1] += 1
        held += size
    return counts


def _cut(members: Sequence[Member], counts: Sequence[int]) -> list[list[Member]]:
    ends = [sum(counts[: place + 1]) for place in range(len(counts))]
    return [
        list(members[end - count : end]) for end, count in zip(ends, counts, strict=True)
    ]
