"""The one loop in which anything here learns: epochs, orders by seed, patience, the best kept.

Several learners may go side by side, each with its own order and noise; what one learns does not
depend on who goes beside it. Axes: r learners, b rows of a batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Generator, Tensor, nn

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.base.seeds import stream, torch_seed
from tacit.bottlenecks.trunks import drawn_from


class DescentSettings(Configuration):
    """How long and how fast something learns; by default as the study of hidden information did."""

    num_epochs: int = Field(default=150, ge=1)
    batch_images: int = Field(default=24, ge=1)
    """An epoch is cut into as many batches of this size as fit whole; each takes its share of
    the images left over, so none is skipped and no batch is smaller."""
    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = Field(default=1e-3, gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Of SGD; AdamW takes it as its first beta."""
    weight_decay: float = Field(default=2e-4, ge=0)
    schedule: Literal["constant", "cosine"] = "constant"
    """``cosine`` falls from the learning rate to 0 over all epochs."""
    patience: int | None = Field(default=100, ge=1)
    """Epochs without a better validation score after which it ends; none: it never does."""
    keep_best: bool = True
    """Whether the weights are those of the best epoch by validation, and not the last ones."""

    def rate_at(self, done: float) -> float:
        """Return the learning rate when a share of all epochs is done."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * (1 + math.cos(math.pi * done)) / 2


@final
@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What one epoch of one learner measured, by name: losses and shares that were right."""

    stage: str
    number: int
    train: Mapping[str, float]
    """Means over the epoch's batches as they were learned from: varied, with dropout."""
    validation: Mapping[str, float]


@final
@dataclass(kw_only=True, eq=False)
class Learner:
    """What moves, how, and the seed of its order and noise."""

    module: nn.Module
    settings: DescentSettings
    seed: int
    epochs: list[Epoch] = field(default_factory=list[Epoch])
    best: float = -math.inf
    best_epoch: int = 0
    has_stopped: bool = False
    kept: dict[str, Tensor] | None = None

    def take_in(self, epoch: Epoch, watch: str) -> None:
        """Record an epoch; keep the weights if they are the best, and stop out of patience."""
        if self.has_stopped:
            return
        self.epochs.append(epoch)
        score, patience = epoch.validation[watch], self.settings.patience
        if score > self.best:
            self.best, self.best_epoch = score, epoch.number
        self.has_stopped = (
            patience is not None and epoch.number - self.best_epoch >= patience
        )
        is_best = self.best_epoch == epoch.number
        if is_best if self.settings.keep_best else self.has_stopped:
            state = self.module.state_dict()
            self.kept = {name: value.clone() for name, value in state.items()}


LossOf = Callable[
    [Int[Tensor, "r b"], Sequence[Generator]], Mapping[str, Float[Tensor, " r"]]
]
"""From the rows and the noise of each learner to what is measured, ``loss`` among it."""
Judge = Callable[[], Sequence[Mapping[str, float]]]
"""What validation says of each learner as it stands."""


def descend(
    learners: Sequence[Learner],
    rows: Int[Tensor, " n"],
    loss_of: LossOf,
    judge: Judge,
    *,
    stage: str,
    watch: str,
    progress: Progress = silent,
) -> None:
    """Let every learner's module learn in place from the rows.

    ``watch``: the validation score that patience and the best weights go by; higher is better.

    Raises:
        UserError: for batches of one image, or when a loss is no longer finite.
    """
    settings = _shared_settings(learners)
    optimiser = _optimiser(learners)
    noises = [_noise(learner, stage) for learner in learners]
    total = settings.num_epochs * len(rows)
    with (
        # For layers of a library's that drop by torch's own generator.
        drawn_from(learners[0].seed, f"bottlenecks/{stage}/layers"),
        progress(stage, total, "images") as advance,
    ):
        for number in range(settings.num_epochs):
            orders = torch.stack([_order(each, stage, number, rows) for each in learners])
            train = _one_epoch(
                learners, optimiser, orders, noises, loss_of, (stage, number)
            )
            for learner in learners:
                learner.module.eval()
            with torch.no_grad():
                judged = judge()
            for learner, of_train, told in zip(learners, train, judged, strict=True):
                epoch = Epoch(stage=stage, number=number, train=of_train, validation=told)
                learner.take_in(epoch, watch)
            advance(len(rows))
            if all(learner.has_stopped for learner in learners):
                break
    for learner in learners:
        if learner.kept is not None:
            learner.module.load_state_dict(learner.kept)


