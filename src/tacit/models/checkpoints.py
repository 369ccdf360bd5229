"""How a checkpoint in the hub's layout is read, from a folder or the hub, or why it cannot be.

Whatever goes wrong inside transformers ends as one ``UserError`` that says what to do.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from torch import nn

from tacit.base.errors import UserError
from tacit.models.families import Family

CAUSAL_ENDINGS = ("ForCausalLM", "LMHeadModel")
"""How transformers names the classes that predict the next token."""
REACH_SECONDS = 10.0
"""How long the hub may take to answer before it counts as out of reach."""


@final
@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model with its tokenizer, as read."""

    model: nn.Module
    tokenizer: Any


def read_folder(
    folder: Path,
    families: Mapping[str, Family],
    dtype: torch.dtype | None,
    options: Mapping[str, Any],
) -> Checkpoint:
    """Return what a folder holds, in ``dtype`` or in its own.

    ``options``: what else transformers is told, as ``options_of`` gives it.
    """
    if not (folder / "config.json").exists():
        raise UserError(
            f"the folder {folder} holds no config.json; give a folder in the layout of the "
            "Hugging Face hub: config.json, model.safetensors, tokenizer.json."
        )
    try:
        return _read(str(folder), families, dtype, options, local=True)
    except _failures() as error:
        raise UserError(
            f"the folder {folder} could not be read as a model: {_first_line(error)} It needs "
            "config.json, model.safetensors and tokenizer.json that belong together."
        ) from error


def read_hub(
    name: str,
    families: Mapping[str, Family],
    dtype: torch.dtype | None,
    options: Mapping[str, Any],
) -> Checkpoint:
    """Return a model of the Hugging Face hub: the cached copy if there is one."""
    try:
        return _read(name, families, dtype, options, local=True)
    except _failures() as error:
        missing = error
    try:
        _check_reach(name)
        return _read(name, families, dtype, options, local=False)
    except UserError:
        raise
    except Exception as error:  # what a network client raises has changed with its versions
        raise UserError(
            f"{name!r} is no subject that Tacit ships, no folder, and could not be had from the "
            f"Hugging Face hub: {_first_line(error)} Give `--model FOLDER`, a folder with "
            "config.json, model.safetensors and tokenizer.json, or download it where there is "
            "a network."
        ) from missing


def _read(
    name: str,
    families: Mapping[str, Family],
    dtype: torch.dtype | None,
    options: Mapping[str, Any],
    *,
    local: bool,
) -> Checkpoint:
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

    with quiet():
        config = AutoConfig.from_pretrained(name, local_files_only=local)
        family = families.get(config.model_type)
        if family is not None:
            is_causal = family.head is not None
        else:
            is_causal = any(a.endswith(CAUSAL_ENDINGS) for a in config.architectures or ())
        # Checked first: it is the smaller of the two.
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=local)
        if not tokenizer.is_fast:
            raise UserError(
                f"the tokenizer of {name} cannot tell which characters a token covers; give a "
                "model with a tokenizer.json."
            )
        reader: Any = AutoModelForCausalLM if is_causal else AutoModel
        model, report = reader.from_pretrained(
            name,
            dtype=dtype or "auto",
            local_files_only=local,
            output_loading_info=True,
            **(family.load_options if family else {}),
            **options,
        )
    missing = sorted(report["missing_keys"])
    if missing:
        raise UserError(
            f"the checkpoint {name} lacks {len(missing)} of the weights of "
            f"{type(model).__name__}, {missing[0]} first; they would be random. Give the whole "
            "checkpoint."
        )
    return Checkpoint(model=model.requires_grad_(False), tokenizer=tokenizer)


def _check_reach(name: str) -> None:
    """Ask the hub once whether the model exists; transformers itself would retry for long."""
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_OFFLINE

    if HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "0").upper() in {
        "1",
        "TRUE",
        "YES",
        "ON",
    }:
        raise OSError("HF_HUB_OFFLINE is set and there is no cached copy.")
    HfApi().model_info(name, timeout=REACH_SECONDS)


def _failures() -> tuple[type[Exception], ...]:
    """Return what transformers raises when the files at hand are at fault."""
    from safetensors import SafetensorError

    return (OSError, ValueError, KeyError, RuntimeError, SafetensorError)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".") + "."


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence what transformers prints while it loads, except errors."""
    from transformers.utils import logging

    level, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if has_bars:
            logging.enable_progress_bar()
