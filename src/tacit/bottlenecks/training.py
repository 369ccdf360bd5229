"""How a bottleneck learns: a regime is a stage on pixels and, but for joint, one on concepts.

The second is on the concepts of the encoder as it then stands, or on annotations. Axes: n images,
b images of a batch, c concepts and slots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.bottlenecks.descent import Epoch, Learner, descend
from tacit.bottlenecks.heads import train_heads
from tacit.bottlenecks.images import ConceptImages
from tacit.bottlenecks.networks import Bottleneck, carried
from tacit.bottlenecks.reading import at_rest, device_of, passed
from tacit.bottlenecks.stages import Regime, TrainSettings, objective_of


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A bottleneck that has learned, and how that went."""

    model: Bottleneck
    history: tuple[Epoch, ...]
    settings: TrainSettings
    seed: int
    """Of orders, variations and dropout; the weights it began with had seeds of their own."""
    num_unknown: int
    """Labels of the images to train on that were not known: out of the concept loss, and read as
    they are annotated by an independent class head."""


def train(
    model: Bottleneck,
    images: ConceptImages,
    settings: TrainSettings | None = None,
    *,
    seed: int,
    progress: Progress = silent,
) -> Trained:
    """Return a copy of the model that has learned from the images.

    The same call gives the same weights on a CPU with the same number of threads.

    Raises:
        UserError: where model, images and regime do not fit each other, a concept is constant in
            the images to train on, batches hold one image, or a loss is no longer finite.
    """
    settings = settings or TrainSettings()
    check_fit(model, images, settings)
    model = deepcopy(model)
    objective = objective_of(images, settings, tells_classes=settings.is_joint)
    learner = Learner(
        module=model if settings.is_joint else model.encoder,
        settings=settings.encoder,
        seed=seed,
    )

    def loss_of(rows: Int[Tensor, "r b"], noises: Sequence[Generator]) -> dict[str, Tensor]:
        return {
            n: v[None] for n, v in objective.of_model(model, rows[0], noises[0]).items()
        }

    descend(
        [learner],
        images.train_rows,
        loss_of,
        lambda: [objective.judged(model)],
        stage="bottleneck" if settings.is_joint else "concepts",
        watch="class_accuracy" if settings.is_joint else "concept_accuracy",
        progress=progress,
    )
    (trained,) = finish(
        [model],
        [learner],
        images,
        settings,
        concepts_of=lambda each: passed(each.encoder, images.pixels),
        progress=progress,
    )
    return trained


def finish(
    models: Sequence[Bottleneck],
    learners: Sequence[Learner],
    images: ConceptImages,
    settings: TrainSettings,
    *,
    concepts_of: Callable[[Bottleneck], Float[Tensor, "n c"]],
    progress: Progress,
) -> list[Trained]:
    """Return models after their stage on pixels, their class heads taught where that is to come.

    ``concepts_of``: the concept logits of all images by a model as it stands.
    """
    histories = [tuple(learner.epochs) for learner in learners]
    if settings.regime != "joint":
        later = train_heads(
            [model.head for model in models],
            [_read(model, images, settings.regime, concepts_of) for model in models],
            images.classes,
            [settings.head] * len(models),
            seeds=[learner.seed for learner in learners],
            train_rows=images.train_rows,
            validation_rows=images.validation_rows,
            progress=progress,
        )
        histories = [one + two for one, two in zip(histories, later, strict=True)]
    return [
        Trained(
            model=model.eval(),
            history=history,
            settings=settings,
            seed=learner.seed,
            num_unknown=int((~images.known[images.train_rows]).sum()),
        )
        for model, learner, history in zip(models, learners, histories, strict=True)
    ]


def _read(
    model: Bottleneck,
    images: ConceptImages,
    regime: Regime,
    concepts_of: Callable[[Bottleneck], Float[Tensor, "n c"]],
) -> Float[Tensor, "n c"]:
    """Return what a class head learns from by itself: annotations, or the encoder's concepts."""
    if regime == "independent":
        return images.concepts.to(device_of(model))
    with at_rest(model), torch.no_grad():
        return carried(concepts_of(model), model.settings.carries)


def check_fit(model: Bottleneck, images: ConceptImages, settings: TrainSettings) -> None:
    """Raise ``UserError`` where a model cannot learn from these images under these settings."""
    shape, regime = model.settings, settings.regime
    if shape.num_concepts != images.num_concepts:
        raise UserError(
            f"a model of {shape.num_concepts} concepts was given images with "
            f"{images.num_concepts}; set num_concepts to that."
        )
    largest = int(images.classes.max())
    if int(images.classes.min()) < 0 or largest >= shape.num_classes:
        raise UserError(
            f"a model of {shape.num_classes} classes was given images of classes up to {largest}, "
            "counted from 0; set num_classes to one more than the last."
        )
    if regime in ("independent", "sequential") and shape.num_slots:
        raise UserError(
            f"{shape.num_slots} slots were asked of the {regime} regime, in which nothing trains "
            "them; use a joint regime, or no slots."
        )
    if regime == "independent" and shape.carries == "logits":
        raise UserError(
            "an independent class head learns from annotations of 0 and 1, and this one would then "
            "read logits; set carries to sigmoid or hard."
        )
