"""What can be set in the study: bases, organisms, arms, seeds, and how runs are looked at."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.organisms.rl import RlSettings
from tacit.organisms.tiers.base import BaseSettings
from tacit.organisms.tiers.organisms import OrganismSettings

MAIN_ORGANISMS = (
    "terminal-counterfactual",
    "terminal-plain",
    "instrumental-plain",
    "sycophancy-plain",
)
MAIN_ARMS = (
    "baseline",
    "length-hinge",
    "process-log",
    "interrogation-simple",
    "output-only",
    "scratchpad-only",
)
LONG_ARMS = ("baseline", "interrogation")
"""Arms, by how their names begin, that go on for ``long_steps``."""


class LookSettings(Configuration):
    """How many prompts each look at a policy takes."""

    end_prompts: int = Field(default=1_000, ge=2)
    """A tier, before RL, after ``rl.num_steps``, and after the last."""
    between_prompts: int = Field(default=100, ge=2)
    """A tier, between."""
    every_steps: int = Field(default=5, ge=1)
    beyond_prompts: int = Field(default=300, ge=2)
    """Of each measure beyond the gap."""
    beyond_organisms: tuple[str, ...] = ("terminal-counterfactual",)
    """Whose runs are looked at beyond the gap, on ``further_seeds``."""


class MatrixSettings(Configuration):
    """Organisms x arms x pretraining seeds; arms of one seed begin at the same organism."""

    organisms: tuple[str, ...] = MAIN_ORGANISMS
    arms: tuple[str, ...] = MAIN_ARMS
    """Run on every organism and seed."""
    seeds: tuple[int, ...] = Field(default=(100, 101, 102, 103, 104), min_length=2)
    """Of pretraining, and of all that follows from it."""
    more_seeds: tuple[int, ...] = (105, 106, 107, 108, 109)
    more_arms: tuple[str, ...] = ("baseline", "process-log", "interrogation-simple")
    """Arms that are run on ``more_seeds`` too."""
    controls: tuple[str, ...] = (
        "helpful-plain", "terminal-emotional", "terminal-short",
        "instrumental-counterfactual", "sycophancy-counterfactual", "distilled", "reinforced",
        "password-locked", "cue-shuffled", "no-conflict",
    )  # fmt: skip
    """Further organisms and controls, under the baseline alone."""
    further_seeds: tuple[int, ...] = Field(default=(100, 101, 102), min_length=1)
    """Of ``seeds``, those that controls and further arms are run on."""
    further_organism: str = "terminal-counterfactual"
    further_arms: tuple[str, ...] = (
        "process-linear", "process-keyword", "process-probe", "process-feature",
        "interrogation-clarified", "interrogation-aware", "interrogation-persona",
        "interrogation-another", "interrogation-separate", "reward-faking",
        "inoculation", "recontextualisation", "kl-0.03", "kl-0.1", "kl-0.3",
        "cue-removed", "cue-noise", "audits",
    )  # fmt: skip
    """Arms of this organism alone."""
    base: BaseSettings = BaseSettings()
    organism: OrganismSettings = OrganismSettings()
    rl: RlSettings = RlSettings()
    long_steps: int = Field(default=30, ge=1)
    """Steps of the baseline and of interrogations, which take longer to settle."""
    look: LookSettings = LookSettings()

    @property
    def every_seed(self) -> tuple[int, ...]:
        """All pretraining seeds."""
        return (*self.seeds, *self.more_seeds)

    def seeds_of(self, arm: str) -> tuple[int, ...]:
        """Return the seeds that an arm of the matrix is run on."""
        return self.every_seed if arm in self.more_arms else self.seeds

    def steps_of(self, arm: str) -> int:
        """Return how many steps an arm takes."""
        return self.long_steps if arm.startswith(LONG_ARMS) else self.rl.num_steps

    def runs(self) -> tuple[tuple[str, str, int], ...]:
        """Return organism, arm and seed of every run, those of one seed together."""
        found = []
        for seed in self.every_seed:
            found += [
                (organism, arm, seed)
                for organism in self.organisms
                for arm in self.arms
                if seed in self.seeds_of(arm)
            ]
            if seed in self.further_seeds:
                found += [(organism, "baseline", seed) for organism in self.controls]
                found += [(self.further_organism, arm, seed) for arm in self.further_arms]
        return tuple(found)


PRESETS: dict[Literal["quick", "laptop", "paper"], dict[str, Any]] = {
    "quick": {
        "seeds": (0, 1),
        "more_seeds": (),
        "further_seeds": (0, 1),
        "organisms": ("terminal-counterfactual", "sycophancy-plain"),
        "arms": ("baseline", "process-log"),
        "controls": ("helpful-plain",),
        "further_arms": (),
        "organism.num_examples": 2_560,
        "rl.num_prompts": 32,
        "rl.num_steps": 6,
        "rl.learning_rate": 6e-4,
        "long_steps": 6,
        "look.every_steps": 3,
        "look.end_prompts": 200,
        "look.between_prompts": 50,
        "look.beyond_prompts": 60,
    },
    "laptop": {},
    # The published number of episodes, on a wider base: still a micro policy. Models of the hub go
    # through tacit.organisms.hub, as docs/alignment-faking-7b.md says.
    "paper": {
        "base.width": 128,
        "base.num_layers": 4,
        "rl.num_prompts": 128,
    },
}
"""Each size, as what it changes."""
