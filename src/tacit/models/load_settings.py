"""How a checkpoint is loaded: on which device or devices, in which number type, quantised or not.

What transformers needs for it and is not there is told before anything is read.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Literal

import torch

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError

INSTALL = "install it with `pip install 'tacit[large]'`"
MAPS = ("auto", "balanced", "balanced_low_0", "sequential")
"""Ways in which accelerate spreads a model by itself."""


class LoadSettings(Configuration):
    """Where a subject's weights go and what they become; a module in memory stays as it is."""

    device: str | None = None
    """One device for all of it, e.g. ``cuda``; None: the CPU, or what ``device_map`` says."""
    dtype: Literal["float32", "float16", "bfloat16"] | None = None
    """None: the checkpoint's own, but float16 becomes float32 on the CPU."""
    device_map: str | dict[str, int | str] | None = None
    """How transformers spreads the model: ``auto``, or module paths with their devices; the
    checkpoint's type is then kept, also on the CPU."""
    bits: Literal[4, 8] | None = None
    """Quantise the linear maps to so many bits by bitsandbytes; needs a CUDA GPU."""

    @property
    def is_placed(self) -> bool:
        """Whether transformers puts the weights in their places, so that they must not move."""
        return self.device_map is not None or self.bits is not None


def options_of(settings: LoadSettings, device: torch.device | None) -> dict[str, Any]:
    """Return what ``from_pretrained`` is told beside the number type.

    Raises ``UserError`` for settings that exclude each other and for a package or GPU that is
    not there.
    """
    if not settings.is_placed:
        return {}
    if settings.device_map is not None and device is not None:
        raise UserError(
            f"device {str(device)!r} and device_map {settings.device_map!r} were both given; give "
            "one of them."
        )
    if isinstance(settings.device_map, str) and settings.device_map not in MAPS:
        _check_map(settings.device_map)
    asked = "device_map" if settings.bits is None else f"bits {settings.bits}"
    _require("accelerate", asked, "which spreads a model over devices")
    options: dict[str, Any] = {"device_map": settings.device_map}
    if settings.bits is not None:
        _require("bitsandbytes", asked, "which quantises")
        if not torch.cuda.is_available() or (device is not None and device.type != "cuda"):
            raise UserError(
                f"{settings.bits}-bit loading was asked for"
                f"{'' if device is None else f' on {device}'}, and it needs a CUDA GPU"
                f"{'' if torch.cuda.is_available() else ', of which there is none here'}; leave "
                "load.bits out, or run where there is one."
            )
        options["device_map"] = settings.device_map or {"": str(device or "cuda")}
        options["quantization_config"] = _quantised(settings)
    return options


def usable_device(device: str | torch.device) -> torch.device:
    """Return the device of a name, or say that it cannot be used here."""
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f"device {str(device)!r} was asked for and cannot be used: "
            f"{str(error).splitlines()[0]} Use 'cpu', or 'cuda' on a machine with a GPU."
        ) from error
    return found


def _check_map(name: str) -> None:
    try:
        usable_device(name)
    except UserError as error:
        raise UserError(
            f"device_map {name!r} is none of {', '.join(MAPS)}, and no device: {error}"
        ) from error


def _quantised(settings: LoadSettings) -> Any:
    from transformers import BitsAndBytesConfig

    if settings.bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    kind = settings.dtype or "bfloat16"
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_compute_dtype=getattr(torch, kind)
    )


def _require(package: str, asked: str, does: str) -> None:
    if find_spec(package) is None:
        raise UserError(
            f"{asked} was asked for, and needs the package {package}, {does}: it is not "
            f"installed; {INSTALL}."
        )
