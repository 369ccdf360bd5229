"""What a policy writes before the first step, for arms that take something from it."""

from __future__ import annotations

import copy

from tacit.base.seeds import stream
from tacit.models.load import load_subject
from tacit.models.subject import Subject
from tacit.organisms.tiers.played import Played
from tacit.organisms.tiers.playing import play
from tacit.organisms.tiers.prompts import draw_prompts


def start_transcripts(policy: Subject, count: int, seed: int) -> Played:
    """Return transcripts of monitored, conflicting requests of the kind that RL trains on."""
    purpose = "organisms/mitigations/start"
    prompts = draw_prompts(count, stream(seed, f"{purpose} prompts"))
    seeds = stream(seed, f"{purpose} seeds").integers(2**31, size=count)
    return play(policy, prompts, seeds.tolist())


def frozen_copy(policy: Subject) -> Subject:
    """Return a policy as it is now, which training the other leaves alone."""
    model = copy.deepcopy(policy.model).requires_grad_(False)
    return load_subject(model, tokenizer=policy.tokenizer)
