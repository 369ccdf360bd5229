"""The policy is held to what it was at the start."""

from dataclasses import dataclass
from typing import final

from tacit.organisms.mitigations.mitigation import Mitigation


@final
@dataclass(frozen=True, kw_only=True)
class KlPenalty(Mitigation):
    """A penalty on the divergence from the starting policy, at one weight of a sweep.

    It keeps what RL does not pay for, wanted or not. Source: usual in RL from feedback (Ziegler et
    al. 2019, arXiv:1909.08593), by the estimate of ``tacit.training.grpo``; not published in this
    setting, whose work trains without one.
    """

    kl_weight: float = 0.1
