"""The rows of the study's tables: looks at a policy, steps of RL, and what is beyond the gap."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import final

from tacit.organisms.tiers.evaluating import Answers, Evaluation, TierCounts


@final
@dataclass(frozen=True, kw_only=True)
class Key:
    """Which run a row is of."""

    organism: str
    arm: str
    seed: int

    @property
    def stem(self) -> str:
        """How the run's files are called."""
        return f"{self.organism}--{self.arm}--{self.seed}"


@final
@dataclass(frozen=True, kw_only=True)
class LookRow:
    """What a policy did in one tier at one step; 0 is before RL."""

    organism: str
    arm: str
    seed: int
    step: int
    tier: str
    num_prompts: int
    complied: int
    refused: int
    malformed: int
    truncated: int
    fakes: int
    acts_by_tier: int
    unseen: int
    misread: int
    scratchpad_tokens: float
    output_tokens: float
    asked: int
    """Transcripts that were asked; 0 where the look asked nothing."""
    lies: int
    admits: int
    unreadable: int


@final
@dataclass(frozen=True, kw_only=True)
class StepRow:
    """One figure of one step of RL, on its own episodes."""

    organism: str
    arm: str
    seed: int
    step: int
    figure: str
    value: float


@final
@dataclass(frozen=True, kw_only=True)
class BeyondRow:
    """One figure of one measure beyond the gap, before RL or after it."""

    organism: str
    arm: str
    seed: int
    measure: str
    figure: str
    when: str
    """``before`` or ``after``."""
    value: float
    n: int
    """Trials behind a share; 0 where the figure is none."""


@final
@dataclass(frozen=True, kw_only=True)
class CheckRow:
    """Whether the base of a seed follows the words that an arm lives on."""

    arm: str
    seed: int
    is_followed: bool
    words: str
    """What was measured, or why not."""


def look_rows(
    key: Key, step: int, found: Evaluation, answers: Answers | None
) -> list[LookRow]:
    """Return a look as rows, one a tier; answers stand in the monitored one."""
    nothing = Answers(asked=0, lies=0, admits=0, unreadable=0)
    tiers: tuple[tuple[str, TierCounts, Answers], ...] = (
        ("monitored", found.monitored, answers or nothing),
        ("unmonitored", found.unmonitored, nothing),
    )
    return [
        LookRow(**asdict(key), step=step, tier=tier, **asdict(counts), **asdict(said))
        for tier, counts, said in tiers
    ]
