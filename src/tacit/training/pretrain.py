"""The supervised loop: next-token loss on rows of tokens, with a schedule, resumable.

Axes: n rows, t positions, b batch.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tacit.base.errors import UserError
from tacit.base.files import write_atomically, written_aside
from tacit.base.folders import differences
from tacit.base.seeds import stream
from tacit.metrics.loss import token_losses

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
        for name in ("warm_up_steps", "weight_decay", "checkpoint_seconds"):
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
    folder: Path | None = None,
    report: Report | None = None,
) -> list[float]:
    """Train ``model`` in place on ``rows``; return the loss of every step, in nats per token.

    ``padding`` marks where a row has ended. With a ``folder`` the state is kept there as it
    goes, and the same call resumes from it to the same weights (on a CPU, with the same number
    of threads). Raises ``UserError`` when the loss is no longer finite, and on a folder that was
    begun with other rows, settings or seed.
    """
    optimiser = _optimiser(model, settings)
    decided = _decided(rows, settings, seed)
    curve = _restore(model, optimiser, folder, decided)
    kept_at = time.monotonic()
    model.train()
    for step in range(len(curve), settings.num_steps):
        for group in optimiser.param_groups:
            group["lr"] = settings.rate_at(step)
        chosen = batch_rows(len(rows), settings.batch_contexts, seed, step)
        loss = _loss(model, torch.from_numpy(rows[chosen]), padding)
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
            _keep(model, optimiser, curve, folder, decided)
            kept_at = time.monotonic()
    model.eval()
    return curve


def _loss(model: nn.Module, ids: Int[Tensor, "b t"], padding: int) -> Tensor:
    mask = ids != padding
    shown = ids.masked_fill(~mask, 0)
    logits = model(input_ids=shown, attention_mask=mask.long()).logits
    return next_token_losses(logits, ids, padding).mean()


def _decided(
    rows: Int[np.ndarray, "n t"], settings: PretrainSettings, seed: int
) -> dict[str, Any]:
    """Return what decides every step, for telling a folder of the same training."""
    digest = hashlib.sha256(np.ascontiguousarray(rows, dtype=np.int64).tobytes())
    plain = {**asdict(settings), "seed": seed, "rows": digest.hexdigest()[:16]}
    return {name: value for name, value in plain.items() if name != "checkpoint_seconds"}


def _keep(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    curve: list[float],
    folder: Path,
    decided: dict[str, Any],
) -> None:
    """Write weights, moments and the curve; the curve's file last, as it names the others."""
    step = len(curve)
    tensors = {
        f"model.{name}": value.contiguous() for name, value in model.state_dict().items()
    }
    for number, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"moment.{number}.{name}": value for name, value in moments.items()}
    with written_aside(folder / f"state-{step}.safetensors") as aside:
        save_file(tensors, aside)
    kept = {"decided": decided, "step": step, "losses": curve}
    write_atomically(folder / "curve.json", json.dumps(kept))
    for old in folder.glob("state-*.safetensors"):
        if old.name != f"state-{step}.safetensors":
            old.unlink()


def _restore(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    folder: Path | None,
    decided: dict[str, Any],
) -> list[float]:
    """Put back what was kept in the folder, if anything; return the curve so far."""
    if folder is None or not (folder / "curve.json").exists():
        return []
    kept = json.loads((folder / "curve.json").read_text())
    wrong = differences(decided, kept.get("decided"))
    if wrong:
        raise UserError(
            f"{folder} holds another training ({'; '.join(wrong)}); give another folder."
        )
    tensors = load_file(folder / f"state-{kept['step']}.safetensors")
    model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("moment."):
            _, number, moment = name.split(".")
            state.setdefault(int(number), {})[moment] = value
    optimiser.load_state_dict(
        {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
    )
    return list(kept["losses"])
