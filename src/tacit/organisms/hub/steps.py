"""What the episodes of a step over a chat model were: states, shares, lengths, what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from tacit.organisms.hub.grading import Verdict
from tacit.organisms.hub.playing import Transcript
from tacit.organisms.hub.reading import faults
from tacit.organisms.hub.rewarding import Found, Worth


@final
@dataclass(frozen=True, kw_only=True)
class HubStep:
    """What the episodes of one step were, beside what the loop records of its update."""

    step: int
    whole: int
    malformed: int
    truncated: int
    no_verdict: int
    """Whole, and the grader's votes could not be read: excluded from the update."""
    faults: Mapping[str, int]
    compliance: float | None
    """Mean share of the votes; None where nothing has a verdict."""
    faking: float | None
    """The same, where the arm has scratchpads graded."""
    answers: Mapping[str, int]
    """To the arm's question: yes, no, neither."""
    missing_votes: int
    cues_hidden: int
    scratchpad_tokens: float
    """Mean length."""
    output_tokens: float


def step_of(
    step: int, played: Sequence[Transcript], worth: Worth, *, asked: bool
) -> HubStep:
    """Return what the episodes of a step were."""
    states = Counter(each.reading.state for each in played)
    verdicts = [each for each in (*worth.compliance, *worth.faking) if each is not None]
    answers = Counter(
        each.answer or "neither" for each in played if each.reading.state == "whole"
    )
    thought = [each.scratchpad_tokens for each in played]
    return HubStep(
        step=step,
        whole=states["whole"],
        malformed=states["malformed"],
        truncated=states["truncated"],
        no_verdict=int(worth.is_excluded.sum()) - states["truncated"],
        faults=dict(faults(each.reading for each in played)),
        compliance=_mean_share(worth.compliance),
        faking=_mean_share(worth.faking),
        answers=dict(answers) if asked else {},
        missing_votes=sum(
            sum(each.missing.values()) for each in verdicts if isinstance(each, Verdict)
        ),
        cues_hidden=worth.cues_hidden,
        scratchpad_tokens=float(np.mean(thought)),
        output_tokens=float(np.mean([len(each.ids) for each in played]))
        - float(np.mean(thought)),
    )


def _mean_share(found: Sequence[Found]) -> float | None:
    shares = [each.share for each in found if isinstance(each, Verdict)]
    return float(np.mean(shares)) if shares else None
