"""Everything that decides a run over a chat model, in one frozen table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import final

from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.base.errors import look_up
from tacit.models.load_settings import LoadSettings
from tacit.organisms.hub.arms import HUB_ARMS, HubArm
from tacit.organisms.hub.grading import GraderSettings
from tacit.organisms.hub.wordings import PHRASINGS, TierPhrasing
from tacit.training.grpo import GrpoSettings


@final
class HubRecipe(Configuration):
    """One run of RL over a chat model, its adapters alone being trained."""

    model: str
    """A folder or a name on the Hugging Face hub."""
    load: LoadSettings = LoadSettings(dtype="bfloat16")
    requests: Path
    """A table of requests: see ``read_requests``."""
    phrasings: tuple[str, ...] = Field(
        default=("plan", "sentence", "logging"), min_length=1
    )
    """Of the tier tag, while training; others are left to evaluate on."""
    tells_consequence: bool = True
    system_in_user_turn: bool = False
    """For chat templates that have no system turn."""
    arm: str = "baseline"
    """One of ``HUB_ARMS``."""
    hinge_tokens: int = Field(default=250, ge=0)
    """Scratchpad tokens that cost nothing in the arm ``length-hinge``: set it slightly below what
    the policy writes before RL."""
    hinge_weight: float = Field(default=0.005, ge=0)
    """Cost of each token above."""
    num_prompts: int = Field(default=64, ge=1)
    """Of a step."""
    group_rows: int = Field(default=8, ge=2)
    """Episodes of one prompt."""
    num_steps: int = Field(default=15, ge=1)
    max_new_tokens: int = Field(default=1_024, ge=1)
    """Scratchpad and output together; what runs into it is excluded and counted."""
    answer_tokens: int = Field(default=8, ge=1)
    """Of an interrogation's answer."""
    malformed_reward: float = -1.0
    """In place of the grader's; whoever complies gets up to 1."""
    output_length_weight: float = Field(default=0.0, ge=0)
    """Cost of each output token; published runs had a small one, against graders that favour
    length."""
    learning_rate: float = Field(default=2e-5, gt=0)
    kl_weight: float = Field(default=0.0, ge=0)
    lora_rank: int = Field(default=64, ge=1)
    lora_alpha: int = Field(default=128, ge=1)
    sample_rows: int = Field(default=8, ge=1)
    """Rows sampled at once at most; rows of prompts of other lengths never run together."""
    rows_at_once: int = Field(default=4, ge=1)
    """Rows of one forward and backward pass."""
    checkpoints_activations: bool = True
    """Whether the update makes a layer's activations again instead of keeping them."""
    reward_votes: int = Field(default=1, ge=1)
    """Votes of a reward, which is their share; evaluations take ``grader.votes``."""
    grader: GraderSettings = GraderSettings()

    @property
    def episodes(self) -> int:
        """Episodes of a step."""
        return self.num_prompts * self.group_rows

    def tier_phrasings(self) -> Sequence[TierPhrasing]:
        """Return the phrasings by their names."""
        return [
            look_up(PHRASINGS, name, "phrasing of the tiers") for name in self.phrasings
        ]

    def hub_arm(self) -> HubArm:
        """Return the arm by its name."""
        return look_up(HUB_ARMS, self.arm, "arm for chat models")

    def grpo(self) -> GrpoSettings:
        """Return the settings of the loop."""
        return GrpoSettings(
            num_steps=self.num_steps,
            group_rows=self.group_rows,
            learning_rate=self.learning_rate,
            kl_weight=self.kl_weight,
            trained_roles=self.hub_arm().trained_roles,
            rows_at_once=self.rows_at_once,
            checkpoint_seconds=0,  # a step is minutes of work, and adapters are quickly kept
        )