def _one_epoch(
    learners: Sequence[Learner],
    optimiser: torch.optim.Optimizer,
    orders: Int[Tensor, "r n"],
    noises: Sequence[Generator],
    loss_of: LossOf,
    where: tuple[str, int],
) -> list[dict[str, float]]:
    """Learn from every row once; return the means of what was measured, by learner."""
    settings, (stage, number) = learners[0].settings, where
    num_rows = orders.shape[1]
    num_batches = max(1, num_rows // settings.batch_images)
    sums: dict[str, Tensor] = {}
    for learner in learners:
        learner.module.train()
    for step, batch in enumerate(orders.tensor_split(num_batches, dim=1)):
        done = (number + step / num_batches) / settings.num_epochs
        for group, learner in zip(optimiser.param_groups, learners, strict=True):
            group["lr"] = learner.settings.rate_at(done)
        measured = loss_of(batch, noises)
        _check_finite(measured["loss"], stage, number * num_batches + step, learners)
        optimiser.zero_grad(set_to_none=True)
        measured["loss"].sum().backward()
        optimiser.step()
        for name, value in measured.items():
            sums[name] = sums.get(name, 0) + value.detach() * batch.shape[1]
    return by_learner({name: value / num_rows for name, value in sums.items()})


def by_learner(measured: Mapping[str, Float[Tensor, " r"]]) -> list[dict[str, float]]:
    """Return what was measured of all learners, one table for each."""
    lists = {name: value.tolist() for name, value in measured.items()}
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _shared_settings(learners: Sequence[Learner]) -> DescentSettings:
    """Return the first learner's settings, having checked what learners side by side share."""
    first = learners[0].settings
    for name in ("num_epochs", "batch_images", "optimiser"):
        found = {vars(learner.settings)[name] for learner in learners}
        if len(found) > 1:
            raise UserError(
                f"learners side by side were given {name} {sorted(found)}; give all the same, or "
                "train them one after another."
            )
    if first.batch_images < 2:
        raise UserError(
            "batches of one image were asked for: a batch norm has nothing to compare it with. "
            "Set batch_images to 2 or more."
        )
    return first


def _optimiser(learners: Sequence[Learner]) -> torch.optim.Optimizer:
    """Return one optimiser with a group of settings for each learner."""
    groups: list[dict[str, object]] = []
    is_sgd = learners[0].settings.optimiser == "sgd"
    for learner in learners:
        settings = learner.settings
        of_kind = (
            {"momentum": settings.momentum}
            if is_sgd
            else {"betas": (settings.momentum, 0.999)}
        )
        moving = [each for each in learner.module.parameters() if each.requires_grad]
        rates = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
        groups.append({"params": moving, **rates, **of_kind})
    return torch.optim.SGD(groups) if is_sgd else torch.optim.AdamW(groups)


def _noise(learner: Learner, stage: str) -> Generator:
    device = next(learner.module.parameters()).device
    seed = torch_seed(learner.seed, f"bottlenecks/{stage}/noise")
    return Generator(device).manual_seed(seed)


def _order(
    learner: Learner, stage: str, number: int, rows: Int[Tensor, " n"]
) -> Int[Tensor, " n"]:
    """Return the rows in one learner's order of one epoch."""
    rng = stream(learner.seed, f"bottlenecks/{stage}/order/{number}")
    return rows[torch.from_numpy(rng.permutation(len(rows)).astype(np.int64))]


def _check_finite(
    losses: Float[Tensor, " r"], stage: str, step: int, learners: Sequence[Learner]
) -> None:
    wrong = (~torch.isfinite(losses)).nonzero().flatten().tolist()
    if wrong:
        place = wrong[0]
        raise UserError(
            f"the loss of {stage} is {losses[place].item()} at step {step} (counted from 0); lower "
            f"its learning_rate from {learners[place].settings.learning_rate:g}."
        )
