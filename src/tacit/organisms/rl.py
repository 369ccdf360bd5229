"""RL on monitored prompts under a mitigation, and what is recorded of every step.

Axes: b rows of a step, those of one prompt together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

import numpy as np

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.models.subject import Subject
from tacit.organisms.mitigations.mitigation import Mitigation
from tacit.organisms.mitigations.starting import frozen_copy
from tacit.organisms.rewarding import Reward, check_blind, output_rewards, reward_of
from tacit.organisms.rl_settings import RlSettings
from tacit.organisms.rl_steps import PlayedStep, RlStep, StepLog, format_lost_at
from tacit.organisms.tiers.played import Played, episodes_of
from tacit.organisms.tiers.playing import play
from tacit.organisms.tiers.prompts import Prompt, draw_prompts
from tacit.organisms.tiers.words import UNWATCHED
from tacit.training.grpo import Graded, GrpoSettings, StepFigures, grpo

__all__ = ["RlSettings", "RlStep", "format_lost_at", "train_under"]


def train_under(
    policy: Subject,
    mitigation: Mitigation,
    settings: RlSettings,
    *,
    seed: int,
    base: Subject | None = None,
    reference: Subject | None = None,
    reward: Reward | None = None,
    folder: Path | None = None,
    report: Callable[[RlStep], None] | None = None,
    look: Callable[[int, Subject], None] | None = None,
    look_every: int = 5,
) -> list[RlStep]:
    """Train ``policy.model`` in place under an arm; return every step.

    The same seed gives every arm the same requests and draws, step by step. ``base`` answers where
    the arm has a separate answerer. ``reference``: what the divergence is from, by default the
    policy as given. ``reward`` grades an output in place of ``reward_of``. ``look(step, policy)``
    is called after every ``look_every`` steps and after the last, ``step`` being those done. With
    a ``folder`` a killed run goes on from there, given the policy it began with.

    Raises:
        UserError: for a reward that sees the tier, an arm that would train on unmonitored prompts
            and does not say so, a classifier whose probabilities are none.
    """
    if reward is not None:
        check_blind(reward)
    arm = _Arm(
        mitigation=mitigation.prepared(policy, seed),
        settings=settings,
        reward=reward or partial(reward_of, settings=settings),
        answerer=_answerer(mitigation, base),
        log=StepLog(folder, f"{mitigation!r} under {_decided(settings)}"),
        seed=seed,
    )
    steps: list[RlStep] = []

    def told(figures: StepFigures) -> None:
        steps.append(RlStep(update=figures, played=arm.log.steps[figures.step]))
        if report is not None:
            report(steps[-1])
        done = figures.step + 1
        if look is not None and (not done % look_every or done == settings.num_steps):
            look(done, policy)

    was_frozen = not any(each.requires_grad for each in policy.model.parameters())
    if was_frozen:
        policy.model.requires_grad_(True)
    every = grpo(
        policy,
        arm.graded,
        _update_of(mitigation, settings),
        seed=seed,
        reference=_reference(mitigation, settings, policy, reference),
        folder=folder,
        report=told,
    )
    if was_frozen:
        policy.model.requires_grad_(False)
    before = every[: len(every) - len(steps)]  # of an earlier call
    return [
        *(RlStep(update=each, played=arm.log.steps[each.step]) for each in before),
        *steps,
    ]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Arm:
    """An arm that is ready, and how its episodes are played and graded."""

    mitigation: Mitigation
    settings: RlSettings
    reward: Reward
    answerer: Subject | None
    log: StepLog
    seed: int

    def graded(self, policy: Subject, step: int) -> Graded:
        """Return the graded episodes of a step."""
        trained, played = self._played(policy, step)
        parts = {
            **output_rewards(played, self.reward, self.settings),
            **self.mitigation.rewards(played, policy),
        }
        found = PlayedStep.of(played, self.mitigation.counts(played, parts))
        self.log.write(step, found)
        rows = self.settings.group_rows
        return Graded(
            episodes=episodes_of(played, trained_as=_rows(trained, rows), group_rows=rows),
            rewards=np.sum(list(parts.values()), axis=0),
            parts=parts,
        )

    def _played(self, policy: Subject, step: int) -> tuple[list[Prompt], Played]:
        """Return a step's prompts of the update, one a group, and what was written."""
        given, rows = self.settings, self.settings.group_rows
        prompts = draw_prompts(
            given.num_prompts, stream(self.seed, f"organisms/rl/prompts/{step}")
        )
        rng = stream(self.seed, f"organisms/rl/shown/{step}")
        shown = self.mitigation.shown(prompts, rng)
        trained = self.mitigation.trained_as(shown)
        self._check_prompts(shown, trained)
        seeds = stream(self.seed, f"organisms/rl/rows/{step}").integers(
            2**31, size=len(shown) * rows
        )
        return trained, play(
            policy,
            _rows(shown, rows),
            seeds.tolist(),
            max_new_tokens=given.max_new_tokens,
            group_rows=rows,
            shares_scratchpads=self.mitigation.shares_scratchpads,
            question=self.mitigation.question,
            answerer=self.answerer,
        )

    def _check_prompts(self, shown: Sequence[Prompt], trained: Sequence[Prompt]) -> None:
        if shown != trained and not self.mitigation.swaps_prompts:
            raise UserError(
                f"the arm {self.mitigation.name!r} trains as if under other prompts than it shows; "
                "set swaps_prompts where that is its idea: divergences are not measured then."
            )
        if self.mitigation.trains_unmonitored:
            return
        for prompt in (*shown, *trained):
            if prompt.tier == UNWATCHED:
                raise UserError(
                    f"the arm {self.mitigation.name!r} would train on the unmonitored prompt "
                    f"{' '.join(prompt.words())!r}; set trains_unmonitored where that is its idea."
                )


def _rows(prompts: Sequence[Prompt], group_rows: int) -> list[Prompt]:
    return [prompt for prompt in prompts for _ in range(group_rows)]


def _answerer(mitigation: Mitigation, base: Subject | None) -> Subject | None:
    if not mitigation.separate_answerer:
        return None
    if base is None:
        raise UserError(
            f"in the arm {mitigation.name!r} a copy of the base answers, and no base was given; "
            "give base=load_base(...)."
        )
    return frozen_copy(base)


def _reference(
    mitigation: Mitigation, settings: RlSettings, policy: Subject, given: Subject | None
) -> Subject | None:
    """Return what divergence is measured from; None where its estimate would mean nothing.

    It is of tokens drawn under the prompt that they are read under.
    """
    if mitigation.kl_weight or (settings.measures_kl and not mitigation.swaps_prompts):
        return given or frozen_copy(policy)
    return None


def _decided(settings: RlSettings) -> dict[str, object]:
    """Return the settings that decide the episodes."""
    return settings.model_dump(exclude={"checkpoint_seconds", "rows_at_once"})


def _update_of(mitigation: Mitigation, settings: RlSettings) -> GrpoSettings:
    return GrpoSettings(
        num_steps=settings.num_steps,
        group_rows=settings.group_rows,
        learning_rate=settings.learning_rate,
        kl_weight=mitigation.kl_weight,
        trained_roles=mitigation.trained_roles,
        rows_at_once=settings.rows_at_once,
        checkpoint_seconds=settings.checkpoint_seconds,
    )
