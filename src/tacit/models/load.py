"""How a subject is made from what Tacit ships, a folder, the Hugging Face hub, or a module."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from tacit.base.errors import UserError, look_up
from tacit.models.checkpoints import CAUSAL_ENDINGS, read_folder, read_hub
from tacit.models.families import FAMILIES, Family
from tacit.models.load_settings import LoadSettings, options_of, usable_device
from tacit.models.proof import prove
from tacit.models.shipped import SHIPPED, shipped_folder
from tacit.models.sites import Sites, body_of, named_places
from tacit.models.subject import Subject
from tacit.models.weights import digest_of

DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
"""Types by the names that a command line or a configuration gives."""


def load_subject(
    source: str | Path | nn.Module,
    *,
    load: LoadSettings | None = None,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
    tokenizer: Any = None,
    families: Mapping[str, Family] = FAMILIES,
) -> Subject:
    """Return the subject, in evaluation mode, its sites proven where its family is known.

    ``source``: a name of ``SHIPPED``, else a folder with config.json, else a name on the
    Hugging Face hub, whose weights are then frozen; or a module, taken as it is (put in
    evaluation mode), with its ``tokenizer`` if it reads text. ``device``: the CPU, for a module
    where it is. ``dtype``: the checkpoint's, but half precision on the CPU becomes float32.
    ``load``: the same two and more, as a configuration has them (``device_map``, ``bits``).
    """
    load = load or LoadSettings()
    device = _once("device", device, load.device)
    dtype = _once("dtype", dtype, load.dtype)
    wanted = look_up(DTYPES, dtype, "number type") if isinstance(dtype, str) else dtype
    place = None if device is None else usable_device(device)
    options = options_of(load, place)
    if isinstance(source, nn.Module):
        if options:
            raise UserError(
                "device_map or bits were given with a module in memory, which is loaded already; "
                "leave them out."
            )
        source = _without_wrapper(source)
        model = source if place is None and wanted is None else source.to(place, wanted)
        return _subject(type(source).__name__, model, tokenizer, families, load, None)
    if tokenizer is not None:
        raise UserError(
            f"a tokenizer was given with {source}, which has its own; leave it out."
        )
    name, found = _find(source, families, wanted, options)
    model, note = found.model, None
    if load.is_placed:
        return _subject(name, model, found.tokenizer, families, load, None)
    place = place or torch.device("cpu")
    if wanted is None and place.type == "cpu" and _first(model).dtype == torch.float16:
        model, note = (
            model.float(),
            "the checkpoint is float16; run as float32, exact, on the CPU",
        )
    return _subject(name, model.to(place), found.tokenizer, families, load, note)


def _without_wrapper(module: nn.Module) -> nn.Module:
    """Return the model that peft has put its adapters into, with them, for one that it wraps."""
    inside = getattr(module, "get_base_model", None)
    if inside is None:
        return module
    if any(each.is_prompt_learning for each in cast(Any, module).peft_config.values()):
        raise UserError(
            f"a {type(module).__name__} that learns a prompt was given: what it puts before a text "
            "is no part of the model inside. Use adapters in its layers, such as LoRA."
        )
    return inside()


def _once(name: str, given: Any, configured: Any) -> Any:
    """Return a setting given in ``load`` or beside it, not both."""
    if given is not None and configured is not None:
        raise UserError(
            f"{name} was given twice, as {given} and, in load, as {configured}; give it once."
        )
    return configured if given is None else given


def _find(
    source: str | Path,
    families: Mapping[str, Family],
    dtype: torch.dtype | None,
    options: Mapping[str, Any],
) -> tuple[str, Any]:
    """Return the subject's name and its checkpoint."""
    name = str(source)
    if name in SHIPPED:
        return name, read_folder(shipped_folder(name), families, dtype, options)
    folder = Path(source)
    if name and folder.is_dir():
        return folder.resolve().name, read_folder(folder, families, dtype, options)
    near = difflib.get_close_matches(name, SHIPPED, n=1)
    looks_like_path = (
        isinstance(source, Path) or name.startswith((".", "/", "~")) or name.count("/") > 1
    )
    if near or looks_like_path or not name:
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UserError(
            f"no subject is called {name!r}, and there is no such folder.{hint} Tacit ships: "
            f"{', '.join(sorted(SHIPPED))}. Or give `--model FOLDER`, or a name on the "
            "Hugging Face hub such as EleutherAI/pythia-70m."
        )
    return name, read_hub(name, families, dtype, options)


