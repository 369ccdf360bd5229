"""How a bottleneck is to learn, and what its stage on pixels minimises and measures.

Axes: b images of a batch, c concepts and slots, m classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

from jaxtyping import Float, Int
from pydantic import Field
from torch import Generator, Tensor

from tacit.base.configuration import Configuration
from tacit.bottlenecks.descent import DescentSettings
from tacit.bottlenecks.images import AugmentSettings, ConceptImages, augmented
from tacit.bottlenecks.networks import Bottleneck
from tacit.bottlenecks.objectives import (
    ConceptLoss,
    Imbalance,
    class_terms,
    concept_accuracy,
)
from tacit.bottlenecks.reading import passed

Regime = Literal["independent", "sequential", "joint", "joint-then-frozen"]


class TrainSettings(Configuration):
    """How a bottleneck learns.

    Koh et al. divide by ``1 + weight * concepts`` and sum: give both weights so divided, and
    ``concept_loss = "sum"``.
    """

    regime: Regime = "joint"
    encoder: DescentSettings = DescentSettings()
    """Of the stage on pixels: the encoder alone, or with the class head in the joint regimes."""
    head: DescentSettings = DescentSettings()
    """Of the stage on concepts, where there is one."""
    concept_weight: float = Field(default=1.0, ge=0)
    class_weight: float = Field(default=1.0, gt=0)
    concept_loss: Literal["mean", "sum"] = "mean"
    imbalance: Imbalance = "off"
    """Whether rare concepts are weighted up: see ``ConceptLoss``."""
    information_penalty: float = Field(default=0.0, ge=0)
    """Weight of the squared distance of a logit from 3 or -3: see ``ConceptLoss``."""
    augment: AugmentSettings = AugmentSettings()

    @property
    def is_joint(self) -> bool:
        """Whether the encoder learns from classes too."""
        return self.regime in ("joint", "joint-then-frozen")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Objective:
    """The loss of a stage on pixels, and what is measured beside it."""

    images: ConceptImages
    settings: TrainSettings
    concept_loss: ConceptLoss
    tells_classes: bool
    """Whether the class loss counts; without it only the encoder learns."""

    def drawn(self, rows: Int[Tensor, " b"], noise: Generator) -> Tensor:
        """Return the pixels of rows, varied, where the noise is."""
        return augmented(
            self.images.pixels[rows].to(noise.device), self.settings.augment, noise
        )

    def terms(
        self,
        concept_logits: Float[Tensor, "*r b c"],
        class_logits: Float[Tensor, "*r b m"] | None,
        rows: Int[Tensor, "*r b"],
    ) -> dict[str, Float[Tensor, "*r"]]:
        """Return the loss, its parts in nats and the shares that are right."""
        device = concept_logits.device
        truth, known = (
            self.images.concepts[rows].to(device),
            self.images.known[rows].to(device),
        )
        concept_loss = self.concept_loss(concept_logits, truth, known)
        right = concept_accuracy(concept_logits, truth, known)
        found = {"concept_loss": concept_loss, "concept_accuracy": right}
        if class_logits is None:
            return {**found, "loss": concept_loss}
        of_classes = class_terms(class_logits, self.images.classes[rows].to(device))
        loss = self.settings.class_weight * of_classes["loss"]
        loss = loss + self.settings.concept_weight * concept_loss
        return {**found, **of_classes, "loss": loss}

    def of_model(
        self, model: Bottleneck, rows: Int[Tensor, " b"], noise: Generator
    ) -> dict[str, Float[Tensor, ""]]:
        """Return the terms of a batch as the model learns from it."""
        concept_logits = model.encoder(self.drawn(rows, noise), noise)
        told = model.head(concept_logits, noise) if self.tells_classes else None
        return self.terms(concept_logits, told, rows)

    def judged(self, model: Bottleneck) -> dict[str, float]:
        """Return the terms over all images to validate on, nothing varied or dropped."""
        rows = self.images.validation_rows
        concept_logits = passed(model.encoder, self.images.pixels, rows)
        told = model.head(concept_logits) if self.tells_classes else None
        return {n: float(v) for n, v in self.terms(concept_logits, told, rows).items()}


def objective_of(
    images: ConceptImages, settings: TrainSettings, *, tells_classes: bool
) -> Objective:
    """Return the loss of a stage on pixels."""
    concept_loss = ConceptLoss(
        prevalence=images.prevalence,
        imbalance=settings.imbalance,
        is_summed=settings.concept_loss == "sum",
        information_penalty=settings.information_penalty,
    )
    return Objective(
        images=images,
        settings=settings,
        concept_loss=concept_loss,
        tells_classes=tells_classes,
    )
