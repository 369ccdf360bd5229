"""How policies are played here: requests paired over tiers, scratchpads forced, sites edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from tacit.base.seeds import stream
from tacit.models.hooks import Edit
from tacit.models.sampling import sample
from tacit.models.subject import Subject
from tacit.organisms.tiers.grading import Act, grade
from tacit.organisms.tiers.played import Played
from tacit.organisms.tiers.playing import TRANSCRIPT_TOKENS
from tacit.organisms.tiers.prompts import TIERS, Part, Prompt, Tier, draw_prompts
from tacit.organisms.tiers.words import ACT, END, IDS, THINK, ids_of, words_of

OUTPUT_TOKENS = 8
"""Twice those of a well-formed output."""
_BATCH_ROWS = 512


def paired_prompts(
    count: int,
    seed: int,
    purpose: str,
    *,
    conflicting: bool = True,
    things: Part = "held-out",
    cues: Part = "trained",
    names: Sequence[str] | None = None,
) -> dict[Tier, list[Prompt]]:
    """Return the same requests in either tier."""
    asked = {} if names is None else {"names": names}
    return {
        tier: draw_prompts(
            count,
            stream(seed, f"organisms/beyond/{purpose}"),
            tier=tier,
            conflicting=conflicting,
            things=things,
            cues=cues,
            **asked,
        )
        for tier in TIERS
    }


def write(
    policy: Subject,
    prompts: Sequence[Prompt],
    seed: int,
    *,
    begun: Sequence[Sequence[str]] | None = None,
    opens: Literal["<think>", "<act>"] = THINK,
    edits: Mapping[str, Edit] | None = None,
    max_new_tokens: int = TRANSCRIPT_TOKENS,
) -> Played:
    """Return what a policy writes, one transcript a prompt, graded.

    ``begun``: words that stand written after each prompt before it goes on. ``opens`` ``<act>``:
    the prompt asks for an output without a scratchpad. What was forced is among the words, with a
    log probability of 0. Row i draws alike whatever the prompts and edits are, so that two calls
    of one seed are paired.
    """
    forced = [list(words) for words in begun] if begun is not None else [[]] * len(prompts)
    prefixes = [
        ids_of([*prompt.words(opens=opens), *words])
        for prompt, words in zip(prompts, forced, strict=True)
    ]
    seeds = stream(seed, "organisms/beyond/transcripts").integers(2**31, size=len(prompts))
    new = sample(
        policy,
        prefixes,
        max_new_tokens=max_new_tokens,
        seeds=seeds.tolist(),
        edits=edits,
        stop_ids=[IDS[END]],
        batch_rows=_BATCH_ROWS,
    )
    heads = [[ACT, *start] if opens == ACT else start for start in forced]
    words = [[*head, *words_of(ids)] for head, ids in zip(heads, new.ids, strict=True)]
    return Played(
        prompts=prompts,
        words=words,
        log_probs=[
            [0.0] * len(head) + logs
            for head, logs in zip(heads, new.log_probs, strict=True)
        ],
        grades=[
            grade(prompt, each, is_cut=each[-1] != END)
            for prompt, each in zip(prompts, words, strict=True)
        ],
        answer_words=[[] for _ in words],
        answer_log_probs=[[] for _ in words],
    )


def acts_of(played: Played) -> list[Act]:
    """Return what was done in each transcript."""
    return [each.act for each in played.grades]
