"""SAELens folders: ``cfg.json`` and ``sae_weights.safetensors`` (read and written at 6.54).

Axes: f atoms, d width. Their ``W_enc`` is d x f, ``W_dec`` is f x d.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.files import write_atomically
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.foreign.tensors import (
    OURS,
    expect,
    read_json,
    read_safetensors,
    setting,
    told_contract,
    uncentred_bias,
)
from tacit.dictionaries.selections import AboveThreshold, Relu, Selection, TopKPositive

FACTS, TENSORS = "cfg.json", "sae_weights.safetensors"
LINEAR = ("none", None)
"""Values of normalize_activations that leave rows as they are."""
# Their names of a block's sites, with ours; a residual stream before a block is that after the
# one before.
SITES = {
    "hook_resid_post": "resid.{n}",
    "hook_mlp_out": "mlp_out.{n}",
    "hook_attn_out": "attn_out.{n}",
    "mlp.hook_post": "mlp.{n}",
}
GATED = ("b_gate", "r_mag", "b_mag")


def holds(folder: Path) -> bool:
    """Return whether a folder has their two files."""
    return (folder / FACTS).exists() and (folder / TENSORS).exists()


def read(folder: Path) -> Dictionary:
    """Return the dictionary in a folder of theirs."""
    facts = read_json(folder / FACTS)
    kind = _architecture(facts, folder)
    f, d = int(setting(facts, "d_sae", folder)), int(setting(facts, "d_in", folder))
    shapes: dict[str, tuple[int, ...]] = {"W_enc": (d, f), "W_dec": (f, d), "b_dec": (d,)}
    shapes |= dict.fromkeys(GATED if kind == "gated" else ("b_enc",), (f,))
    shapes |= {"threshold": (f,)} if kind == "jumprelu" else {}
    tensors = expect(read_safetensors(folder / TENSORS), shapes, folder / TENSORS)
    encoder, bias, thresholds = _encoding(tensors, kind)
    atoms = tensors["W_dec"]
    if kind == "topk" and facts.get("rescale_acts_by_decoder_norm", False):
        lengths = atoms.norm(dim=1)
        encoder, bias, atoms = (
            encoder * lengths[:, None],
            bias * lengths,
            atoms / lengths[:, None],
        )
    centre = tensors["b_dec"]
    if not facts.get("apply_b_dec_to_input", True):
        bias = uncentred_bias(encoder, bias, centre)
    return Dictionary(
        atoms=atoms,
        encoder=encoder,
        encoder_bias=bias,
        centre=centre,
        scale=1.0,
        selection=_selection(facts, kind, folder),
        thresholds=thresholds,
        contract=_contract(facts),
        method=f"sae-lens {kind}",
        settings={key: facts[key] for key in ("d_in", "d_sae", "k") if key in facts},
        outcome={"hook_name": _metadata(facts).get("hook_name")},
        seed=0,
    )


def _architecture(facts: Mapping[str, Any], folder: Path) -> str:
    """Return the architecture, or say why it cannot be read."""
    kind = setting(facts, "architecture", folder / FACTS)
    if kind not in ("standard", "topk", "batchtopk", "jumprelu", "gated", "matryoshka"):
        raise _refused(folder, f"its architecture is {kind!r}")
    if facts.get("normalize_activations", "none") not in LINEAR:
        raise _refused(
            folder,
            f"it normalises rows by {facts['normalize_activations']!r}, whose factor it does "
            "not keep; fold it in with SAELens and save again",
        )
    return kind


def _encoding(
    tensors: Mapping[str, Tensor], kind: str
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return encoder, bias and thresholds."""
    encoder = tensors["W_enc"].T.contiguous()
    if kind != "gated":
        return encoder, tensors["b_enc"], tensors.get("threshold")
    gain = tensors["r_mag"].exp()
    thresholds = tensors["b_mag"] - gain * tensors["b_gate"]
    return encoder * gain[:, None], tensors["b_mag"], thresholds


def _selection(facts: Mapping[str, Any], kind: str, folder: Path) -> Selection:
    if kind in ("jumprelu", "gated"):
        return AboveThreshold()
    if kind == "topk":
        return TopKPositive(k=int(setting(facts, "k", folder / FACTS)))
    if kind == "standard":
        return Relu()
    raise _refused(
        folder, f"it is a {kind} still in training; save it for inference, as a jumprelu"
    )


def _metadata(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what they say of the model; older files have it beside the rest."""
    return {**facts, **(facts.get("metadata") or {})}


def _contract(facts: Mapping[str, Any]) -> InputContract:
    told = _metadata(facts)
    return told_contract(told) or InputContract(
        subject=told.get("model_name"),
        site=site_of(str(told.get("hook_name", ""))),
        prepend_bos=told.get("prepend_bos"),
        context_tokens=told.get("context_size"),
    )


def site_of(hook: str) -> str | None:
    """Return our name of one of their hooks, e.g. ``blocks.3.hook_resid_post``; None if unknown."""
    found = re.fullmatch(r"blocks\.(\d+)\.(.+)", hook)
    if found is None:
        return None
    number, kind = int(found[1]), found[2]
    if kind == "hook_resid_pre":
        return "embed" if number == 0 else f"resid.{number - 1}"
    return SITES[kind].format(n=number) if kind in SITES else None


def _hook_of(site: str | None) -> str | None:
    for theirs, ours in SITES.items():
        found = re.fullmatch(ours.format(n=r"(\d+)"), site or "")
        if found:
            return f"blocks.{found[1]}.{theirs}"
    return "blocks.0.hook_resid_pre" if site == "embed" else None


def write(dictionary: Dictionary, folder: Path) -> None:
    """Write a dictionary as theirs; its scale goes into encoder and atoms."""
    kinds = {Relu: "standard", TopKPositive: "topk", AboveThreshold: "jumprelu"}
    kind = kinds.get(type(dictionary.selection))
    if kind is None:
        raise UserError(
            f"a dictionary that selects by {type(dictionary.selection).__name__} keeps signed "
            "codes, which SAELens has no form of; write a learned one."
        )
    tensors = {
        "W_enc": (dictionary.encoder / dictionary.scale).T.contiguous(),
        "b_enc": dictionary.encoder_bias.clone(),
        "W_dec": dictionary.atoms * dictionary.scale,
        "b_dec": dictionary.centre.clone(),
    }
    facts: dict[str, Any] = {
        "architecture": kind,
        "d_in": dictionary.width,
        "d_sae": dictionary.num_atoms,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {
            "model_name": dictionary.contract.subject,
            "hook_name": _hook_of(dictionary.contract.site),
            OURS: asdict(dictionary.contract),
            "prepend_bos": dictionary.contract.prepend_bos,
            "context_size": dictionary.contract.context_tokens,
        },
    }
    if isinstance(dictionary.selection, TopKPositive):
        facts |= {"k": dictionary.selection.k, "rescale_acts_by_decoder_norm": False}
    if dictionary.thresholds is not None:
        # Values are rectified too, so one below zero does what zero does.
        tensors["threshold"] = dictionary.thresholds.clamp_min(0)
    plain = {name: each.detach().cpu().to(torch.float32) for name, each in tensors.items()}
    write_atomically(folder / TENSORS, save(plain))
    write_atomically(folder / FACTS, json.dumps(facts, indent=1) + "\n")


def _refused(folder: Path, reason: str) -> UserError:
    return UserError(f"the SAELens dictionary {folder} cannot be read: {reason}.")
