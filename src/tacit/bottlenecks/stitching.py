"""What a head reads of another run's encoder once a linear map between them has been learned.

An extra beside ``swap``, never instead: trained stitches succeed between networks that share
nothing too (Smith et al. 2025, "Functional Alignment Can Mislead"). Axes: r runs, n images, t rows
of one part, c concepts and slots, m classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor, nn

from tacit.base.progress import Progress, silent
from tacit.bottlenecks.descent import DescentSettings, Learner, by_learner, descend
from tacit.bottlenecks.heads import stacked_linear, stacked_logits
from tacit.bottlenecks.networks import ClassHead, carried
from tacit.bottlenecks.objectives import class_terms
from tacit.bottlenecks.reading import device_of, frozen


def stitch(
    concept_logits: Sequence[Float[np.ndarray, "n c"]],
    heads: Sequence[ClassHead],
    classes: Int[np.ndarray, " n"],
    settings: DescentSettings,
    *,
    seed: int,
    train_rows: Int[np.ndarray, " t"],
    validation_rows: Int[np.ndarray, " v"],
    test_rows: Int[np.ndarray, " h"],
    progress: Progress = silent,
) -> Bool[np.ndarray, "r r h"]:
    """Return whether each test image is told right by encoder i, a learned map and head j.

    A map of concept logits begins as the identity and learns the classes, its head as it is
    (Bansal et al. 2021, arXiv:2106.07682). All pairs go in one pass, own pairs among them.
    """
    size, device = len(heads), device_of(heads[0])
    logits = torch.from_numpy(np.stack(concept_logits)).float().to(device)
    labels = torch.from_numpy(classes.astype(np.int64)).to(device)
    # Pair p is encoder p // size with head p % size.
    maps = [_identity(logits.shape[2]).to(device) for _ in range(size * size)]
    readers = [head for _ in range(size) for head in heads]
    learners = [Learner(module=each, settings=settings, seed=seed) for each in maps]
    encoders = torch.arange(size, device=device).repeat_interleave(size)

    def told(rows: Int[Tensor, "p b"]) -> Float[Tensor, "p b m"]:
        mapped = stacked_linear(maps, logits[encoders[:, None], rows])
        each = zip(mapped, readers, strict=True)
        read = [carried(few, head.settings.carries) for few, head in each]
        return stacked_logits(readers, torch.stack(read))

    def loss_of(
        rows: Int[Tensor, "p b"], noises: Sequence[Generator]
    ) -> dict[str, Float[Tensor, " p"]]:
        del noises
        return class_terms(told(rows.to(device)), labels[rows.to(device)])

    def every(rows: Int[np.ndarray, " t"]) -> Int[Tensor, "p t"]:
        return torch.from_numpy(rows.astype(np.int64)).expand(len(maps), -1)

    with frozen(*heads):
        descend(
            learners,
            every(train_rows)[0],
            loss_of,
            lambda: by_learner(loss_of(every(validation_rows), ())),
            stage="stitches",
            watch="class_accuracy",
            progress=progress,
        )
        with torch.no_grad():
            rows = every(test_rows).to(device)
            right = told(rows).argmax(dim=2) == labels[rows]
    return right.view(size, size, -1).cpu().numpy()


def _identity(width: int) -> nn.Linear:
    layer = nn.Linear(width, width)
    nn.init.eye_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
