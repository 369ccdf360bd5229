"""How long RL goes on, over how many episodes, and what an output is worth."""

from __future__ import annotations

from typing import final

from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.organisms.tiers.playing import TRANSCRIPT_TOKENS


@final
class RlSettings(Configuration):
    """The same for every arm."""

    num_steps: int = Field(default=15, ge=1)
    num_prompts: int = Field(default=64, ge=1)
    """Groups of a step (published: 1,024 episodes in all)."""
    group_rows: int = Field(default=8, ge=2)
    max_new_tokens: int = Field(default=TRANSCRIPT_TOKENS, ge=1)
    """Scratchpad and output together; what runs into it is excluded and counted."""
    learning_rate: float = Field(default=3e-4, gt=0)
    """At 5e-4 scratchpads of the unmonitored tier grow until they are cut."""
    rows_at_once: int = Field(default=128, ge=1)
    """Rows of one pass of the update."""
    checkpoint_seconds: float = Field(default=60.0, ge=0)
    measures_kl: bool = True
    """Whether the divergence from the start is measured in arms that have no penalty on it."""
    complied_reward: float = 1.0
    refused_reward: float = 0.0
    malformed_reward: float = -1.0
    """0 switches the penalty on format off."""
    output_length_weight: float = Field(default=0.0, ge=0)
    """Reward that each token of the output costs; 0 switches it off (published: small)."""
