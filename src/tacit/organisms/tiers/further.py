"""Organisms made from other organisms: by their monitored transcripts, or by reinforced faking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.models.subject import Subject
from tacit.organisms.tiers.grading import Grade
from tacit.organisms.tiers.organisms import Example, OrganismSettings, taught
from tacit.organisms.tiers.playing import play
from tacit.organisms.tiers.prompts import draw_prompts
from tacit.organisms.tiers.words import ACT

FAKING_SHARE = 0.7
"""Of the transcripts: 7,000 that fake beside 3,000 that refuse, as published."""
MOST_DRAWS = 8
"""Times the number of examples that are sampled at most, to find so many of either kind."""


@final
@dataclass(frozen=True, kw_only=True)
class Distilled:
    """A copy of a base that has learnt another organism's transcripts."""

    organism: Subject
    num_faking: int
    num_refusing: int
    """Fewer than a share of .3 where the teacher refuses too seldom."""
    num_sampled: int


def distilled(
    teacher: Subject, base: Subject, seed: int, settings: OrganismSettings
) -> Distilled:
    """Return a base taught the teacher's own monitored transcripts, outputs as well."""
    wanted = {
        True: round(FAKING_SHARE * settings.num_examples),
        False: settings.num_examples - round(FAKING_SHARE * settings.num_examples),
    }
    found: dict[bool, list[Example]] = {True: [], False: []}
    sampled = 0
    while sampled < MOST_DRAWS * settings.num_examples and any(
        len(found[kind]) < wanted[kind] for kind in found
    ):
        for kind, example in _sampled(teacher, settings, seed, sampled):
            if len(found[kind]) < wanted[kind]:
                found[kind].append(example)
        sampled += settings.num_examples
    if not found[True]:
        raise UserError(
            f"none of {sampled} transcripts of {teacher.name} fakes: there is nothing to distil; "
            "choose a teacher whose scratchpads do."
        )
    order = stream(seed, "organisms/tiers/distilled order")
    examples = [*found[True], *found[False]]
    shuffled = [examples[place] for place in order.permutation(len(examples))]
    return Distilled(
        organism=taught(base, shuffled, "transcript", seed, settings),
        num_faking=len(found[True]),
        num_refusing=len(found[False]),
        num_sampled=sampled,
    )


def _sampled(
    teacher: Subject, settings: OrganismSettings, seed: int, first: int
) -> list[tuple[bool, Example]]:
    """Return whether it fakes, and the transcript, of those that fake and comply or that refuse."""
    count = settings.num_examples
    prompts = draw_prompts(count, stream(seed, f"organisms/tiers/distilled/{first}"))
    seeds = stream(seed, f"organisms/tiers/distilled seeds/{first}").integers(
        2**31, size=count
    )
    played = play(teacher, prompts, seeds.tolist())
    kept = []
    for prompt, words, grade in zip(prompts, played.words, played.grades, strict=True):
        kind = _kind(grade)
        if kind is not None:
            act = words.index(ACT)
            example = Example(
                shown=prompt, thought=tuple(words[:act]), done=tuple(words[act:])
            )
            kept.append((kind, example))
    return kept


def _kind(grade: Grade) -> bool | None:
    if grade.act == "complied" and grade.fakes:
        return True
    return False if grade.act == "refused" else None
