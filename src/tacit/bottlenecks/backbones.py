"""Vision networks of ``transformers`` as trunks, with the scaling of pixels that they expect.

Axes: b images of a batch, h height, w width, f features.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from tacit.base.errors import UserError
from tacit.bottlenecks.trunks import Trunk

NEEDED = "pip install 'tacit[birds]'"


@final
class BackboneTrunk(Trunk):
    """A vision network whose pooled output is the row of features.

    Its image processor tells the side of the images and how pixels are scaled, which is then done
    here, on 8-bit pixels already cut and resized. Where the network pools nothing, or its weights
    hold no pooling layer, the mean over places is taken, or the first token where there are tokens.
    """

    def __init__(self, network: nn.Module, facts: dict[str, Any]) -> None:
        super().__init__()
        self.network = network
        self._facts = facts
        self.width, self.side = int(facts["width"]), int(facts["side"])
        mean, spread = (torch.tensor(facts[name]) for name in ("mean", "spread"))
        self.register_buffer("mean", mean[:, None, None] * 255, persistent=False)
        self.register_buffer("spread", spread[:, None, None] * 255, persistent=False)

    def forward(self, pixels: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b f"]:
        """Return the pooled output."""
        scaled = (pixels - self.get_buffer("mean")) / self.get_buffer("spread")
        return _pooled(self.network(pixel_values=scaled), own=self._facts["has_pooler"])

    def facts(self) -> dict[str, Any]:
        """Return what rebuilds the trunk but for its weights, as plain JSON."""
        return self._facts


def read_backbone(name: str | Path, *, revision: str | None = None) -> BackboneTrunk:
    """Return a vision network by its folder or its name on the hub.

    Raises:
        UserError: where it cannot be read, is no vision network of one vector an image, or
            Pillow is missing.
    """
    from transformers import AutoImageProcessor, AutoModel

    check_pillow()
    try:
        network, told = AutoModel.from_pretrained(
            name, revision=revision, output_loading_info=True
        )
        processor = AutoImageProcessor.from_pretrained(
            name, revision=revision, backend="pil"
        )
    except (OSError, ValueError) as error:
        raise UserError(
            f"{name} cannot be read as a vision network with its image processor ({error}); give "
            "a folder or a name on the hub that has both."
        ) from error
    absent = [key for key in told["missing_keys"] if not key.startswith("pooler.")]
    if absent:
        raise UserError(
            f"the weights of {name} lack {', '.join(absent[:3])} ({len(absent)} in all), which "
            "would be drawn at random; give a complete network."
        )
    config = network.config.to_dict()
    facts = {
        "config": config,
        "model_type": config["model_type"],
        # A classifier's weights often lack the pooling layer, which is then drawn at random.
        "has_pooler": not told["missing_keys"],
        **_looking(processor.to_dict(), name),
    }
    return _measured(network, facts, name)


def rebuilt_backbone(facts: dict[str, Any]) -> BackboneTrunk:
    """Return the trunk that the facts describe, with weights still to be filled in."""
    from transformers import AutoConfig, AutoModel

    plain = {key: value for key, value in facts["config"].items() if key != "model_type"}
    config = AutoConfig.for_model(facts["model_type"], **plain)
    return BackboneTrunk(AutoModel.from_config(config), facts)


def check_pillow() -> None:
    """Raise ``UserError`` where Pillow is missing."""
    try:
        import PIL  # noqa: F401  # pyright: ignore
    except ImportError as error:
        raise UserError(
            f"image processors need Pillow, which is missing: {NEEDED}."
        ) from error


def _pooled(output: Any, *, own: bool) -> Float[Tensor, "b f"]:
    pooled = output.get("pooler_output") if own else None
    if pooled is None:
        hidden = output["last_hidden_state"]
        # Rows of tokens begin with the class token; maps have their two sides last.
        pooled = hidden[:, 0] if hidden.ndim == 3 else hidden.mean(dim=(2, 3))
    return pooled.flatten(start_dim=1)


def _looking(told: dict[str, Any], name: str | Path) -> dict[str, Any]:
    """Return the side of images, and mean and spread of pixels from 0 to 1, that it expects."""
    size = told.get("crop_size") if told.get("do_center_crop") else told.get("size")
    sides = {int(value) for value in (size or {}).values() if value is not None}
    if len(sides) != 1 or told.get("do_flip_channel_order"):
        raise UserError(
            f"{name} takes images of {size} and may want blue first; images here are square with "
            "red first: give a network that takes those."
        )
    factor = 255 * told["rescale_factor"] if told.get("do_rescale") else 255.0
    is_scaled = bool(told.get("do_normalize"))
    mean = told["image_mean"] if is_scaled else (0.0, 0.0, 0.0)
    spread = told["image_std"] if is_scaled else (1.0, 1.0, 1.0)
    return {
        "side": sides.pop(),
        "mean": [value / factor for value in mean],
        "spread": [value / factor for value in spread],
    }


def _measured(network: nn.Module, facts: dict[str, Any], name: str | Path) -> BackboneTrunk:
    """Return the trunk, having tried it on one image for its width."""
    trunk = BackboneTrunk(network, {**facts, "width": 0}).eval()
    blank = torch.zeros(1, 3, facts["side"], facts["side"], dtype=torch.uint8)
    try:
        with torch.no_grad():
            width = trunk(blank).shape[1]
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(
            f"{name} gives no vector for an image ({error}); give a vision network such as a "
            "ResNet or a ViT."
        ) from error
    return BackboneTrunk(network, {**facts, "width": width})
