"""Somebody's bottleneck, opened: a folder that Tacit saved, or a function that returns a module.

Axes: n images, r concept outputs (concepts, then slots), m classes, h height, w width.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, cast, final

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from tacit.base.errors import UserError, unknown
from tacit.bottlenecks.files import load_bottleneck
from tacit.bottlenecks.intervening import ClassHead
from tacit.bottlenecks.networks import Bottleneck
from tacit.bottlenecks.reading import (
    Outputs,
    at_rest,
    class_logits_of,
    class_logits_of_carried,
)
from tacit.models.load_settings import usable_device
from tacit.models.weights import digest_of
from tacit.verbs.leak_settings import LeakSettings, kind_of

GIVEN = "tacit_given_bottleneck"
"""The name under which a user's file is imported, so that it hides no module of its own name."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class OpenedModel:
    """A module from pixels to concept logits and class logits."""

    module: nn.Module
    name: str
    device: torch.device
    num_slots: int
    digest: str

    @property
    def _is_hard(self) -> bool:
        return (
            isinstance(self.module, Bottleneck) and self.module.settings.carries == "hard"
        )

    @property
    def head(self) -> ClassHead | None:
        """What the class head makes of readings; None where it cannot be run by itself."""
        if not isinstance(self.module, Bottleneck):
            return None
        told = class_logits_of_carried if self._is_hard else class_logits_of
        return partial(told, self.module.head)

    def readings_of(self, said: Outputs) -> Float[np.ndarray, "n r"]:
        """Return what the class head reads: logits, or yes and no where it is given no more."""
        logits = said.concept_logits
        return (logits > 0).astype(logits.dtype) if self._is_hard else logits

    def outputs(self, pixels: UInt8[np.ndarray, "n 3 h w"]) -> Outputs:
        """Return what the module says of images.

        Raises:
            UserError: where that is not two matrices with a row for each image.
        """
        with at_rest(self.module), torch.no_grad():
            said: Any = self.module(torch.from_numpy(pixels).to(self.device))
        two = cast(tuple[Any, ...], said) if isinstance(said, tuple | list) else ()
        if len(two) != 2 or any(
            not isinstance(each, Tensor) or each.ndim != 2 or len(each) != len(pixels)
            for each in two
        ):
            raise UserError(
                f"{self.name} returned {_described(said)} of {len(pixels)} images; its module must "
                "return concept logits (images by concepts) and class logits (images by classes)."
            )
        concept_logits, class_logits = (each.float().cpu().numpy() for each in two)
        return Outputs(concept_logits=concept_logits, class_logits=class_logits)


def open_model(settings: LeakSettings) -> OpenedModel:
    """Return the model that settings name, on its device.

    Raises:
        UserError: where there is none, or the device cannot be used.
    """
    device = usable_device(settings.device)
    if kind_of(settings.model) == "function":
        module, num_slots = _from_function(settings.model), settings.num_slots
    else:
        module = load_bottleneck(settings.model)
        num_slots = module.settings.num_slots
        if settings.num_slots not in (0, num_slots):
            raise UserError(
                f"num_slots={settings.num_slots} was set, and {settings.model} has {num_slots}; "
                "leave it out, its files tell."
            )
    return OpenedModel(
        module=module.to(device),
        name=settings.model,
        device=device,
        num_slots=num_slots,
        digest=digest_of(module),
    )


def _from_function(told: str) -> nn.Module:
    path, _, name = told.rpartition(":")
    file = Path(path)
    if not file.is_file():
        raise UserError(f"there is no file {path}, and {told} names a function in it.")
    module = _imported(file)
    if not callable(vars(module).get(name)):
        known = [
            each
            for each, value in vars(module).items()
            if callable(value) and not each.startswith("_")
        ]
        raise unknown(f"function of {path}", name, known)
    made = vars(module)[name]()
    if not isinstance(made, nn.Module):
        raise UserError(
            f"{told} returned a {type(made).__name__}; it must return a torch module."
        )
    return made


def _imported(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(GIVEN, file)
    assert spec is not None and spec.loader is not None, "a .py file can be imported"
    module = importlib.util.module_from_spec(spec)
    sys.modules[GIVEN] = module  # classes that it defines look themselves up there
    with _neighbours_of(file):
        spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _neighbours_of(file: Path) -> Iterator[None]:
    """Let a file import what lies beside it, as it can when it is run."""
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _described(said: Any) -> str:
    if isinstance(said, Tensor):
        return f"one array {tuple(said.shape)}"
    if isinstance(said, tuple | list):
        parts = cast(tuple[Any, ...], said)
        shapes = (
            str(tuple(each.shape)) if isinstance(each, Tensor) else type(each).__name__
            for each in parts
        )
        return f"{len(parts)} things ({', '.join(shapes)})"
    return f"a {type(said).__name__}"
