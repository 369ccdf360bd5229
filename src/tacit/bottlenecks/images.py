"""Images with their concepts and classes, as training wants them, and the batches made of them.

Axes: n images, b images of a batch, k concepts, h height, w width, t rows of one part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Real, UInt8
from pydantic import Field
from torch import Generator, Tensor

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptImages:
    """Images, what is annotated of them, and which rows train and which validate."""

    pixels: UInt8[Tensor, "n 3 h w"]
    concepts: Float[Tensor, "n k"]
    """Annotations from 0 to 1; where ``known`` is false they mean nothing."""
    known: Bool[Tensor, "n k"]
    classes: Int[Tensor, " n"]
    train_rows: Int[Tensor, " t"]
    validation_rows: Int[Tensor, " v"]

    def __post_init__(self) -> None:
        rows = {len(self.pixels), len(self.concepts), len(self.known), len(self.classes)}
        if len(rows) > 1:
            raise UserError(
                f"{len(self.pixels)} images were given with {len(self.concepts)} rows of concepts, "
                f"{len(self.known)} of known and {len(self.classes)} classes; give one for each."
            )
        for name, part in (
            ("train", self.train_rows),
            ("validation", self.validation_rows),
        ):
            if len(part) < 2:
                raise UserError(f"{len(part)} images to {name} on; give two or more.")
            if part.min() < 0 or part.max() >= len(self.pixels):
                raise UserError(
                    f"rows {int(part.min())} to {int(part.max())} were given to {name} on, and "
                    f"there are {len(self.pixels)} images."
                )

    @property
    def num_concepts(self) -> int:
        """Annotated concepts."""
        return self.concepts.shape[1]

    @property
    def prevalence(self) -> Float[Tensor, " k"]:
        """Mean annotation of each concept where it is known, over the images to train on.

        Raises:
            UserError: where a concept is constant there, or never known.
        """
        known = self.known[self.train_rows]
        total = (self.concepts[self.train_rows] * known).sum(dim=0)
        share = total / known.sum(dim=0)
        constant = (~((share > 0) & (share < 1))).nonzero().flatten().tolist()
        if constant:
            raise UserError(
                f"concepts {', '.join(map(str, constant[:8]))} ({len(constant)} in all, counted "
                "from 0) are the same in all images to train on, or never known: nothing can be "
                "learned of them. Leave them out, or train on more images."
            )
        return share


def concept_images(
    pixels: UInt8[np.ndarray, "n 3 h w"],
    concepts: Real[np.ndarray, "n k"] | Bool[np.ndarray, "n k"],
    classes: Int[np.ndarray, " n"],
    *,
    train: Int[np.ndarray, " t"],
    validation: Int[np.ndarray, " v"],
    known: Bool[np.ndarray, "n k"] | None = None,
) -> ConceptImages:
    """Return arrays as images to train on; all labels are known where ``known`` is not given."""
    return ConceptImages(
        pixels=torch.from_numpy(pixels),
        concepts=torch.from_numpy(concepts.astype(np.float32)),
        known=torch.from_numpy(np.ones(concepts.shape, bool) if known is None else known),
        classes=torch.from_numpy(classes.astype(np.int64)),
        train_rows=torch.from_numpy(train.astype(np.int64)),
        validation_rows=torch.from_numpy(validation.astype(np.int64)),
    )


class AugmentSettings(Configuration):
    """How images are varied while a network learns of them."""

    flip: bool = True
    """Mirror half of them, left to right."""
    shift_pixels: int = Field(default=0, ge=0)
    """Move each by up to so many pixels both ways; its border is drawn out."""
    brightness: float = Field(default=0.0, ge=0, lt=1)
    """Multiply each by a factor this far from 1 at most; what exceeds white stays white."""


def augmented(
    pixels: UInt8[Tensor, "b 3 h w"], settings: AugmentSettings, noise: Generator
) -> UInt8[Tensor, "b 3 h w"]:
    """Return the images varied, each by itself."""
    device = pixels.device
    rows, _, height, width = pixels.shape

    def uniform() -> Tensor:
        return torch.rand(rows, generator=noise, device=device)

    if settings.flip or settings.shift_pixels:
        most = settings.shift_pixels
        down, right = ((uniform() * (2 * most + 1)).long() - most for _ in range(2))
        ys = (torch.arange(height, device=device) + down[:, None]).clamp(0, height - 1)
        xs = (torch.arange(width, device=device) + right[:, None]).clamp(0, width - 1)
        mirrored = (uniform() < 0.5 * settings.flip)[:, None]
        xs = torch.where(mirrored, width - 1 - xs, xs)
        each = torch.arange(rows, device=device)[:, None, None, None]
        channels = torch.arange(3, device=device)[None, :, None, None]
        pixels = pixels[each, channels, ys[:, None, :, None], xs[:, None, None, :]]
    if settings.brightness:
        factors = 1 + settings.brightness * (2 * uniform() - 1)
        brighter = (pixels * factors[:, None, None, None]).round().clamp(0, 255)
        pixels = brighter.to(torch.uint8)
    return pixels
