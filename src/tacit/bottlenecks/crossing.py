"""What is learned when wires are crossed: encoders paired with heads anew for every batch.

What one head alone can read of one encoder is then of no use. Axes: r models, n images, b images
of a batch, c concepts and slots, m classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal, final

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.bottlenecks.descent import (
    DescentSettings,
    Epoch,
    Judge,
    Learner,
    LossOf,
    descend,
)
from tacit.bottlenecks.heads import stacked_logits
from tacit.bottlenecks.images import ConceptImages
from tacit.bottlenecks.networks import Bottleneck, carried
from tacit.bottlenecks.objectives import class_terms
from tacit.bottlenecks.reading import frozen, passed
from tacit.bottlenecks.stages import Objective, TrainSettings, objective_of
from tacit.bottlenecks.training import check_fit


class CrossStage(Configuration):
    """One stretch of learning under crossed wires."""

    moves: Literal["heads", "encoders", "both"] = "heads"
    """What learns; the rest stays as it is."""
    descent: DescentSettings = DescentSettings()
    is_fresh: bool = False
    """Whether what learns begins as in the models given as ``starts``."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Crossed:
    """Models after their wires were crossed."""

    models: tuple[Bottleneck, ...]
    history: tuple[Epoch, ...]
    """Means over all models; validation is over all pairs, and ``own_class_accuracy`` over those
    of a model's own parts."""


def cross(
    models: Sequence[Bottleneck],
    images: ConceptImages,
    stages: Sequence[CrossStage],
    settings: TrainSettings,
    *,
    seed: int,
    starts: Sequence[Bottleneck] | None = None,
    progress: Progress = silent,
) -> Crossed:
    """Return copies of the models after stages of learning under crossed wires.

    Every batch goes to all encoders, and a random permutation says which head reads which.
    ``settings`` gives the weights of the losses and how images are varied.

    Raises:
        UserError: for fewer than two models, models of unlike concepts or heads, a fresh stage
            without as many ``starts``, and where ``train`` refuses.
    """
    _check(models, images, stages, settings, starts)
    crossed = [deepcopy(model) for model in models]
    objective = objective_of(images, settings, tells_classes=True)
    history: list[Epoch] = []
    for place, stage in enumerate(stages):
        if stage.is_fresh:
            assert starts is not None
            _begin_again(crossed, starts, stage)
        moving, still = _sides(crossed, stage)
        learner = Learner(module=nn.ModuleList(moving), settings=stage.descent, seed=seed)
        only_heads = stage.moves == "heads"
        with frozen(*still):
            loss_of, judge = (_of_heads if only_heads else _of_pixels)(crossed, objective)
            descend(
                [learner],
                images.train_rows,
                loss_of,
                judge,
                stage=f"crossed {stage.moves} {place}",
                watch="class_accuracy",
                progress=progress,
            )
        history += learner.epochs
    return Crossed(models=tuple(model.eval() for model in crossed), history=tuple(history))


def _of_heads(models: Sequence[Bottleneck], objective: Objective) -> tuple[LossOf, Judge]:
    """Return how heads are taught and judged on what frozen encoders say, read once."""
    images, heads = objective.images, [model.head for model in models]
    logits = torch.stack([passed(model.encoder, images.pixels) for model in models])
    read = carried(logits, models[0].settings.carries)
    classes = images.classes.to(read.device)

    def loss_of(
        rows: Int[Tensor, "1 b"], noises: Sequence[Generator]
    ) -> dict[str, Float[Tensor, " 1"]]:
        few = rows[0].to(read.device)
        mixed = read[_pairing(len(heads), noises[0])][:, few]
        told = stacked_logits(heads, mixed, [noises[0]] * len(heads))
        return _averaged(class_terms(told, classes[few].expand(len(heads), -1)))

    rows = images.validation_rows.to(read.device)
    return loss_of, lambda: [_of_pairs(models, logits[:, rows], classes[rows])]


def _of_pixels(models: Sequence[Bottleneck], objective: Objective) -> tuple[LossOf, Judge]:
    """Return how encoders, alone or with heads, are taught and judged on images."""
    images = objective.images

    def loss_of(
        rows: Int[Tensor, "1 b"], noises: Sequence[Generator]
    ) -> dict[str, Float[Tensor, " 1"]]:
        (noise,) = noises
        pixels = objective.drawn(rows[0], noise)
        logits = [model.encoder(pixels, noise) for model in models]
        order = _pairing(len(models), noise).tolist()
        readers = [models[place].head for place in order]
        told = [
            # A head that stays as it is drops nothing.
            head(each, noise if head.training else None)
            for head, each in zip(readers, logits, strict=True)
        ]
        every = rows.expand(len(models), -1)
        return _averaged(objective.terms(torch.stack(logits), torch.stack(told), every))

    def judge() -> list[dict[str, float]]:
        rows = images.validation_rows
        logits = torch.stack(
            [passed(model.encoder, images.pixels, rows) for model in models]
        )
        return [_of_pairs(models, logits, images.classes[rows].to(logits.device))]

    return loss_of, judge


def _averaged(terms: dict[str, Float[Tensor, " r"]]) -> dict[str, Float[Tensor, " 1"]]:
    """Return means over models; of the loss the sum, so that each learns at its own rate."""
    means = {name: value.mean(dim=0, keepdim=True) for name, value in terms.items()}
    return {**means, "loss": terms["loss"].sum(dim=0, keepdim=True)}


def _of_pairs(
    models: Sequence[Bottleneck], logits: Float[Tensor, "r n c"], classes: Int[Tensor, " n"]
) -> dict[str, float]:
    """Return the accuracy over all encoders with all heads, and over those of one model."""
    right = torch.stack(
        [
            class_terms(model.head(each), classes)["class_accuracy"]
            for model in models
            for each in logits
        ]
    ).view(len(models), len(models))
    own = float(right.diagonal().mean())
    return {"class_accuracy": float(right.mean()), "own_class_accuracy": own}


def _pairing(size: int, noise: Generator) -> Int[Tensor, " r"]:
    return torch.randperm(size, generator=noise, device=noise.device)


def _sides(
    models: Sequence[Bottleneck], stage: CrossStage
) -> tuple[list[nn.Module], list[nn.Module]]:
    """Return the parts that learn and those that stay."""
    heads: list[nn.Module] = [model.head for model in models]
    encoders: list[nn.Module] = [model.encoder for model in models]
    sides = {"heads": (heads, encoders), "encoders": (encoders, heads)}
    return sides.get(stage.moves, (heads + encoders, []))


def _begin_again(
    models: Sequence[Bottleneck], starts: Sequence[Bottleneck], stage: CrossStage
) -> None:
    moving, _ = _sides(models, stage)
    fresh, _ = _sides(starts, stage)
    for part, start in zip(moving, fresh, strict=True):
        part.load_state_dict(start.state_dict())


def _check(
    models: Sequence[Bottleneck],
    images: ConceptImages,
    stages: Sequence[CrossStage],
    settings: TrainSettings,
    starts: Sequence[Bottleneck] | None,
) -> None:
    if len(models) < 2:
        raise UserError(
            f"crossing the wires of {len(models)} models was asked; give two or more."
        )
    for model in models:
        check_fit(model, images, settings)
        if model.settings != models[0].settings:
            raise UserError(
                f"models of unlike shape were to be crossed, {models[0].settings} and "
                f"{model.settings}; give models built with the same settings."
            )
    if any(stage.is_fresh for stage in stages) and len(starts or ()) != len(models):
        raise UserError(
            f"a fresh stage was asked of {len(models)} models with {len(starts or ())} starts; "
            "give one model to begin as for each."
        )
