"""Tensors of other tools' files, checked before they are used.

Axes: f atoms, d width.
"""

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import InputContract

OURS = "tacit_contract"
"""Key of our whole input contract in another tool's JSON, which it does not read."""


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file."""
    try:
        return load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise UserError(f"{path} cannot be read as safetensors ({error}).") from error


def read_torch(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a ``.pt`` file; a pickle that holds anything else is refused."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise UserError(
            f"{path} is not read: it holds more than plain tensors, or is damaged, and a pickle "
            f"can run any code ({' '.join(str(error).split())[:200]}). Ask for safetensors."
        ) from error
    if not isinstance(found, Mapping) or not all(
        isinstance(each, Tensor) for each in found.values()
    ):
        raise UserError(
            f"{path} does not hold tensors by name; expected a state dictionary."
        )
    return dict(found)


def read_npz(path: Path) -> dict[str, Tensor]:
    """Return the arrays of an ``.npz`` file as tensors; pickled objects are refused."""
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: torch.from_numpy(found[name]) for name in found.files}
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{path} is not read: it holds more than plain arrays, or is damaged ({error})."
        ) from error


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as JSON ({error}).") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} holds no JSON object.")
    return found


def setting(facts: Mapping[str, Any], name: str, path: Path) -> Any:
    """Return a setting that a format requires."""
    if name not in facts:
        raise UserError(
            f"{path} lacks the setting {name!r}; its keys are {', '.join(facts)}."
        )
    return facts[name]


def expect(
    tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], path: Path
) -> dict[str, Tensor]:
    """Return the tensors in fp32, or say which are missing, extra or of another shape."""
    missing, extra = sorted(shapes.keys() - tensors), sorted(tensors.keys() - shapes)
    wrong = [
        f"{name} is {tuple(tensors[name].shape)} instead of {shape}"
        for name, shape in shapes.items()
        if name in tensors and tuple(tensors[name].shape) != shape
    ]
    told = [
        *([f"missing: {', '.join(missing)}"] if missing else []),
        *([f"not expected: {', '.join(extra)}"] if extra else []),
        *wrong,
    ]
    if told:
        raise UserError(
            f"{path} does not hold the tensors of its format: {'; '.join(told)}."
        )
    # Cloned, as rows of a matrix that was stored the other way round lie apart in memory.
    return {name: tensors[name].float().contiguous() for name in shapes}


def told_contract(facts: Mapping[str, Any]) -> InputContract | None:
    """Return the input contract that we wrote among another tool's facts; None in its own files."""
    return InputContract(**facts[OURS]) if OURS in facts else None


def size_of(tensors: Mapping[str, Tensor], name: str, path: Path) -> tuple[int, int]:
    """Return the two dimensions of a matrix."""
    if name not in tensors or tensors[name].dim() != 2:
        raise UserError(f"{path} holds no matrix {name!r}; it holds {', '.join(tensors)}.")
    rows, columns = tensors[name].shape
    return rows, columns


def uncentred_bias(
    encoder: Float[Tensor, "f d"], bias: Float[Tensor, " f"], centre: Float[Tensor, " d"]
) -> Float[Tensor, " f"]:
    """Return the bias with which rows less the centre project as the rows themselves did."""
    return (bias.double() + encoder.double() @ centre.double()).float()


def plain_bias(
    encoder: Float[Tensor, "f d"], bias: Float[Tensor, " f"], centre: Float[Tensor, " d"]
) -> Float[Tensor, " f"]:
    """Return the bias with which rows project as rows less the centre did."""
    return uncentred_bias(encoder, bias, -centre)
