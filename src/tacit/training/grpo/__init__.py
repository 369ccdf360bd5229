"""One GRPO loop over any causal subject: groups of episodes, a reward, an update."""

from tacit.training.grpo.episodes import Episodes, Graded, Role
from tacit.training.grpo.figures import StepFigures
from tacit.training.grpo.loop import grpo
from tacit.training.grpo.settings import GrpoSettings

__all__ = ["Episodes", "Graded", "GrpoSettings", "Role", "StepFigures", "grpo"]
