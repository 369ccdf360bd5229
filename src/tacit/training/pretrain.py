"""The supervised loop: next-token loss on rows of tokens, with a schedule, resumable.

Axes: n rows, t positions, b batch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.metrics.loss import token_losses
from tacit.training.kept_training import digest_of_rows, keep, restore

Report = Callable[[int, float], None]
"""Called after a step with its number and its loss in nats per token."""


@dataclass(frozen=True, kw_only=True)
class PretrainSettings:
    """How long and how fast a model is trained."""

    num_steps: int
    """Updates of the weights."""
    batch_contexts: int = 32
    """Rows of tokens in one step."""
    learning_rate: float = 3e-3
    """Peak of the schedule: see ``rate_at``."""
    warm_up_steps: int = 100
    """Steps over which the rate rises linearly; 0 starts at the peak."""
    weight_decay: float = 0.1
    """On matrices only."""
    max_gradient_norm: float = 1.0
    """A longer gradient is shortened to this."""
    replay_contexts: int = 0
    """Rows of ``replay`` that every step reads beside its own."""
    checkpoint_seconds: float = 60.0
    """Time between two saved states; 0 saves after every step."""

    def __post_init__(self) -> None:
        if self.num_steps < 1 or self.batch_contexts < 1:
            raise UserError(
                f"training for {self.num_steps} steps of {self.batch_contexts} contexts was "
                "asked for; both must be 1 or more."
            )
        for name in ("learning_rate", "max_gradient_norm"):
            if not 0 < vars(self)[name] < math.inf:
                raise UserError(f"{name} is {vars(self)[name]}; it must be positive.")
        for name in (
            "warm_up_steps",
            "weight_decay",
            "replay_contexts",
            "checkpoint_seconds",
        ):
            if not 0 <= vars(self)[name] < math.inf:
                raise UserError(f"{name} is {vars(self)[name]}; it must be 0 or more.")

    def rate_at(self, step: int) -> float:
        """Return the learning rate of one step (0-based).

        A cosine from ``learning_rate`` at step 0 to a tenth of it at ``num_steps``, times the
        warm-up's straight line to 1.
        """
        warm = min(1.0, (step + 1) / max(1, self.warm_up_steps))
        return (
            self.learning_rate
            * warm
            * (0.55 + 0.45 * math.cos(math.pi * step / self.num_steps))
        )


def next_token_losses(logits: Tensor, ids: Int[Tensor, "b t"], padding: int) -> Tensor:
    """Return the loss in nats of each next token, flat in reading order, padding left out."""
    targets = ids[:, 1:]
    stands = targets != padding
    return token_losses(logits[:, :-1][stands], targets[stands])


def batch_rows(num_rows: int, batch: int, seed: int, step: int) -> Int[np.ndarray, " b"]:
    """Return the rows of one step: epochs without replacement, any step found at once."""
    first = step * batch
    rows: list[int] = []
    while len(rows) < batch:
        epoch, place = divmod(first + len(rows), num_rows)
        order = stream(seed, f"training/order/{epoch}").permutation(num_rows)
        rows += order[place : place + batch - len(rows)].tolist()
    return np.array(rows)


def _optimiser(model: nn.Module, settings: PretrainSettings) -> torch.optim.AdamW:
    """Return AdamW with weight decay on matrices alone."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups, lr=settings.learning_rate, betas=(0.9, 0.98), fused=True
    )


