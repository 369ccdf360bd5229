"""A dictionary on disk: ``dictionary.safetensors`` and, beside it, ``dictionary.json``.

The JSON is written last and holds the SHA-256 of the tensors, so what was cut short, altered or
swapped is refused by name instead of being read.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load_file, save
from torch import Tensor

from tacit.base.errors import UserError, look_up
from tacit.base.files import sha256_of, write_atomically
from tacit.dictionaries.dictionary import Dictionary, InputContract, Target
from tacit.dictionaries.selections import SELECTIONS, Selection

FORMAT = "tacit-dictionary"
VERSION = 1
TENSORS = "dictionary.safetensors"
FACTS = "dictionary.json"


def save_dictionary(dictionary: Dictionary, folder: Path) -> None:
    """Write the two files into ``folder``, each whole or not at all."""
    # The format refuses tensors that share memory, as those of a tied method do. By way of bytes,
    # because its own writer makes files that nobody else may read.
    tensors = dictionary.tensors().items()
    content = save({name: tensor.detach().cpu().clone() for name, tensor in tensors})
    write_atomically(folder / TENSORS, content)
    facts = {
        "format": FORMAT,
        "version": VERSION,
        "sha256": sha256_of(folder / TENSORS),
        "num_atoms": dictionary.num_atoms,
        "width": dictionary.width,
        "scale": dictionary.scale,
        "target_scale": None if dictionary.target is None else dictionary.target.scale,
        "selection": _selection_to_json(dictionary.selection),
        "contract": asdict(dictionary.contract),
        "method": dictionary.method,
        "settings": dict(dictionary.settings),
        "outcome": dict(dictionary.outcome),
        "seed": dictionary.seed,
    }
    write_atomically(folder / FACTS, json.dumps(facts, indent=1, allow_nan=False) + "\n")


def load_dictionary(folder: str | Path) -> Dictionary:
    """Return the dictionary that ``save_dictionary`` wrote, exactly.

    Raises ``UserError`` naming the file that is missing, foreign, cut short or altered.
    """
    folder = Path(folder)
    facts = _read_facts(folder / FACTS)
    tensors_path = folder / TENSORS
    if not tensors_path.is_file():
        raise UserError(
            f"{tensors_path} is missing; {FACTS} beside it needs it. Save again."
        )
    found = sha256_of(tensors_path)
    if found != facts["sha256"]:
        raise UserError(
            f"{tensors_path} is not the file that {FACTS} describes: SHA-256 {found[:12]}... was "
            f"found and {facts['sha256'][:12]}... expected. It was cut short, altered or swapped; "
            "copy the folder again or fit again."
        )
    try:
        # Cloned into the allocator's own alignment, so that codes are the same to the last digit.
        tensors = {name: tensor.clone() for name, tensor in load_file(tensors_path).items()}
        return Dictionary(
            target=_target(tensors, facts.get("target_scale")),
            **tensors,
            scale=facts["scale"],
            selection=_selection_from_json(facts["selection"]),
            contract=InputContract(**facts["contract"]),
            method=facts["method"],
            settings=facts["settings"],
            # Dictionaries saved before outcomes were kept have none.
            outcome=facts.get("outcome", {}),
            seed=facts["seed"],
        )
    except (KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise UserError(
            f"{folder} does not hold a dictionary of format {FORMAT} {VERSION} ({error}); "
            "expected the tensors atoms, encoder, encoder_bias and centre, and their facts."
        ) from error


def _target(tensors: dict[str, Tensor], scale: float | None) -> Target | None:
    """Take a transcoder's own tensors out of the others."""
    if scale is None:
        return None
    centre, skip = tensors.pop("target_centre"), tensors.pop("skip", None)
    return Target(centre=centre, scale=scale, skip=skip)


def _read_facts(path: Path) -> dict[str, Any]:
    expected = f"expected the JSON of a saved dictionary (format {FORMAT!r})"
    try:
        facts = json.loads(path.read_text())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {expected}.") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}); {expected}.") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise UserError(f"{path} is of another format; {expected}.")
    if facts.get("version") != VERSION:
        raise UserError(
            f"{path} has version {facts.get('version')!r} of {FORMAT} and this Tacit reads "
            f"{VERSION}; read it with the Tacit that wrote it."
        )
    if not isinstance(facts.get("sha256"), str):
        raise UserError(f"{path} lacks the checksum of {TENSORS}; {expected}.")
    return facts


def _selection_to_json(selection: Selection) -> dict[str, Any]:
    name = next(name for name, kind in SELECTIONS.items() if type(selection) is kind)
    return {"name": name, **asdict(selection)}


def _selection_from_json(plain: dict[str, Any]) -> Selection:
    values = {key: value for key, value in plain.items() if key != "name"}
    return look_up(SELECTIONS, plain["name"], "selection")(**values)
