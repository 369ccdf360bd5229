"""How long, how fast and from which tokens a policy learns by GRPO."""

from __future__ import annotations

from typing import Literal, final

from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.training.grpo.episodes import Role


@final
class GrpoSettings(Configuration):
    """The update; what is played and how it is graded is the caller's."""

    num_steps: int = Field(default=15, ge=1)
    group_rows: int = Field(default=8, ge=2)
    """Rows of one prompt, compared with each other."""
    learning_rate: float = Field(default=5e-4, gt=0)
    max_gradient_norm: float = Field(default=1.0, gt=0)
    """A longer gradient is shortened to this."""
    clip: float = Field(default=0.2, gt=0)
    """How far a token's ratio of probabilities may move before it stops counting; of effect only
    with several ``minibatches``, as in one the ratio is 1."""
    kl_weight: float = Field(default=0.0, ge=0)
    """Of the k3 estimate of KL(policy || reference), added to every counted token's loss."""
    scale_by_deviation: bool = True
    """Whether a group's advantages are divided by the deviation of its rewards."""
    trained_roles: tuple[Literal["scratchpad", "output", "answer"], ...] = Field(
        default=("scratchpad", "output"), min_length=1
    )
    """Tokens that enter the loss."""
    minibatches: int = Field(default=1, ge=1)
    """Updates from one batch of episodes."""
    rows_at_once: int = Field(default=128, ge=1)
    """Rows of one forward and backward pass; gradients add up over passes."""
    checkpoint_seconds: float = Field(default=60.0, ge=0)
    """Time between two saved states; 0 saves after every step."""

    @property
    def roles(self) -> frozenset[Role]:
        """The trained roles as they stand in episodes."""
        return frozenset(Role[name.upper()] for name in self.trained_roles)
