"""dictionary_learning folders: ``ae.pt`` and ``config.json`` (read and written at 0.1).

Axes: f atoms, d width. Their ``decoder.weight`` is d x f.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.files import write_atomically
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.foreign.tensors import (
    OURS,
    expect,
    plain_bias,
    read_json,
    read_torch,
    setting,
    size_of,
    told_contract,
    uncentred_bias,
)
from tacit.dictionaries.selections import AboveThreshold, Relu, TopKPositive

FACTS, TENSORS = "config.json", "ae.pt"
LINEAR = ("encoder.weight", "encoder.bias", "decoder.weight")


def holds(folder: Path) -> bool:
    """Return whether a folder has their two files."""
    return (folder / FACTS).exists() and (folder / TENSORS).exists()


def read(folder: Path) -> Dictionary:
    """Return the dictionary in a folder of theirs, batch top-k by its threshold."""
    facts = setting(read_json(folder / FACTS), "trainer", folder / FACTS)
    kind = setting(facts, "dict_class", folder / FACTS)
    if kind not in _READERS:
        raise UserError(
            f"the dictionary {folder} is a {kind!r}; read are {', '.join(_READERS)}."
        )
    path = folder / TENSORS
    parts = _READERS[kind](read_torch(path), path)
    contract = told_contract(facts) or InputContract(subject=facts.get("lm_name") or None)
    told = {key: facts[key] for key in ("layer", "submodule_name") if key in facts}
    return Dictionary(
        **parts,
        scale=1.0,
        contract=contract,
        method=f"dictionary-learning {kind}",
        settings={"dict_class": kind},
        outcome=told,
        seed=0,
    )


def _linear(tensors: Mapping[str, Tensor], centre: str) -> dict[str, Any]:
    return {
        "atoms": tensors["decoder.weight"].T.contiguous(),
        "encoder": tensors["encoder.weight"],
        "encoder_bias": tensors["encoder.bias"],
        "centre": tensors[centre],
    }


def _shapes(found: Mapping[str, Tensor], path: Path) -> tuple[int, int, dict[str, Any]]:
    f, d = size_of(found, "encoder.weight", path)
    return f, d, {"encoder.weight": (f, d), "decoder.weight": (d, f)}


def _relu(found: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    f, d, shapes = _shapes(found, path)
    tensors = expect(found, {**shapes, "encoder.bias": (f,), "bias": (d,)}, path)
    return {**_linear(tensors, "bias"), "selection": Relu()}


def _top_k(found: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    f, d, shapes = _shapes(found, path)
    shapes |= {"encoder.bias": (f,), "b_dec": (d,), "k": (), "threshold": ()}
    tensors = expect(found, shapes, path)
    selection = TopKPositive(k=int(tensors["k"]))
    return {**_linear(tensors, "b_dec"), "selection": selection}


def _batch_top_k(found: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    f, d, shapes = _shapes(found, path)
    shapes |= {"encoder.bias": (f,), "b_dec": (d,), "k": (), "threshold": ()}
    tensors = expect(found, shapes, path)
    parts = _linear(tensors, "b_dec")
    thresholds = _one_threshold(tensors, f, path)
    return {**parts, "selection": AboveThreshold(), "thresholds": thresholds}


def _jump_relu(found: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    d, f = size_of(found, "W_enc", path)
    shapes: dict[str, tuple[int, ...]] = {"W_enc": (d, f), "W_dec": (f, d), "b_dec": (d,)}
    tensors = expect(found, {**shapes, "b_enc": (f,), "threshold": (f,)}, path)
    encoder = tensors["W_enc"].T.contiguous()
    return {
        "atoms": tensors["W_dec"],
        "encoder": encoder,
        "encoder_bias": uncentred_bias(encoder, tensors["b_enc"], tensors["b_dec"]),
        "centre": tensors["b_dec"],
        "selection": AboveThreshold(),
        "thresholds": tensors["threshold"],
    }


def _matryoshka(found: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    d, f = size_of(found, "W_enc", path)
    rest = {name: each for name, each in found.items() if name != "group_sizes"}
    shapes: dict[str, tuple[int, ...]] = {"W_enc": (d, f), "W_dec": (f, d), "b_dec": (d,)}
    tensors = expect(rest, {**shapes, "b_enc": (f,), "k": (), "threshold": ()}, path)
    return {
        "atoms": tensors["W_dec"],
        "encoder": tensors["W_enc"].T.contiguous(),
        "encoder_bias": tensors["b_enc"],
        "centre": tensors["b_dec"],
        "selection": AboveThreshold(),
        "thresholds": _one_threshold(tensors, f, path),
    }


def _one_threshold(tensors: Mapping[str, Tensor], num_atoms: int, path: Path) -> Tensor:
    """Return the threshold of a choice over a block, for every atom."""
    if tensors["threshold"] < 0:
        raise UserError(
            f"{path} has no threshold yet (it is {float(tensors['threshold']):g}), without which "
            "a batch top-k has no code of a single row; train it longer."
        )
    return tensors["threshold"].expand(num_atoms).clone()


def _gated(found: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    f, d, shapes = _shapes(found, path)
    shapes |= {"decoder_bias": (d,), "r_mag": (f,), "gate_bias": (f,), "mag_bias": (f,)}
    tensors = expect(found, shapes, path)
    gain = tensors["r_mag"].exp()
    return {
        "atoms": tensors["decoder.weight"].T.contiguous(),
        "encoder": tensors["encoder.weight"] * gain[:, None],
        "encoder_bias": tensors["mag_bias"],
        "centre": tensors["decoder_bias"],
        "selection": AboveThreshold(),
        "thresholds": tensors["mag_bias"] - gain * tensors["gate_bias"],
    }


_READERS: dict[str, Callable[[Mapping[str, Tensor], Path], dict[str, Any]]] = {
    "AutoEncoder": _relu,
    "AutoEncoderTopK": _top_k,
    "BatchTopKSAE": _batch_top_k,
    "GatedAutoEncoder": _gated,
    "JumpReluAutoEncoder": _jump_relu,
    "MatryoshkaBatchTopKSAE": _matryoshka,
}


def write(dictionary: Dictionary, folder: Path) -> None:
    """Write a dictionary as theirs; its scale goes into encoder and atoms."""
    encoder, atoms = (
        dictionary.encoder / dictionary.scale,
        dictionary.atoms * dictionary.scale,
    )
    bias, centre = dictionary.encoder_bias, dictionary.centre
    linear = {"encoder.weight": encoder, "encoder.bias": bias, "decoder.weight": atoms.T}
    facts: dict[str, Any] = {}
    if isinstance(dictionary.selection, Relu):
        facts["dict_class"], tensors = "AutoEncoder", {**linear, "bias": centre}
    elif isinstance(dictionary.selection, TopKPositive):
        facts |= {"dict_class": "AutoEncoderTopK", "k": dictionary.selection.k}
        own = {
            "k": torch.tensor(facts["k"], dtype=torch.int),
            "threshold": torch.tensor(-1.0),
        }
        tensors = {**linear, "b_dec": centre, **own}
    elif dictionary.thresholds is not None:
        facts["dict_class"] = "JumpReluAutoEncoder"
        tensors = {
            "W_enc": encoder.T,
            "b_enc": plain_bias(encoder, bias, centre),
            "W_dec": atoms,
            "b_dec": centre,
            # Values are rectified too, so one below zero does what zero does.
            "threshold": dictionary.thresholds.clamp_min(0),
        }
    else:
        raise UserError(
            f"a dictionary that selects by {type(dictionary.selection).__name__} keeps signed "
            "codes, which dictionary_learning has no form of; write a learned one."
        )
    told = dictionary.contract
    facts |= {"lm_name": told.subject, "submodule_name": told.site, OURS: asdict(told)}
    facts |= {"activation_dim": dictionary.width, "dict_size": dictionary.num_atoms}
    content = io.BytesIO()
    torch.save(
        {name: each.detach().cpu().contiguous() for name, each in tensors.items()}, content
    )
    write_atomically(folder / TENSORS, content.getvalue())
    write_atomically(folder / FACTS, json.dumps({"trainer": facts}, indent=1) + "\n")
