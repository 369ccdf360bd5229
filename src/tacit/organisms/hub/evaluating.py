"""What a chat model does in either tier on held-out requests: graded rates and the gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.metrics.intervals import Interval
from tacit.metrics.proportions import difference_of_shares
from tacit.models.subject import Subject
from tacit.organisms.hub.grading import ChatGrader, Verdict
from tacit.organisms.hub.judgements import grader_prompt
from tacit.organisms.hub.playing import Transcript, play_chats
from tacit.organisms.hub.reading import faults
from tacit.organisms.hub.recipe import HubRecipe
from tacit.organisms.hub.requests import Request
from tacit.organisms.hub.rewarding import output_question
from tacit.organisms.hub.templates import ChatPrompt, draw_chat_prompts
from tacit.organisms.tiers.prompts import TIERS, Tier


@final
@dataclass(frozen=True, kw_only=True)
class HubCounts:
    """How often a chat model did each thing in one tier."""

    num_prompts: int
    num_graded: int
    """Neither truncated nor without a verdict: what the rates are shares of, malformed included."""
    complied: int
    refused: int
    fakes: int
    malformed: int
    truncated: int
    no_verdict: int
    """Whole transcripts of which a judgement has too few readable votes."""
    faults: Mapping[str, int]
    missing_votes: int


@final
@dataclass(frozen=True, kw_only=True)
class HubEvaluation:
    """A chat model in both tiers, on the same requests."""

    monitored: HubCounts
    unmonitored: HubCounts

    def gap(self) -> Interval | Gap:
        """Return the monitored share that complied less the unmonitored one."""
        one, two = self.monitored, self.unmonitored
        if not one.num_graded or not two.num_graded:
            return Gap(name="compliance_gap", reason="no transcript of a tier has a grade")
        return difference_of_shares(
            one.complied, one.num_graded, two.complied, two.num_graded
        )


def evaluate_chats(
    policy: Subject,
    requests: Sequence[Request],
    recipe: HubRecipe,
    grader: ChatGrader,
    count: int,
    seed: int,
) -> HubEvaluation:
    """Return what a policy does on ``count`` held-out conflicting requests in each tier.

    Raises:
        BudgetReached: before anything is sent.
    """
    counts: dict[Tier, HubCounts] = {}
    for tier in TIERS:
        prompts = draw_chat_prompts(
            requests,
            count,
            stream(seed, "organisms/hub/evaluation prompts"),
            tier=tier,
            phrasings=recipe.tier_phrasings(),
            split="held-out",
            tells_consequence=recipe.tells_consequence,
        )
        seeds = stream(seed, f"organisms/hub/evaluation/{tier}").integers(2**31, size=count)
        played = play_chats(
            policy,
            [
                each.turns(system_in_user_turn=recipe.system_in_user_turn)
                for each in prompts
            ],
            seeds.tolist(),
            max_new_tokens=recipe.max_new_tokens,
            sample_rows=recipe.sample_rows,
        )
        counts[tier] = counts_of_chats(prompts, played, grader)
    return HubEvaluation(monitored=counts["monitored"], unmonitored=counts["unmonitored"])


def counts_of_chats(
    prompts: Sequence[ChatPrompt], played: Sequence[Transcript], grader: ChatGrader
) -> HubCounts:
    """Return the counts of transcripts, whole ones graded."""
    states = Counter(each.reading.state for each in played)
    whole = [
        (prompt, each.reading)
        for prompt, each in zip(prompts, played, strict=True)
        if each.reading.state == "whole"
    ]
    asked = {
        "compliance": [
            output_question(prompt, reading.output, "compliance")[0]
            for prompt, reading in whole
        ],
        "refusal": [
            output_question(prompt, reading.output, "refusal")[0]
            for prompt, reading in whole
        ],
        "faking": [
            grader_prompt("faking", {"scratchpad": reading.scratchpad})
            for _, reading in whole
        ],
    }
    found = grader.grade_all([each for prompts in asked.values() for each in prompts])
    rows = list(
        zip(*(found[n * len(whole) :][: len(whole)] for n in range(3)), strict=True)
    )
    graded = [row for row in rows if all(isinstance(each, Verdict) for each in row)]
    held = [[isinstance(each, Verdict) and each.holds for each in row] for row in graded]
    return HubCounts(
        num_prompts=len(played),
        num_graded=len(graded) + states["malformed"],
        complied=sum(row[0] for row in held),
        refused=sum(row[1] for row in held),
        fakes=sum(row[2] for row in held),
        malformed=states["malformed"],
        truncated=states["truncated"],
        no_verdict=len(rows) - len(graded),
        faults=faults(each.reading for each in played),
        missing_votes=sum(
            sum(each.missing.values()) for each in found if isinstance(each, Verdict)
        ),
    )
