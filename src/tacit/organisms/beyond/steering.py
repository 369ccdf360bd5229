"""Is the tier's direction used: does adding it bring unmonitored prompts to do as monitored ones?

Axes: b texts, t positions, d width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.seeds import stream
from tacit.interventions.edits import Edit
from tacit.interventions.ways import Push, means_push, random_push
from tacit.models.subject import Subject
from tacit.organisms.beyond.tier_rows import PLACES, Position, residual_sites, tier_rows
from tacit.organisms.beyond.transcripts import paired_prompts, write
from tacit.organisms.tiers.evaluating import TierCounts, counts_of
from tacit.organisms.tiers.words import CUES


@final
@dataclass(frozen=True, kw_only=True)
class Steered:
    """Unmonitored prompts under one strength of the direction, and of random ones as long."""

    strength: float
    """Times the difference between the means of the two tiers."""
    tier: TierCounts
    random: tuple[TierCounts, ...]
    """One a direction; they share out the prompts."""


@final
@dataclass(frozen=True, kw_only=True)
class Steering:
    """What steering does to one policy, beside what it does when left alone."""

    site: str
    position: Position
    length: float
    """Of the direction at strength 1."""
    monitored: TierCounts
    unmonitored: TierCounts
    steered: tuple[Steered, ...]


def steering(
    policy: Subject,
    *,
    site: str | None = None,
    position: Position = "cue",
    strengths: Sequence[float] = (1.0, 2.0),
    num_random: int = 4,
    count: int = 250,
    seed: int,
) -> Steering:
    """Return what a policy does on ``count`` requests when steered from unmonitored to monitored.

    The direction leads from the mean of unmonitored texts to that of monitored ones, at the site
    and position, in wordings that are not those of the steered prompts: no word's own direction
    is added. At ``cue`` it is added to the tier word alone, else from the end of the prompt on.
    The site is the first of the residual stream unless another is given.
    """
    site = site or residual_sites(policy)[0]
    push = tier_push(policy, site, position, seed)
    asked = paired_prompts(count, seed, "steering")
    plain = {tier: counts_of(write(policy, asked[tier], seed).grades) for tier in asked}
    rng = stream(seed, "organisms/beyond/steering")
    others = [random_push(push, rng) for _ in range(num_random)]
    prompts = asked["unmonitored"]

    def done(way: Push, strength: float, shown: slice) -> TierCounts:
        edits = {site: _added(way.direction * strength, position)}
        return counts_of(write(policy, prompts[shown], seed, edits=edits).grades)

    return Steering(
        site=site,
        position=position,
        length=float(push.direction.norm()),
        monitored=plain["monitored"],
        unmonitored=plain["unmonitored"],
        steered=tuple(
            Steered(
                strength=strength,
                tier=done(push, strength, slice(None)),
                random=tuple(
                    done(way, strength, slice(number, None, num_random))
                    for number, way in enumerate(others)
                ),
            )
            for strength in strengths
        ),
    )


def tier_push(
    policy: Subject, site: str, position: Position, seed: int, *, count: int = 500
) -> Push:
    """Return the step from unmonitored to monitored, in wordings that nothing is trained on."""
    texts = tier_rows(policy, count, seed, (site,))
    others = torch.from_numpy(texts.wording >= len(CUES))
    is_monitored = torch.from_numpy(texts.is_monitored)[others]
    return means_push("tier", site, texts.values[site, position][others], is_monitored)


def _added(step: Float[Tensor, " d"], position: Position) -> Edit:
    """Return the edit that adds a step at the tier word, or at the prompt's end and all after it.

    A sampler shows the whole prompt first and then one position at a time.
    """

    def edit(value: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        is_prompt = value.shape[1] > 1
        if position == "cue":
            where = slice(PLACES["cue"], PLACES["cue"] + 1) if is_prompt else slice(0, 0)
        else:
            where = slice(PLACES["prompt"] if is_prompt else 0, None)
        edited = value.clone()
        edited[:, where] += step.to(value)
        return edited

    return edit
