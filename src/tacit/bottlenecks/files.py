"""Bottlenecks and trunks on disk: ``weights.safetensors`` and, beside it, ``network.json``.

The JSON is written last and holds the SHA-256 of the weights, so what was cut short or swapped is
refused by name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, TypeVar

from safetensors.torch import load_file, save
from torch import nn

from tacit.base.errors import UserError
from tacit.base.files import sha256_of, write_atomically
from tacit.bottlenecks.backbones import BackboneTrunk, rebuilt_backbone
from tacit.bottlenecks.networks import Bottleneck, BottleneckSettings
from tacit.bottlenecks.trunks import ConceptTrunk, Trunk, TrunkSettings

FORMAT = "tacit-bottleneck"
VERSION = 1
WEIGHTS = "weights.safetensors"
FACTS = "network.json"
Kind = Literal["bottleneck", "trunk"]
M = TypeVar("M", bound=nn.Module)


def save_bottleneck(model: Bottleneck, folder: Path) -> None:
    """Write a bottleneck into a folder."""
    shape = model.settings.model_dump(mode="json")
    trunk = _trunk_facts(model.encoder.trunk)
    _save(model, folder, {"kind": "bottleneck", "bottleneck": shape, "trunk": trunk})


def load_bottleneck(folder: str | Path) -> Bottleneck:
    """Return the bottleneck of a folder, exactly as it was saved.

    Raises:
        UserError: naming the file that is missing, foreign, cut short or altered.
    """
    facts = _read_facts(Path(folder), "bottleneck")
    model = Bottleneck(_built(facts["trunk"]), BottleneckSettings(**facts["bottleneck"]))
    return _filled(model, Path(folder), facts)


def save_trunk(trunk: Trunk, folder: Path) -> None:
    """Write a trunk into a folder, for several bottlenecks to begin with."""
    _save(trunk, folder, {"kind": "trunk", "trunk": _trunk_facts(trunk)})


def load_trunk(folder: str | Path) -> Trunk:
    """Return the trunk of a folder, exactly as it was saved.

    Raises:
        UserError: naming the file that is missing, foreign, cut short or altered.
    """
    facts = _read_facts(Path(folder), "trunk")
    return _filled(_built(facts["trunk"]), Path(folder), facts)


def _trunk_facts(trunk: Trunk) -> dict[str, Any]:
    if isinstance(trunk, ConceptTrunk):
        return {"kind": "own", "settings": trunk.settings.model_dump(mode="json")}
    assert isinstance(trunk, BackboneTrunk), "a trunk is our own or a backbone's"
    return {"kind": "backbone", **trunk.facts()}


def _built(facts: dict[str, Any]) -> Trunk:
    if facts["kind"] == "own":
        return ConceptTrunk(TrunkSettings(**facts["settings"]))
    return rebuilt_backbone(facts)


def _save(module: nn.Module, folder: Path, facts: dict[str, Any]) -> None:
    tensors = {name: value.detach().cpu() for name, value in module.state_dict().items()}
    tensors = {name: value.clone().contiguous() for name, value in tensors.items()}
    write_atomically(folder / WEIGHTS, save(tensors))
    told = {"format": FORMAT, "version": VERSION, "sha256": sha256_of(folder / WEIGHTS)}
    write_atomically(folder / FACTS, json.dumps({**told, **facts}, indent=1) + "\n")


def _read_facts(folder: Path, kind: Kind) -> dict[str, Any]:
    path, expected = folder / FACTS, f"expected what Tacit saves of a {kind} ({FORMAT})"
    try:
        facts: Any = json.loads(path.read_text())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {expected}.") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}); {expected}.") from error
    told = facts if isinstance(facts, dict) else {}
    if (told.get("format"), told.get("version")) != (FORMAT, VERSION):
        raise UserError(f"{path} is of another format or version; {expected} {VERSION}.")
    if told["kind"] != kind:
        raise UserError(f"{folder} holds a {told['kind']}; {expected}.")
    return told


def _filled(module: M, folder: Path, facts: dict[str, Any]) -> M:
    path = folder / WEIGHTS
    if not path.is_file():
        raise UserError(f"{path} is missing; {FACTS} beside it needs it. Save again.")
    found = sha256_of(path)
    if found != facts["sha256"]:
        raise UserError(
            f"{path} is not the file that {FACTS} describes: SHA-256 {found[:12]}... was found and "
            f"{facts['sha256'][:12]}... expected. Copy the folder again, or train again."
        )
    module.load_state_dict(load_file(path))
    return module.eval()
