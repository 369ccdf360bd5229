"""One step's update: which rows are run, in what passes, and what comes of them.

Axes: b rows, c rows of a pass, n counted tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from tacit.base.errors import UserError
from tacit.models.subject import Subject
from tacit.training.grpo.advantages import advantages
from tacit.training.grpo.episodes import Graded
from tacit.training.grpo.figures import StepFigures
from tacit.training.grpo.losses import k3_divergences, policy_losses, ratios
from tacit.training.grpo.processes import Processes
from tacit.training.grpo.rows import Rows, rows_of
from tacit.training.grpo.settings import GrpoSettings


@final
@dataclass(kw_only=True, eq=False)
class _Step:
    """One step's rows, and what its passes add up to in this process."""

    number: int
    rows: Rows
    advantages: Float[Tensor, " b"]
    all_tokens: float
    """Counted, in every process."""
    loss: float = 0.0
    divergence: float = 0.0
    measured_tokens: int = 0
    """Whose divergence has been added up."""
    norms: list[float] = field(default_factory=list)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Learner:
    """A policy in training."""

    policy: Subject
    run: Any
    """The policy's model as the processes run it."""
    optimiser: Any
    weights: list[nn.Parameter]
    reference: Subject | None
    settings: GrpoSettings
    processes: Processes

    def step(self, number: int, graded: Graded, rng: np.random.Generator) -> StepFigures:
        """Update the policy from graded episodes; return what is recorded of it."""
        episodes = graded.episodes
        rows = rows_of(episodes, self.settings, self.policy.device)
        found = advantages(
            graded.rewards,
            episodes.groups,
            episodes.is_excluded,
            scale_by_deviation=self.settings.scale_by_deviation,
        )
        teaches = rows.with_tokens & ((found.values != 0) | (self.settings.kl_weight > 0))
        step = _Step(
            number=number,
            rows=rows,
            advantages=torch.from_numpy(found.values).float().to(rows.ids.device),
            all_tokens=self.processes.summed({"tokens": int(rows.counted.sum())})["tokens"],
        )
        if not self.settings.kl_weight:
            # One row stands for its group, as they are drawn alike.
            able = np.flatnonzero(rows.with_tokens)
            self._measure(
                step, able[np.unique(episodes.groups[able], return_index=True)[1]]
            )
        self._update(step, np.flatnonzero(teaches), rng)
        return self._figures(step, graded, teaches, found.equal_groups)

    def _measure(self, step: _Step, rows: Int[np.ndarray, " c"]) -> None:
        """Add up the divergence of the rows from the reference, if there is one."""
        if self.reference is None:
            return
        for own in step.rows.passes(rows, self.settings.rows_at_once):
            reference = self._without_gradient(step, own, self.reference)
            policy = self._without_gradient(step, own, self.policy)
            self._divergences(step, policy, reference)

    def _update(
        self, step: _Step, rows: Int[np.ndarray, " c"], rng: np.random.Generator
    ) -> None:
        several, parts = self.settings.minibatches, [rows]
        if several > 1:
            parts = np.array_split(rng.permutation(rows), several)
        plan = [step.rows.passes(part, self.settings.rows_at_once) for part in parts]
        # In one minibatch every row is run at the weights that the step began with.
        writer = self.policy if several > 1 else None
        before = [
            [self._without_gradient(step, own, writer) for own in each] for each in plan
        ]
        for passes, olds in zip(plan, before, strict=True):
            count = self.processes.most(len(passes))
            for number in range(count):
                with self.processes.adding_up(self.run, is_last=number + 1 == count):
                    if number < len(passes):
                        loss = self._loss(step, passes[number], olds[number])
                        loss = loss * (several / step.all_tokens)
                    else:  # the others have more passes, and wait for this process
                        loss = 0 * step.rows.log_probs(self.run, np.zeros(1, int)).sum()
                    self.processes.backward(loss)
            if count:
                longest = self.settings.max_gradient_norm
                step.norms.append(self.processes.shortened(self.weights, longest))
                self.optimiser.step()
                self.optimiser.zero_grad(set_to_none=True)

    def _loss(
        self, step: _Step, rows: Int[np.ndarray, " c"], before: Float[Tensor, " n"] | None
    ) -> Tensor:
        """Return the sum over the rows' counted tokens."""
        weight = self.settings.kl_weight
        reference = self._without_gradient(step, rows, self.reference if weight else None)
        log_probs = step.rows.log_probs(self.run, rows)
        every = step.advantages[:, None].expand(step.rows.ids.shape)
        own = step.rows.of_tokens(every, rows)
        moved = ratios(log_probs, before)
        losses = policy_losses(moved, own, self.settings.clip)
        if reference is not None:
            divergences = self._divergences(step, log_probs, reference)
            losses = losses + weight * moved * divergences
        loss = losses.sum()
        step.loss += self._finite(step, "loss", loss)
        return loss

    def _divergences(
        self, step: _Step, log_probs: Float[Tensor, " n"], reference: Float[Tensor, " n"]
    ) -> Float[Tensor, " n"]:
        """Return the divergence from the reference at each token, and add it up."""
        found = k3_divergences(log_probs, reference)
        step.divergence += self._finite(step, "divergence from the reference", found.sum())
        step.measured_tokens += len(found)
        return found

    def _without_gradient(
        self, step: _Step, rows: Int[np.ndarray, " c"], subject: Subject | None
    ) -> Any:
        """Return the log probability of each counted token of the rows; None of no subject."""
        if subject is None:
            return None
        with torch.no_grad():
            return step.rows.log_probs(subject.model, rows)

    def _finite(self, step: _Step, what: str, total: Tensor) -> float:
        value = total.item()
        if not math.isfinite(value):
            raise UserError(
                f"GRPO's {what} is {value} at step {step.number}; lower learning_rate from "
                f"{self.settings.learning_rate}, or begin from a policy whose logits are finite."
            )
        return value

    def _figures(
        self, step: _Step, graded: Graded, trained: Bool[np.ndarray, " b"], equal: int
    ) -> StepFigures:
        """Return what is recorded, over all processes."""
        episodes, rows = graded.episodes, step.rows
        counted, kept = rows.counted.cpu(), ~episodes.is_excluded
        sums = self.processes.summed(
            {
                "rows": len(kept),
                "kept": int(kept.sum()),
                "trained": int(trained.sum()),
                "equal": equal,
                "tokens": int(counted[torch.from_numpy(trained)].sum()),
                "written": float(episodes.log_probs.cpu()[counted].double().sum()),
                "loss": step.loss,
                "divergence": step.divergence,
                "measured": step.measured_tokens,
                "reward": float(graded.rewards[kept].sum()),
                **{
                    f"part {name}": float(x[kept].sum()) for name, x in graded.parts.items()
                },
            }
        )

        def mean(name: str, of: float) -> float | None:
            return sums[name] / of if of else None

        surprise = mean("written", step.all_tokens)
        parts = {name: mean(f"part {name}", sums["kept"]) for name in graded.parts}
        return StepFigures(
            step=step.number,
            reward=mean("reward", sums["kept"]),
            parts={name: value for name, value in parts.items() if value is not None},
            loss=mean("loss", step.all_tokens),
            kl=mean("divergence", sums["measured"]),
            entropy=None if surprise is None else -surprise,
            gradient_norm=float(np.mean(step.norms)) if step.norms else 0.0,
            rows=int(sums["rows"]),
            rows_trained=int(sums["trained"]),
            excluded_rows=int(sums["rows"] - sums["kept"]),
            equal_groups=int(sums["equal"]),
            counted_tokens=int(step.all_tokens),
            tokens_trained=int(sums["tokens"]),
        )
