"""Several bottlenecks in one pass, where they share a trunk that stays as it is.

Axes: r models, n images, b rows of a batch, f features of the trunk, c concepts and slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.bottlenecks.descent import Learner, by_learner, descend
from tacit.bottlenecks.heads import (
    each_dropped,
    stacked_linear,
    stacked_logits,
)
from tacit.bottlenecks.images import AugmentSettings, ConceptImages
from tacit.bottlenecks.networks import Bottleneck, carried
from tacit.bottlenecks.reading import passed
from tacit.bottlenecks.stages import TrainSettings, objective_of
from tacit.bottlenecks.training import Trained, check_fit, finish

UNVARIED = AugmentSettings(flip=False)
"""Images as they are."""


def train_together(
    models: Sequence[Bottleneck],
    images: ConceptImages,
    settings: TrainSettings,
    *,
    seeds: Sequence[int],
    progress: Progress = silent,
) -> list[Trained]:
    """Return copies of models whose concept and class layers have learned, the trunk kept.

    The trunk reads all images once, so that they are never varied; each model has its own seed
    of order and dropout, and learns what it would learn alone.

    Raises:
        UserError: where trunks differ, seeds are not one for each model, images were to be
            varied, or ``train`` refuses.
    """
    _check(models, images, settings, seeds)
    features = passed(models[0].encoder.trunk, images.pixels)
    models = [deepcopy(model) for model in models]
    learners = [
        Learner(module=_layers(model, settings), settings=settings.encoder, seed=seed)
        for model, seed in zip(models, seeds, strict=True)
    ]
    objective = objective_of(images, settings, tells_classes=settings.is_joint)
    heads = [model.head for model in models]

    def told(
        rows: Int[Tensor, "r b"], noises: Sequence[Generator] | None
    ) -> dict[str, Float[Tensor, " r"]]:
        logits = _concept_logits(models, features[rows.to(features.device)], noises)
        if not settings.is_joint:
            return objective.terms(logits, None, rows)
        read = carried(logits, models[0].settings.carries)
        return objective.terms(logits, stacked_logits(heads, read, noises), rows)

    descend(
        learners,
        images.train_rows,
        told,
        lambda: by_learner(told(images.validation_rows.expand(len(models), -1), None)),
        stage="bottleneck" if settings.is_joint else "concepts",
        watch="class_accuracy" if settings.is_joint else "concept_accuracy",
        progress=progress,
    )
    return finish(
        models,
        learners,
        images,
        settings,
        concepts_of=lambda model: model.encoder.from_features(features),
        progress=progress,
    )


def _layers(model: Bottleneck, settings: TrainSettings) -> nn.ModuleList:
    """Return what learns in the first stage: all but the trunk, the class head if it is joint."""
    encoder = model.encoder
    hidden = [] if encoder.hidden is None else [encoder.hidden]
    head = [model.head] if settings.is_joint else []
    return nn.ModuleList([*hidden, encoder.concepts, *head])


def _concept_logits(
    models: Sequence[Bottleneck],
    features: Float[Tensor, "r b f"],
    noises: Sequence[Generator] | None,
) -> Float[Tensor, "r b c"]:
    """Return each model's concept logits of its own rows."""
    if models[0].settings.concept_width:
        each = zip(models, features, noises or [None] * len(models), strict=True)
        return torch.stack(
            [model.encoder.from_features(rows, noise) for model, rows, noise in each]
        )
    shares = [model.settings.trunk_dropout for model in models]
    layers = [model.encoder.concepts for model in models]
    return stacked_linear(layers, each_dropped(features, shares, noises))


def _check(
    models: Sequence[Bottleneck],
    images: ConceptImages,
    settings: TrainSettings,
    seeds: Sequence[int],
) -> None:
    if not models or len(models) != len(seeds):
        raise UserError(
            f"{len(models)} models were given with {len(seeds)} seeds; give one for each."
        )
    if settings.augment != UNVARIED:
        raise UserError(
            f"images were to be varied ({settings.augment}), and a trunk that is kept reads them "
            f"once; set augment to {UNVARIED}."
        )
    trunk = models[0].encoder.trunk.state_dict()
    for model in models:
        check_fit(model, images, settings)
        if model.settings != models[0].settings:
            raise UserError(
                f"models of unlike shape were to learn together, {models[0].settings} and "
                f"{model.settings}; give models built with the same settings."
            )
        other = model.encoder.trunk.state_dict()
        if other.keys() != trunk.keys() or any(
            not torch.equal(value, other[name]) for name, value in trunk.items()
        ):
            raise UserError(
                "models with unlike trunks were to learn together; build them on one trunk, or "
                "train them one after another."
            )
