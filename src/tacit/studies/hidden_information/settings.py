"""What can be set in the study: the pictures, the bottlenecks, and how they learn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.bottlenecks.descent import DescentSettings
from tacit.bottlenecks.images import AugmentSettings
from tacit.bottlenecks.networks import BottleneckSettings
from tacit.bottlenecks.stages import TrainSettings
from tacit.bottlenecks.trunks import TrunkSettings
from tacit.data.birds.settings import BirdSettings
from tacit.studies.hidden_information.arms import ARMS, Arm


class PictureSettings(Configuration):
    """The birds, drawn or real, and which of their attributes are concepts."""

    folder: Path | None = None
    """A folder of CUB-200-2011; None draws birds."""
    birds: BirdSettings = BirdSettings(classes=40, images=100, side=64)
    """Drawn birds of the bottlenecks."""
    others: BirdSettings = BirdSettings(classes=80, images=60, side=64, seed=1)
    """Drawn birds of other species, whose classes the shared trunk learns first. They are twins
    too, as networks of the hub tell kinds of birds apart by more than the concepts of CUB."""
    side: int = Field(default=64, ge=16)
    """Pixels of a side that networks see."""
    labels: Literal["instance", "majority"] = "instance"
    """Whether concepts are what was noted of an image, or of most images of its class."""
    least_classes: int = Field(default=3, ge=1)
    """Classes that must have an attribute by majority, and lack it, for it to be a concept."""
    published: bool = False
    """Whether the concepts are the published 112 and not those of the rule."""
    validation_share: float = Field(default=0.2, gt=0, lt=1)
    """Share of the images to train on that choose the best epoch."""


class NetworkSettings(Configuration):
    """The bottleneck's trunk and heads."""

    backbone: str | None = None
    """A vision model of the hub or a folder of one; None trains our own small trunk."""
    trunk: TrunkSettings = TrunkSettings()
    head_width: int = Field(default=0, ge=0)
    """Units of the class head's hidden layer; 0 is a linear head."""


class DictionarySettings(Configuration):
    """The sparse dictionaries that look for the cue."""

    ratio: int = Field(default=2, ge=1)
    """Atoms over width of what is read."""
    active: int = Field(default=16, ge=1)
    """Atoms that a row may use."""
    steps: int = Field(default=2_000, ge=1)
    batch: int = Field(default=512, ge=2)


class HiddenSettings(Configuration):
    """Bottlenecks of several kinds and seeds on one set of birds, and what is measured of them."""

    pictures: PictureSettings = PictureSettings()
    network: NetworkSettings = NetworkSettings()
    pretraining: DescentSettings = DescentSettings(
        num_epochs=15, batch_images=64, optimiser="adamw", learning_rate=2e-3,
        schedule="cosine", patience=None,
    )  # fmt: skip
    encoder: DescentSettings = DescentSettings(
        num_epochs=24, batch_images=64, optimiser="adamw", learning_rate=2e-3,
        schedule="cosine", patience=None,
    )  # fmt: skip
    head: DescentSettings = DescentSettings(
        num_epochs=60, batch_images=64, optimiser="adamw", learning_rate=1e-2,
        schedule="cosine", patience=None,
    )  # fmt: skip
    augment: AugmentSettings = AugmentSettings(shift_pixels=3, brightness=0.2)
    concept_weight: float = Field(default=3.0, gt=0)
    """Weight of the concept loss, a mean over concepts; arms multiply it."""
    arms: tuple[str, ...] = tuple(ARMS)
    """Ways to train; ``joint`` and ``sequential`` are always among them."""
    seeds: tuple[int, ...] = Field(default=(100, 101, 102, 103, 104), min_length=2)
    """One run of each arm for each: its heads, order of images and dropout."""
    folds: int = Field(default=5, ge=2)
    """Folds of the classifiers that measure what is hidden."""
    orders: int = Field(default=5, ge=1)
    """Random orders of the groups of concepts that interventions go by."""
    dictionaries: DictionarySettings = DictionarySettings()

    def runs_of(self, *, has_twins: bool) -> tuple[tuple[str, int], ...]:
        """Return arm and seed of every run, arms of one seed together.

        Arms without a cue need twins, whose labels they draw.
        """
        arms = [arm for arm in self.arms if has_twins or not ARMS[arm].is_cueless]
        return tuple((arm, seed) for seed in self.seeds for arm in arms)

    def shape_of(self, arm: Arm, num_concepts: int, num_classes: int) -> BottleneckSettings:
        """Return the bottleneck of an arm."""
        plain = BottleneckSettings(
            num_concepts=num_concepts,
            num_classes=num_classes,
            head_width=self.network.head_width,
        )
        return plain.model_copy(update=dict(arm.shape))

    def learning_of(self, arm: Arm) -> TrainSettings:
        """Return how an arm learns."""
        changes = dict(arm.learning)
        weight = self.concept_weight * changes.pop("concept_weight", 1.0)
        plain = TrainSettings(
            encoder=self.encoder,
            head=self.head,
            concept_weight=weight,
            augment=self.augment,
        )
        return plain.model_copy(update=changes)


_PUBLISHED: Mapping[str, Any] = {
    "optimiser": "sgd",
    "learning_rate": 1e-3,
    "schedule": "constant",
    "patience": 100,
    "batch_images": 24,
}
PRESETS: dict[Literal["quick", "laptop", "paper"], dict[str, Any]] = {
    "quick": {
        # One kind of cue, the largest, and a trunk that has met it: few pictures teach it.
        "pictures.birds.classes": 8,
        "pictures.birds.images": 100,
        "pictures.birds.side": 48,
        "pictures.birds.cues": ("cheek",),
        "pictures.others.classes": 8,
        "pictures.others.images": 200,
        "pictures.others.side": 48,
        "pictures.others.cues": ("cheek",),
        "pictures.side": 48,
        "pictures.least_classes": 2,
        "network.trunk.channels": (24, 48, 96, 192),
        "augment.shift_pixels": 1,
        "pretraining.num_epochs": 12,
        "pretraining.batch_images": 32,
        "encoder.num_epochs": 20,
        "encoder.batch_images": 16,
        "head.num_epochs": 20,
        "seeds": (0, 1, 2),
        "arms": ("joint", "sequential", "cueless"),
        "orders": 2,
        "dictionaries.steps": 100,
    },
    "laptop": {},
    "paper": {
        "pictures.folder": "CUB_200_2011",
        "pictures.side": 299,
        "pictures.published": True,
        "network.backbone": "microsoft/resnet-50",
        "network.head_width": 500,
        **{f"encoder.{name}": value for name, value in _PUBLISHED.items()},
        **{f"head.{name}": value for name, value in _PUBLISHED.items()},
        "concept_weight": 1.0,
        "encoder.num_epochs": 150,
        "head.num_epochs": 150,
    },
}  # fmt: skip
"""Each size, as what it changes."""
