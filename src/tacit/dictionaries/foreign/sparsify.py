"""sparsify folders: ``cfg.json`` and ``sae.safetensors`` (read and written at 1.3).

Axes: f atoms, d width.
"""

import json
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import save

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
)
from tacit.dictionaries.selections import TopKPositive

FACTS, TENSORS = "cfg.json", "sae.safetensors"


def holds(folder: Path) -> bool:
    """Return whether a folder has their two files."""
    return (folder / FACTS).exists() and (folder / TENSORS).exists()


def read(folder: Path) -> Dictionary:
    """Return the dictionary in a folder of theirs; its site is told by the folder's name alone."""
    facts = read_json(folder / FACTS)
    for name in ("transcode", "skip_connection"):
        if facts.get(name):
            raise UserError(
                f"the sparsify dictionary {folder} has {name}: it maps one site to another, "
                "which is no dictionary of one site."
            )
    if facts.get("activation", "topk") != "topk":
        raise UserError(
            f"the sparsify dictionary {folder} selects by {facts['activation']!r}; only topk is "
            "read."
        )
    d = int(setting(facts, "d_in", folder / FACTS))
    f = int(facts.get("num_latents") or d * setting(facts, "expansion_factor", folder))
    shapes = {
        "encoder.weight": (f, d),
        "encoder.bias": (f,),
        "W_dec": (f, d),
        "b_dec": (d,),
    }
    tensors = expect(read_safetensors(folder / TENSORS), shapes, folder / TENSORS)
    return Dictionary(
        atoms=tensors["W_dec"],
        encoder=tensors["encoder.weight"],
        encoder_bias=tensors["encoder.bias"],
        centre=tensors["b_dec"],
        scale=1.0,
        selection=TopKPositive(k=int(setting(facts, "k", folder / FACTS))),
        contract=told_contract(facts) or InputContract(),
        method="sparsify topk",
        settings={"num_latents": f, "k": facts["k"]},
        outcome={"hook_name": folder.name},
        seed=0,
    )


def write(dictionary: Dictionary, folder: Path) -> None:
    """Write a top-k dictionary as theirs; its scale goes into encoder and atoms."""
    if not isinstance(dictionary.selection, TopKPositive):
        raise UserError(
            f"sparsify knows top-k alone, and this dictionary selects by "
            f"{type(dictionary.selection).__name__}; write it for sae-lens."
        )
    tensors = {
        "encoder.weight": dictionary.encoder / dictionary.scale,
        "encoder.bias": dictionary.encoder_bias.clone(),
        "W_dec": dictionary.atoms * dictionary.scale,
        "b_dec": dictionary.centre.clone(),
    }
    facts = {
        "activation": "topk",
        "expansion_factor": 0,
        # Their training would bring atoms to unit length; ours carry the scale.
        "normalize_decoder": False,
        "num_latents": dictionary.num_atoms,
        OURS: asdict(dictionary.contract),
        "k": dictionary.selection.k,
        "multi_topk": False,
        "skip_connection": False,
        "transcode": False,
        "d_in": dictionary.width,
    }
    plain = {
        name: each.detach().cpu().float().contiguous() for name, each in tensors.items()
    }
    write_atomically(folder / TENSORS, save(plain))
    write_atomically(folder / FACTS, json.dumps(facts, indent=1) + "\n")