def pretrain(
    model: nn.Module,
    rows: Int[np.ndarray, "n t"],
    settings: PretrainSettings,
    *,
    padding: int,
    seed: int,
    counted: Bool[np.ndarray, "n t"] | None = None,
    replay: Int[np.ndarray, "m s"] | None = None,
    folder: Path | None = None,
    report: Report | None = None,
) -> list[float]:
    """Train ``model`` in place on ``rows``; return the loss of every step, in nats per token.

    ``padding`` marks where a row has ended. ``counted``: the tokens whose prediction is learnt, by
    default all. ``replay``: rows that are read beside, all their tokens counted. With a ``folder``
    the state is kept there as it goes, and the same call resumes from it to the same weights (on
    a CPU, with the same number of threads). Raises ``UserError`` when the loss is no longer
    finite, and on a folder that was begun with other rows, settings or seed.
    """
    optimiser = _optimiser(model, settings)
    if (settings.replay_contexts > 0) != (replay is not None):
        raise UserError(
            f"replay_contexts is {settings.replay_contexts} and rows to replay were "
            f"{'not ' if replay is None else ''}given; give both or neither."
        )
    decided = _decided(rows, settings, seed, counted, replay)
    curve = restore(model, optimiser, folder, decided)
    kept_at = time.monotonic()
    model.train()
    for step in range(len(curve), settings.num_steps):
        for group in optimiser.param_groups:
            group["lr"] = settings.rate_at(step)
        chosen = batch_rows(len(rows), settings.batch_contexts, seed, step)
        batch = rows[chosen]
        taken = batch != padding if counted is None else counted[chosen]
        if replay is not None:
            again = batch_rows(len(replay), settings.replay_contexts, seed, step)
            batch, taken = _joined(batch, taken, replay[again], padding)
        loss = _loss(model, torch.from_numpy(batch), torch.from_numpy(taken), padding)
        if not torch.isfinite(loss):
            raise UserError(
                f"training diverged at step {step} (loss {loss.item()}); lower learning_rate "
                f"from {settings.learning_rate}."
            )
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings.max_gradient_norm)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        curve.append(loss.item())
        if report is not None:
            report(step, curve[-1])
        last = step + 1 == settings.num_steps
        if folder is not None and (
            last or time.monotonic() - kept_at > settings.checkpoint_seconds
        ):
            keep(model, optimiser, curve, folder, decided)
            kept_at = time.monotonic()
    model.eval()
    return curve


def _joined(
    batch: Int[np.ndarray, "b t"],
    taken: Bool[np.ndarray, "b t"],
    again: Int[np.ndarray, "c s"],
    padding: int,
) -> tuple[Int[np.ndarray, "d u"], Bool[np.ndarray, "d u"]]:
    """Return a step's own rows with the replayed ones under them."""
    length = max(batch.shape[1], again.shape[1])
    ids = np.full((len(batch) + len(again), length), padding, dtype=batch.dtype)
    counts = np.zeros(ids.shape, dtype=bool)
    ids[: len(batch), : batch.shape[1]], counts[: len(batch), : batch.shape[1]] = (
        batch,
        taken,
    )
    ids[len(batch) :, : again.shape[1]] = again
    counts[len(batch) :] = ids[len(batch) :] != padding
    return ids, counts


def _loss(
    model: nn.Module, ids: Int[Tensor, "b t"], taken: Bool[Tensor, "b t"], padding: int
) -> Tensor:
    """Return the mean loss of the tokens taken, where the model is."""
    device = next(model.parameters()).device
    ids, taken = ids.to(device), taken.to(device)
    mask = ids != padding
    logits = model(input_ids=ids.masked_fill(~mask, 0), attention_mask=mask.long()).logits
    return next_token_losses(logits, ids.masked_fill(~taken, padding), padding).mean()


def _decided(
    rows: Int[np.ndarray, "n t"],
    settings: PretrainSettings,
    seed: int,
    counted: Bool[np.ndarray, "n t"] | None,
    replay: Int[np.ndarray, "m s"] | None,
) -> dict[str, Any]:
    """Return what decides every step, for telling a folder of the same training."""
    given = {"rows": rows, "counted": counted, "replay": replay}
    plain = {**asdict(settings), "seed": seed}
    plain |= {
        name: digest_of_rows(each) for name, each in given.items() if each is not None
    }
    left_out = {"checkpoint_seconds"} | (
        set() if replay is not None else {"replay_contexts"}
    )
    return {name: value for name, value in plain.items() if name not in left_out}