def _subject(
    name: str,
    model: nn.Module,
    tokenizer: Any,
    families: Mapping[str, Family],
    load: LoadSettings,
    note: str | None,
) -> Subject:
    """Return a model as a subject, its sites placed and proven."""
    model.eval()
    whole, config = _config(model), _text_config(model)
    family = families.get(whole.model_type) if whole is not None else None
    places, missing = {}, {}
    if family is not None:
        places, missing = named_places(
            body_of(model), family, getattr(config, family.layers_key)
        )
    first = _first(model)
    vocab_size = None if config is None else getattr(config, "vocab_size", None)
    subject = Subject(
        name=name,
        model=model,
        tokenizer=tokenizer,
        family=family,
        site_map=Sites(
            of=name,
            model=model,
            named=places,
            refused=missing,
            rowless=None if whole is None or family else whole.model_type,
        ),
        widths={},
        digest=digest_of(model),
        load=load,
        device=_entrance(model, first),
        dtype=first.dtype,
        dtype_note=note,
        context_tokens=getattr(config, "max_position_embeddings", None),
        vocab_size=vocab_size,
        is_causal=_is_causal(model, family),
        **_token_ids(model, tokenizer, vocab_size),
    )
    proof = prove(subject)
    proven = dataclasses.replace(subject.site_map, refused=proof.refused)
    return dataclasses.replace(subject, site_map=proven, widths=proof.widths)


def _config(model: nn.Module) -> Any:
    """Return a transformers model's configuration; None for any other module."""
    from transformers import PreTrainedModel

    return model.config if isinstance(model, PreTrainedModel) else None


def _text_config(model: nn.Module) -> Any:
    """Return the part of the configuration that speaks of the blocks and the vocabulary."""
    config = _config(model)
    return None if config is None else config.get_text_config()


def _first(model: nn.Module) -> torch.Tensor:
    """Return the first weight, whose type and device stand for the model's."""
    return next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))


def _entrance(model: nn.Module, first: torch.Tensor) -> torch.device:
    """Return the device that token ids go to: the embedding's, which a map may set apart."""
    if _config(model) is None:
        return first.device
    embedding: Any = cast(Any, model).get_input_embeddings()
    # Of an embedding that is not kept on its device, accelerate knows where it runs.
    hook = getattr(embedding, "_hf_hook", None)
    if embedding.weight.is_meta and hook is not None:
        return torch.device(hook.execution_device)
    return embedding.weight.device


def _is_causal(model: nn.Module, family: Family | None) -> bool:
    if family is None:
        return type(model).__name__.endswith(CAUSAL_ENDINGS)
    return family.head is not None and any(
        name == family.head for name, _ in model.named_modules()
    )


def _token_ids(model: nn.Module, tokenizer: Any, vocab_size: int | None) -> dict[str, Any]:
    """Return what opens, ends and pads a text: the tokenizer's word before the configuration's."""
    config = _text_config(model)
    generation = getattr(model, "generation_config", None)
    sources = [source for source in (tokenizer, config, generation) if source is not None]

    def told(name: str) -> list[Any]:
        return [getattr(source, name, None) for source in sources]

    bos = told("bos_token_id")[0] if sources else None
    if bos is None and tokenizer is not None:
        bos = tokenizer.cls_token_id
    padding, ends = told("pad_token_id"), told("eos_token_id")
    flat = [token for end in ends for token in (end if isinstance(end, list) else [end])]
    return {
        "bos_id": bos,
        "stop_ids": frozenset(token for token in flat if token is not None),
        # Masked wherever it stands, so any id that the model knows will do.
        "padding_id": next(
            (p for p in padding if p is not None and 0 <= p < (vocab_size or 0)), 0
        ),
    }
