"""Class heads that learn from rows of concepts: many side by side, each as if it were alone.

Axes: r heads, n rows, b rows of a batch, c concepts and slots, m classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.bottlenecks.descent import DescentSettings, Epoch, Learner, by_learner, descend
from tacit.bottlenecks.networks import ClassHead, dropped
from tacit.bottlenecks.objectives import class_terms

Noises = Sequence[Generator] | None


def train_heads(
    heads: Sequence[ClassHead],
    read: Sequence[Float[Tensor, "n c"]],
    classes: Int[Tensor, " n"],
    settings: Sequence[DescentSettings],
    *,
    seeds: Sequence[int],
    train_rows: Int[Tensor, " t"],
    validation_rows: Int[Tensor, " v"],
    progress: Progress = silent,
) -> list[tuple[Epoch, ...]]:
    """Let heads learn in place, each from its own rows, with its own settings and seed.

    ``read``: what each head reads, already in the form that it carries. All go in one pass over
    stacked weights; the heads must be of one shape, and settings may differ in rates.

    Returns:
        The epochs of each head.

    Raises:
        UserError: for other numbers of rows, settings or seeds than of heads, and where
            ``descend`` refuses.
    """
    if not len(heads) == len(read) == len(settings) == len(seeds):
        raise UserError(
            f"{len(heads)} heads were given with {len(read)} arrays of rows, {len(settings)} "
            f"settings and {len(seeds)} seeds; give one of each for every head."
        )
    learners = [
        Learner(module=head, settings=each, seed=seed)
        for head, each, seed in zip(heads, settings, seeds, strict=True)
    ]
    device = read[0].device
    classes = classes.to(device)

    def told(rows: Int[Tensor, "r b"], noises: Noises) -> Mapping[str, Float[Tensor, " r"]]:
        rows = rows.to(device)
        values = torch.stack([each[few] for each, few in zip(read, rows, strict=True)])
        return class_terms(stacked_logits(heads, values, noises), classes[rows])

    def judge() -> list[dict[str, float]]:
        return by_learner(told(validation_rows.expand(len(heads), -1), None))

    descend(
        learners,
        train_rows,
        told,
        judge,
        stage="heads",
        watch="class_accuracy",
        progress=progress,
    )
    return [tuple(learner.epochs) for learner in learners]


def stacked_logits(
    heads: Sequence[ClassHead], read: Float[Tensor, "r b c"], noises: Noises = None
) -> Float[Tensor, "r b m"]:
    """Return the class logits of each head on its own rows, as ``decide`` gives them one by one."""
    read = each_dropped(read, [head.settings.concept_dropout for head in heads], noises)
    for layers in zip(*(head.layers[:-1] for head in heads), strict=True):
        read = torch.relu(stacked_linear(layers, read))
        read = each_dropped(read, [head.settings.head_dropout for head in heads], noises)
    return stacked_linear([head.layers[-1] for head in heads], read)


def stacked_linear(
    layers: Sequence[nn.Module], rows: Float[Tensor, "r b i"]
) -> Float[Tensor, "r b o"]:
    """Return what each linear layer makes of its own rows, in one product."""
    weights = torch.stack([layer.get_parameter("weight") for layer in layers])
    biases = torch.stack([layer.get_parameter("bias") for layer in layers])
    return torch.baddbmm(biases[:, None], rows, weights.transpose(1, 2))


def each_dropped(
    values: Float[Tensor, "r b c"], shares: Sequence[float], noises: Noises
) -> Float[Tensor, "r b c"]:
    """Return each learner's values with its share dropped by its own noise."""
    if noises is None or not any(shares):
        return values
    each = zip(values, shares, noises, strict=True)
    return torch.stack([dropped(rows, share, noise) for rows, share, noise in each])
