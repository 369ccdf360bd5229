"""What a training keeps on the way, so that a killed one goes on to the same weights.

Axes: n rows, t positions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped
from safetensors.torch import load_file, save_file
from torch import Tensor, nn, optim

from tacit.base.errors import UserError
from tacit.base.files import write_atomically, written_aside
from tacit.base.folders import differences


def digest_of_rows(rows: Shaped[np.ndarray, "n t"]) -> str:
    """Return 16 digits of the hash of an array's numbers, whatever their type."""
    return hashlib.sha256(np.ascontiguousarray(rows, dtype=np.int64).tobytes()).hexdigest()[
        :16
    ]


def keep(
    model: nn.Module,
    optimiser: optim.Optimizer,
    curve: list[Any],
    folder: Path,
    decided: Mapping[str, Any],
) -> None:
    """Write weights, moments and the curve; the curve's file last, as it names the others.

    Weights that do not learn are not written. ``curve``: what was recorded of each step, as JSON.
    """
    step = len(curve)
    tensors = {
        f"model.{name}": value.contiguous() for name, value in _trained(model).items()
    }
    for number, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"moment.{number}.{name}": value for name, value in moments.items()}
    with written_aside(folder / f"state-{step}.safetensors") as aside:
        save_file(tensors, aside)
    kept = {"decided": dict(decided), "step": step, "losses": curve}
    write_atomically(folder / "curve.json", json.dumps(kept))
    for old in folder.glob("state-*.safetensors"):
        if old.name != f"state-{step}.safetensors":
            old.unlink()


def restore(
    model: nn.Module,
    optimiser: optim.Optimizer,
    folder: Path | None,
    decided: Mapping[str, Any],
) -> list[Any]:
    """Put back what was kept in the folder, if anything; return the curve so far."""
    if folder is None or not (folder / "curve.json").exists():
        return []
    kept = json.loads((folder / "curve.json").read_text())
    wrong = differences(decided, kept.get("decided"))
    if wrong:
        raise UserError(
            f"{folder} holds another training ({'; '.join(wrong)}); give another folder."
        )
    tensors = load_file(folder / f"state-{kept['step']}.safetensors")
    for name, weight in _trained(model).items():
        weight.copy_(tensors[f"model.{name}"])
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("moment."):
            _, number, moment = name.split(".")
            state.setdefault(int(number), {})[moment] = value
    optimiser.load_state_dict(
        {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
    )
    return list(kept["losses"])


def _trained(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights that learn, a tied one once."""
    return {
        name: weight.detach()
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }
