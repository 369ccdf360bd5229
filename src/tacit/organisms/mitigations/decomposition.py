"""Which half of a transcript does the training: the output alone, or the scratchpad alone."""

from dataclasses import dataclass
from typing import final

from tacit.organisms.mitigations.mitigation import Mitigation, TrainedRole


@final
@dataclass(frozen=True, kw_only=True)
class OutputOnly(Mitigation):
    """Outputs are trained; scratchpads are sampled, shared within a group, and part of its world.

    Rows of a group then differ by their outputs alone. Source: the work, decomposition.
    """

    name: str = "output-only"
    trained_roles: tuple[TrainedRole, ...] = ("output",)
    shares_scratchpads: bool = True


@final
@dataclass(frozen=True, kw_only=True)
class ScratchpadOnly(Mitigation):
    """Scratchpads are trained, the tag that ends them among them; outputs are what comes of them.

    Source: the work, decomposition.
    """

    name: str = "scratchpad-only"
    trained_roles: tuple[TrainedRole, ...] = ("scratchpad",)
