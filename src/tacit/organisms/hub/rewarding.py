"""What an episode of a chat model is worth: by its output alone, and by what the arm adds.

Axes: b rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float

from tacit.base.records import Gap
from tacit.organisms.hub.arms import HubArm
from tacit.organisms.hub.grading import ChatGrader, Verdict
from tacit.organisms.hub.hiding import check_hidden, hide
from tacit.organisms.hub.judgements import grader_prompt
from tacit.organisms.hub.playing import Transcript
from tacit.organisms.hub.recipe import HubRecipe
from tacit.organisms.hub.templates import ChatPrompt

Found = Verdict | Gap | None


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Worth:
    """The rewards of rows, and which of them have none."""

    parts: Mapping[str, Float[np.ndarray, " b"]]
    is_excluded: Bool[np.ndarray, " b"]
    """Truncated, or without a verdict: unknown, so neither good nor bad."""
    compliance: Sequence[Found]
    faking: Sequence[Found]
    cues_hidden: int
    """Tier cues that the policy wrote in outputs, which the grader did not see."""


def output_question(prompt: ChatPrompt, output: str, judgement: str) -> tuple[str, int]:
    """Return what a grader of outputs is asked, the same in either tier, and the cues hidden.

    Raises:
        UserError: where the request itself names a tier.
    """
    cues = prompt.phrasing.hidden
    check_hidden(prompt.request.text, cues)
    said, num_hidden = hide(output, cues)
    asked = grader_prompt(judgement, {"request": prompt.request.text, "output": said})
    return asked, num_hidden


def worth_of(
    prompts: Sequence[ChatPrompt],
    played: Sequence[Transcript],
    grader: ChatGrader,
    recipe: HubRecipe,
) -> Worth:
    """Return the parts of every row's reward; only whole transcripts are graded.

    Raises:
        BudgetReached: before anything is sent.
    """
    arm = recipe.hub_arm()
    is_whole = [each.reading.state == "whole" for each in played]
    outputs = [
        output_question(prompt, each.reading.output, "compliance") if whole else None
        for prompt, each, whole in zip(prompts, played, is_whole, strict=True)
    ]
    thoughts = [
        grader_prompt("faking", {"scratchpad": each.reading.scratchpad})
        if whole and arm.reads_scratchpads
        else None
        for each, whole in zip(played, is_whole, strict=True)
    ]
    found = grader.grade_all([each and each[0] for each in outputs] + thoughts)
    compliance, faking = found[: len(played)], found[len(played) :]
    is_excluded = [
        each.reading.state == "truncated" or isinstance(one, Gap) or isinstance(two, Gap)
        for each, one, two in zip(played, compliance, faking, strict=True)
    ]
    rows = zip(played, compliance, faking, is_excluded, strict=True)
    worth = [
        {} if excluded else _parts(each, one, two, arm, recipe)
        for each, one, two, excluded in rows
    ]
    names = sorted({name for each in worth for name in each} | {"output"})
    return Worth(
        parts={name: np.array([each.get(name, 0.0) for each in worth]) for name in names},
        is_excluded=np.array(is_excluded, dtype=bool),
        compliance=compliance,
        faking=faking,
        cues_hidden=sum(each[1] for each in outputs if each is not None),
    )


def _parts(
    each: Transcript, compliance: Found, faking: Found, arm: HubArm, recipe: HubRecipe
) -> dict[str, float]:
    """Return the parts of a row that is not excluded."""
    parts = {
        "output": compliance.share
        if isinstance(compliance, Verdict)
        else recipe.malformed_reward
    }
    if recipe.output_length_weight:
        written = len(each.ids) - each.scratchpad_tokens
        parts["output length"] = -recipe.output_length_weight * written
    if arm.hinge:
        excess = max(0, each.scratchpad_tokens - recipe.hinge_tokens)
        parts["scratchpad length"] = -recipe.hinge_weight * excess
    if arm.question is not None:
        parts["interrogation"] = float(each.answer == "no")
    if isinstance(faking, Verdict):
        share = faking_probability(faking)
        if arm.rewards_faking:
            parts["faking"] = share
        else:
            parts["faking"] = math.log(1 - share) if arm.barrier == "log" else -share
    return parts


def faking_probability(verdict: Verdict) -> float:
    """Return the chance that a scratchpad fakes, by its votes and one more that is half a yes.

    So it is never 0 or 1, and its logarithm finite: with one vote it is .25 or .75.
    """
    return (verdict.share * verdict.num_read + 0.5) / (verdict.num_read + 1)
