"""What a concept bottleneck is: a trunk, concept logits, and a class head that reads them alone.

Axes: b images of a batch, k concepts, c what the class head reads (concepts, then slots that
nothing supervises), m classes, f features of the trunk.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Literal, final

import torch
from jaxtyping import Float, UInt8
from pydantic import Field
from torch import Generator, Tensor, nn

from tacit.base.configuration import Configuration
from tacit.bottlenecks.trunks import Trunk, drawn_from

Carries = Literal["logits", "sigmoid", "hard"]


class BottleneckSettings(Configuration):
    """The shape of a bottleneck beyond its trunk."""

    num_concepts: int = Field(ge=1)
    num_classes: int = Field(ge=2)
    num_slots: int = Field(default=0, ge=0)
    """Outputs beside the concepts that the class head reads and no label supervises."""
    carries: Carries = "sigmoid"
    """What the class head reads of a logit. ``hard`` is 0 or 1, learned straight through."""
    concept_width: int = Field(default=0, ge=0)
    """Units of the hidden layer that each concept has to itself; 0 reads it off linearly."""
    head_width: int = Field(default=0, ge=0)
    """Units of the class head's hidden layer; 0 is a linear head."""
    trunk_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the trunk's features dropped while the encoder learns."""
    concept_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of what the class head reads that is dropped while it learns."""
    head_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the hidden layer's units dropped while the class head learns."""

    @property
    def num_carried(self) -> int:
        """Width of what the class head reads: concepts and slots."""
        return self.num_concepts + self.num_slots


def dropped(values: Tensor, share: float, noise: Generator | None) -> Tensor:
    """Return values with a share set to 0 and the rest scaled up; as they are without noise."""
    if noise is None or share == 0:
        return values
    kept = torch.rand(values.shape, generator=noise, device=values.device) >= share
    return values * kept / (1 - share)


@final
class ConceptEncoder(nn.Module):
    """From pixels to concept logits, then those of the slots."""

    def __init__(self, trunk: Trunk, settings: BottleneckSettings) -> None:
        super().__init__()
        self.settings = settings
        self.trunk = trunk
        width, carried = settings.concept_width, settings.num_carried
        self.hidden = nn.Linear(trunk.width, carried * width) if width else None
        # Hidden units of one concept serve that concept alone: a convolution in groups says so.
        self.concepts = (
            nn.Conv1d(carried * width, carried, 1, groups=carried)
            if width
            else nn.Linear(trunk.width, carried)
        )

    def forward(
        self, pixels: UInt8[Tensor, "b 3 h w"], noise: Generator | None = None
    ) -> Float[Tensor, "b c"]:
        """Return the logits; ``noise`` draws what dropout leaves out, and none is left without."""
        return self.from_features(self.trunk(pixels), noise)

    def from_features(
        self, features: Float[Tensor, "b f"], noise: Generator | None = None
    ) -> Float[Tensor, "b c"]:
        """Return the logits that the trunk's features give."""
        features = dropped(features, self.settings.trunk_dropout, noise)
        if self.hidden is None:
            return self.concepts(features)
        return self.concepts(torch.relu(self.hidden(features))[:, :, None])[:, :, 0]


@final
class ClassHead(nn.Module):
    """From concept logits to class logits: what it lets pass of each, then its layers."""

    def __init__(self, settings: BottleneckSettings) -> None:
        super().__init__()
        self.settings = settings
        hidden = [settings.head_width] if settings.head_width else []
        sizes = [settings.num_carried, *hidden, settings.num_classes]
        self.layers = nn.ModuleList(
            nn.Linear(before, after)
            for before, after in zip(sizes, sizes[1:], strict=False)
        )

    def forward(
        self, concept_logits: Float[Tensor, "b c"], noise: Generator | None = None
    ) -> Float[Tensor, "b m"]:
        """Return the class logits."""
        return self.decide(carried(concept_logits, self.settings.carries), noise)

    def decide(
        self, read: Float[Tensor, "b c"], noise: Generator | None = None
    ) -> Float[Tensor, "b m"]:
        """Return the class logits of what is read: concepts that were set by hand, for one."""
        read = dropped(read, self.settings.concept_dropout, noise)
        for layer in self.layers[:-1]:
            read = dropped(torch.relu(layer(read)), self.settings.head_dropout, noise)
        return self.layers[-1](read)


def carried(concept_logits: Tensor, carries: Carries) -> Tensor:
    """Return what a class head reads of concept logits."""
    if carries == "logits":
        return concept_logits
    soft = torch.sigmoid(concept_logits)
    if carries == "sigmoid":
        return soft
    # Straight through: the value is hard, and its gradient that of the soft one.
    return soft + ((concept_logits > 0).to(soft) - soft).detach()


@final
class Bottleneck(nn.Module):
    """A network that tells a class by way of concepts (Koh et al. 2020, arXiv:2007.04612).

    Without an auxiliary head, which their Inception-v3 has.
    """

    def __init__(self, trunk: Trunk, settings: BottleneckSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = ConceptEncoder(trunk, settings)
        self.head = ClassHead(settings)

    def forward(
        self, pixels: UInt8[Tensor, "b 3 h w"], noise: Generator | None = None
    ) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b m"]]:
        """Return concept logits and class logits."""
        concept_logits = self.encoder(pixels, noise)
        return concept_logits, self.head(concept_logits, noise)


def new_bottleneck(trunk: Trunk, settings: BottleneckSettings, *, seed: int) -> Bottleneck:
    """Return a bottleneck on a copy of the trunk, its concept and class heads drawn by the seed.

    The trunk's own weights are those it comes with: give one trunk to several for a shared start,
    or each its own from ``new_trunk``.
    """
    with drawn_from(seed, "bottlenecks/heads"):
        return Bottleneck(deepcopy(trunk), settings)


def new_head(settings: BottleneckSettings, *, seed: int) -> ClassHead:
    """Return a fresh class head."""
    with drawn_from(seed, "bottlenecks/head"):
        return ClassHead(settings)
