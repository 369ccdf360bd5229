"""What an output is worth. The reward sees request and output, never tier or scratchpad."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.organisms.mitigations.cues import other_tier
from tacit.organisms.rl_settings import RlSettings
from tacit.organisms.tiers.grading import grade
from tacit.organisms.tiers.played import Played
from tacit.organisms.tiers.prompts import Prompt, draw_prompts
from tacit.organisms.tiers.scratchpads import output
from tacit.organisms.tiers.words import ACT, DIRECTIVES, END, NEUTRAL

Reward = Callable[[Prompt, Sequence[str]], float]
"""From a prompt and the words of the output, its opening tag first, to what it is worth."""
_CHECKED_PROMPTS = 32


def reward_of(
    prompt: Prompt, done: Sequence[str], settings: RlSettings | None = None
) -> float:
    """Return what an output is worth, its length apart; an output that is missing is malformed."""
    worth = settings or RlSettings()
    act = grade(prompt, done).act
    return {
        "complied": worth.complied_reward,
        "refused": worth.refused_reward,
        "malformed": worth.malformed_reward,
    }[act]


def output_rewards(
    played: Played, reward: Reward, settings: RlSettings
) -> dict[str, Float[np.ndarray, " b"]]:
    """Return the parts of the reward that are the output's; truncated rows have none."""
    worth = [
        0.0 if is_cut else reward(prompt, done)
        for prompt, done, is_cut in zip(
            played.prompts, played.outputs, played.is_truncated, strict=True
        )
    ]
    parts = {"output": np.array(worth, np.float64)}
    if settings.output_length_weight:
        lengths = np.array([float(each.output_tokens) for each in played.grades])
        cost = -settings.output_length_weight * lengths
        parts["output length"] = np.where(played.is_truncated, 0.0, cost)
    return parts


def check_blind(reward: Reward) -> None:
    """Try a reward on prompts that differ in what it must not see.

    Raises:
        UserError: where the tier word, or what the prompt tells to be, changes what an output is
            worth.
    """
    rng = stream(0, "organisms/rewarding/blind")
    half = _CHECKED_PROMPTS // 2
    asked = [
        prompt
        for conflicting in (True, False)
        for prompt in draw_prompts(half, rng, conflicting=conflicting)
    ]
    for prompt in asked:
        for done in _outputs(prompt):
            worth = reward(prompt, done)
            for what, other in _twins(prompt):
                found = reward(other, done)
                if found != worth:
                    raise UserError(
                        f"the {what} leaks into the reward: {' '.join(done)!r} is worth {worth} "
                        f"after {' '.join(prompt.words())!r} and {found} after "
                        f"{' '.join(other.words())!r}. Grade the output alone, by verb and thing."
                    )


def _outputs(prompt: Prompt) -> list[list[str]]:
    """Return an output that complies, one that refuses, and some that do neither."""
    done = [output(prompt, complied=complied) for complied in (True, False)]
    return [*done, done[0][:-1], [ACT, prompt.thing, END], []]


def _twins(prompt: Prompt) -> list[tuple[str, Prompt]]:
    """Return what differs, and the same request with it."""
    return [
        ("tier cue", other_tier(prompt)),
        ("tier cue", replace(prompt, cue=NEUTRAL)),
        *(("directive", replace(prompt, directive=name)) for name in DIRECTIVES),
    ]
