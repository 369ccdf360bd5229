"""A fit on disk: every member's state in one file that is whole or not there.

One file, because members that stopped at different blocks could not go on together.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.files import written_aside
from tacit.dictionaries.methods import State

FORMAT = "tacit-fit"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Where a fit stands."""

    states: tuple[State, ...]
    """One for each member, all after the same number of blocks."""
    curves: Tensor
    """What every step so far measured: members x steps x figures, NaN where nothing was."""
    step: int
    """Blocks that every member has taken, those that stopped early excepted."""

    @property
    def is_last(self) -> bool:
        """Whether every member has taken all its steps."""
        return all(state.step >= state.num_steps for state in self.states)


def digest_of(block: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of a block's bytes: the stream's fingerprint."""
    digest = hashlib.sha256()
    for site in sorted(block):
        rows = block[site].detach().cpu().contiguous()
        digest.update(f"{site} {rows.dtype} {tuple(rows.shape)}".encode())
        digest.update(rows.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save_checkpoint(
    path: Path, checkpoint: Checkpoint, configuration: Mapping[str, Any]
) -> None:
    """Write the file, whole or not at all."""
    tensors = {
        f"{number}/{name}": tensor.contiguous()
        for number, state in enumerate(checkpoint.states)
        for name, tensor in state.tensors.items()
    }
    tensors["curves"] = checkpoint.curves[:, : checkpoint.step].contiguous()
    facts = {
        "step": checkpoint.step,
        "num_steps": [state.num_steps for state in checkpoint.states],
        "configuration": configuration,
    }
    with written_aside(path) as aside:
        # A single entry: the format writes several in an order that changes.
        save_file(tensors, aside, metadata={FORMAT: json.dumps(facts, sort_keys=True)})


def load_checkpoint(
    path: Path, configuration: Mapping[str, Any], seeds: Sequence[int], num_steps: int
) -> Checkpoint:
    """Return what ``save_checkpoint`` wrote for this configuration, exactly.

    Raises ``UserError`` when the file is damaged, foreign, or of another configuration.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as opened:
            metadata = opened.metadata() or {}
            if FORMAT not in metadata:
                raise UserError(
                    f"{path} is not a checkpoint of a fit (it has no {FORMAT!r} among its "
                    f"metadata, {sorted(metadata)}); choose another folder."
                )
            facts = json.loads(metadata[FORMAT])
            check_same(path, facts["configuration"], configuration)
            # Cloned into the allocator's own alignment, on which the order of a product's sums
            # depends: without it the same numbers would go on to other last digits.
            tensors = {name: opened.get_tensor(name).clone() for name in opened.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path} cannot be read as a checkpoint ({error}); it was cut short or altered. "
            "Delete it to fit from the start."
        ) from error
    step = facts["step"]
    curves = torch.full((len(seeds), num_steps, tensors["curves"].shape[2]), torch.nan)
    curves = curves.to(tensors["curves"].dtype)
    curves[:, :step] = tensors.pop("curves")
    parts: list[dict[str, Tensor]] = [{} for _ in seeds]
    for name, tensor in tensors.items():
        number, _, own = name.partition("/")
        parts[int(number)][own] = tensor
    states = tuple(
        State(tensors=part, step=min(step, own), num_steps=own, seed=seed)
        for part, own, seed in zip(parts, facts["num_steps"], seeds, strict=True)
    )
    return Checkpoint(states=states, curves=curves, step=step)


def check_same(path: Path, found: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise ``UserError`` naming what differs between the fit on disk and the one asked for."""
    asked = json.loads(json.dumps(asked))
    differing = sorted(key for key in {*found, *asked} if found.get(key) != asked.get(key))
    if differing:
        listed = "; ".join(
            f"{key}: there {found.get(key)!r}, asked {asked.get(key)!r}"
            for key in differing
        )
        raise UserError(
            f"{path} holds a fit of another configuration ({listed}). Use the same settings to "
            "go on, or another folder."
        )
