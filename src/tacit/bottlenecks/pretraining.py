"""A trunk that has learned to tell classes of other images, for bottlenecks to begin with.

Axes: n images, b images of a batch, m classes, t rows of one part.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import final

from jaxtyping import Float, Int, UInt8
from torch import Generator, Tensor, nn

from tacit.base.progress import Progress, silent
from tacit.bottlenecks.descent import DescentSettings, Epoch, Learner, by_learner, descend
from tacit.bottlenecks.images import AugmentSettings, ConceptImages, augmented
from tacit.bottlenecks.objectives import class_terms
from tacit.bottlenecks.reading import passed
from tacit.bottlenecks.trunks import Trunk, drawn_from


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Pretrained:
    """A trunk that has learned, and how that went."""

    trunk: Trunk
    history: tuple[Epoch, ...]


def pretrain_trunk(
    trunk: Trunk,
    images: ConceptImages,
    settings: DescentSettings,
    *,
    seed: int,
    augment: AugmentSettings | None = None,
    progress: Progress = silent,
) -> Pretrained:
    """Return a copy of the trunk that learned the classes of images through a linear layer.

    The layer is then thrown away, and concepts are never looked at. ``seed`` draws the layer, the
    order and the variations.
    """
    variations = augment or AugmentSettings()
    num_classes = int(images.classes.max()) + 1
    with drawn_from(seed, "bottlenecks/pretraining"):
        network = nn.Sequential(deepcopy(trunk), nn.Linear(trunk.width, num_classes))
    learner = Learner(module=network, settings=settings, seed=seed)

    def loss_of(
        rows: Int[Tensor, "r b"], noises: Sequence[Generator]
    ) -> dict[str, Float[Tensor, " r"]]:
        pixels: UInt8[Tensor, "b 3 h w"] = images.pixels[rows[0]].to(noises[0].device)
        told = network(augmented(pixels, variations, noises[0]))
        return class_terms(told[None], images.classes[rows].to(told.device))

    def judge() -> list[dict[str, float]]:
        rows = images.validation_rows
        told = passed(network, images.pixels, rows)
        return by_learner(
            class_terms(told[None], images.classes[rows][None].to(told.device))
        )

    descend(
        [learner],
        images.train_rows,
        loss_of,
        judge,
        stage="pretraining",
        watch="class_accuracy",
        progress=progress,
    )
    learned = network[0]
    assert isinstance(learned, Trunk)
    return Pretrained(trunk=learned.eval(), history=tuple(learner.epochs))
