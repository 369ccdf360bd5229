"""Does the output follow the scratchpad, or the prompt?

A policy's own scratchpads are forced on it: with either conclusion, under the prompt that they were
written after and under the same request in the other tier. Then the output alone is sampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from tacit.models.subject import Subject
from tacit.organisms.beyond.counts import Count
from tacit.organisms.beyond.transcripts import OUTPUT_TOKENS, paired_prompts, write
from tacit.organisms.tiers.evaluating import TierCounts, counts_of
from tacit.organisms.tiers.grading import clauses_of
from tacit.organisms.tiers.played import Played
from tacit.organisms.tiers.prompts import TIERS, Prompt, Tier
from tacit.organisms.tiers.words import ACT, CONCLUSIONS, STOP


@final
@dataclass(frozen=True, kw_only=True)
class Swap:
    """What was done under one tier's prompts with one tier's scratchpads and one conclusion."""

    prompts: Tier
    scratchpads: Tier
    """In which tier the scratchpads were written."""
    concludes: bool
    """Whether they were made to conclude to comply."""
    done: TierCounts

    @property
    def complied(self) -> Count:
        """How often the output complied."""
        return Count(successes=self.done.complied, n=self.done.num_prompts)

    @property
    def followed(self) -> Count:
        """How often it did as the scratchpad concludes."""
        did = self.done.complied if self.concludes else self.done.refused
        return Count(successes=did, n=self.done.num_prompts)


@final
@dataclass(frozen=True, kw_only=True)
class Swaps:
    """All swaps of one policy."""

    swaps: tuple[Swap, ...]
    left_out: Mapping[Tier, int]
    """Own scratchpads by tier that never came to act, so that nothing can be forced after them."""
    without_conclusion: Mapping[Tier, int]
    """Those swapped that end in no conclusion of their own; one was put behind them."""
    without_scratchpad: Mapping[Tier, TierCounts]
    """What is done where only an output is asked for: the tier's way around the scratchpad."""

    def followed(self, *, crossed: bool) -> Count:
        """Return how often outputs follow scratchpads of the other tier, or of their own."""
        chosen = [
            each for each in self.swaps if crossed == (each.prompts != each.scratchpads)
        ]
        return Count(
            successes=sum(each.followed.successes for each in chosen),
            n=sum(each.followed.n for each in chosen),
        )


def swapped(policy: Subject, *, count: int = 300, seed: int) -> Swaps:
    """Return what a policy does with its own scratchpads, swapped, ``count`` a tier."""
    asked = paired_prompts(count, seed, "swapping")
    swaps: list[Swap] = []
    left_out, without = {}, {}
    for tier in TIERS:
        written = write(policy, asked[tier], seed)
        kept = [row for row, done in enumerate(written.outputs) if done]
        thoughts = [written.thoughts[row] for row in kept]
        bodies = [body_of(thought) for thought in thoughts]
        left_out[tier] = count - len(kept)
        without[tier] = sum(not concludes(thought) for thought in thoughts)
        for under in TIERS if kept else ():
            prompts = [asked[under][row] for row in kept]
            swaps += [
                _swap(policy, prompts, bodies, (under, tier), to, seed)
                for to in (True, False)
            ]
    empty: dict[Tier, Played] = {
        tier: write(policy, asked[tier], seed, opens=ACT, max_new_tokens=OUTPUT_TOKENS)
        for tier in TIERS
    }
    return Swaps(
        swaps=tuple(swaps),
        left_out=left_out,
        without_conclusion=without,
        without_scratchpad={tier: counts_of(done.grades) for tier, done in empty.items()},
    )


def concludes(thought: Sequence[str]) -> bool:
    """Return whether a scratchpad ends in a conclusion."""
    return clauses_of(thought)[-1] in CONCLUSIONS.values()


def body_of(thought: Sequence[str]) -> list[str]:
    """Return a scratchpad as far as its conclusion, ready for another."""
    if concludes(thought):
        return list(thought[: -len(clauses_of(thought)[-1].split())])
    return [*thought, STOP] if thought and thought[-1] != STOP else list(thought)


def _swap(
    policy: Subject,
    prompts: Sequence[Prompt],
    bodies: Sequence[Sequence[str]],
    tiers: tuple[Tier, Tier],
    to: bool,
    seed: int,
) -> Swap:
    end = [*CONCLUSIONS[to].split(), ACT]
    written = write(
        policy,
        prompts,
        seed,
        begun=[[*body, *end] for body in bodies],
        max_new_tokens=OUTPUT_TOKENS,
    )
    return Swap(
        prompts=tiers[0], scratchpads=tiers[1], concludes=to, done=counts_of(written.grades)
    )
