"""What a run would take, before it is started."""

from __future__ import annotations

import time
from typing import get_args

import torch

from tacit.base.seeds import stream
from tacit.studies.small_transformers.settings import Fit, SmallSettings
from tacit.studies.small_transformers.subjects import is_shipped
from tacit.training.train_subject import build

TIMED_STEPS = 3
FLOAT_BYTES = 4
COPIES = 4
"""A weight, its gradient and two moments."""
MLP = 4
"""Width of the MLP over that of the residual stream."""


def dims_of(width: int, which: Fit) -> int:
    """Return the width of the rows that a fit reads."""
    return width if which == "embedding" else MLP * width


def memory_of(settings: SmallSettings) -> int:
    """Return the bytes held at once: on each thread the dictionaries of the widest main fit."""
    dims = dims_of(max(settings.subject.widths), "main")
    weights = sum(2 * ratio * dims * dims for ratio in settings.ratios)
    rows = settings.batch * max(settings.ratios) * dims
    mixed = settings.tokens * dims  # shuffled rows are in memory
    fit = FLOAT_BYTES * (COPIES * weights + 4 * rows + mixed)
    return min(torch.get_num_threads(), len(settings.subjects)) * fit


def seconds_of(settings: SmallSettings, width: int) -> float:
    """Return how long one transformer of a width takes: training, then all its fits."""
    fits = sum(
        _seconds_of_step(settings, ratio, dims_of(width, which))
        for which in get_args(Fit)
        for ratio in settings.ratios_of(which)
    )
    missing = [
        seed
        for seed in settings.seeds
        if not is_shipped(settings.subject.recipe(settings.source, width, seed))
    ]
    training = _seconds_of_training(settings, width) if missing else 0.0
    return settings.steps * fits + settings.subject.steps * training


def _seconds_of_step(settings: SmallSettings, ratio: int, dims: int) -> float:
    raw = stream(0, "studies/small/cost").standard_normal((settings.batch, dims))
    block, method = torch.from_numpy(raw).float(), settings.method(ratio * dims, 1.0)
    state = method.initial(0, block, num_steps=settings.steps)
    state, _ = method.step(state, block)  # warm
    began = time.perf_counter()
    for _ in range(TIMED_STEPS):
        state, _ = method.step(state, block)
    return (time.perf_counter() - began) / TIMED_STEPS


def _seconds_of_training(settings: SmallSettings, width: int) -> float:
    subject = settings.subject
    model = build(subject.recipe(settings.source, width, 0))
    ids = torch.zeros(subject.batch_contexts, subject.context_tokens, dtype=torch.long)
    began = 0.0
    for step in range(TIMED_STEPS + 1):
        if step == 1:
            began = time.perf_counter()
        model(input_ids=ids, labels=ids).loss.backward()
    return (time.perf_counter() - began) / TIMED_STEPS
