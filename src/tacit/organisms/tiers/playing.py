"""What a policy writes after prompts: scratchpads, outputs, and answers to a question."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.models.sampling import Samples, sample
from tacit.models.subject import Subject
from tacit.organisms.tiers.grading import grade
from tacit.organisms.tiers.played import Played
from tacit.organisms.tiers.prompts import Prompt
from tacit.organisms.tiers.questioning import question as words_of_question
from tacit.organisms.tiers.words import ACT, END, IDS, ids_of, words_of

TRANSCRIPT_TOKENS = 48
ANSWER_TOKENS = 3
"""One more than a well-formed answer."""
_BATCH_ROWS = 512


def play(
    policy: Subject,
    prompts: Sequence[Prompt],
    seeds: Sequence[int],
    *,
    max_new_tokens: int = TRANSCRIPT_TOKENS,
    group_rows: int | None = None,
    shares_scratchpads: bool = False,
    question: str | None = None,
    answerer: Subject | None = None,
    temperature: float = 1.0,
) -> Played:
    """Return what a policy writes, a transcript a prompt: it depends on prompt and seed alone.

    ``shares_scratchpads``: rows stand in groups of ``group_rows`` with one prompt; the first row's
    scratchpad is sampled, and all rows of the group go on from it. ``question``: the kind asked
    after every act, of the policy or of ``answerer``. Truncated rows are not asked.
    """
    opened = [ids_of(prompt.words()) for prompt in prompts]
    if shares_scratchpads:
        firsts = _first_of_group(prompts, group_rows)
        new = _shared(policy, opened, seeds, firsts, max_new_tokens, temperature)
    else:
        new = _sampled(policy, opened, seeds, {END}, max_new_tokens, temperature)
    words = [words_of(ids) for ids in new.ids]
    grades = [
        grade(prompt, each, is_cut=not each or each[-1] != END)
        for prompt, each in zip(prompts, words, strict=True)
    ]
    answers: list[list[str]] = [[] for _ in words]
    log_probs: list[list[float]] = [[] for _ in words]
    if question is not None:
        asked = [row for row, each in enumerate(grades) if each.act != "truncated"]
        after = ids_of(words_of_question(question))
        told = _sampled(
            answerer or policy,
            [opened[row] + new.ids[row] + after for row in asked],
            [_other_seed(seeds[row], "answer") for row in asked],
            {END},
            ANSWER_TOKENS,
            temperature,
        )
        for row, ids, logs in zip(asked, told.ids, told.log_probs, strict=True):
            answers[row], log_probs[row] = words_of(ids), logs
    return Played(
        prompts=prompts,
        words=words,
        log_probs=new.log_probs,
        grades=grades,
        question=question,
        answer_words=answers,
        answer_log_probs=log_probs,
    )


def _sampled(
    policy: Subject,
    prefixes: Sequence[Sequence[int]],
    seeds: Sequence[int],
    ends: Collection[str],
    max_new_tokens: int,
    temperature: float,
) -> Samples:
    return sample(
        policy,
        prefixes,
        max_new_tokens=max_new_tokens,
        seeds=seeds,
        temperature=temperature,
        stop_ids=ids_of(sorted(ends)),
        batch_rows=_BATCH_ROWS,
    )


def _shared(
    policy: Subject,
    opened: Sequence[list[int]],
    seeds: Sequence[int],
    firsts: Sequence[int],
    max_new_tokens: int,
    temperature: float,
) -> Samples:
    """Return rows that go on from the scratchpad of their group's first, within one limit."""
    of_group = sorted(set(firsts))
    thought = _sampled(
        policy,
        [opened[row] for row in of_group],
        [seeds[row] for row in of_group],
        {ACT, END},
        max_new_tokens,
        temperature,
    )
    place = {row: number for number, row in enumerate(of_group)}
    ids = [list(thought.ids[place[first]]) for first in firsts]
    log_probs = [list(thought.log_probs[place[first]]) for first in firsts]
    # Rows of one length have one number of tokens left; they would run together anyway.
    lengths = {len(each) for each in ids if each[-1] == IDS[ACT]} - {max_new_tokens}
    for length in sorted(lengths):
        rows = [
            row
            for row, each in enumerate(ids)
            if len(each) == length and each[-1] == IDS[ACT]
        ]
        done = _sampled(
            policy,
            [opened[row] + ids[row] for row in rows],
            [_other_seed(seeds[row], "output") for row in rows],
            {END},
            max_new_tokens - length,
            temperature,
        )
        for row, more, logs in zip(rows, done.ids, done.log_probs, strict=True):
            ids[row], log_probs[row] = ids[row] + more, log_probs[row] + logs
    return Samples(ids=ids, log_probs=log_probs)


def _first_of_group(prompts: Sequence[Prompt], group_rows: int | None) -> list[int]:
    """Return the row that each row's group begins with."""
    if group_rows is None or len(prompts) % group_rows:
        raise UserError(
            f"scratchpads were to be shared over {len(prompts)} rows in groups of {group_rows}; "
            "give group_rows, and a whole number of groups."
        )
    firsts = [row - row % group_rows for row in range(len(prompts))]
    for row, first in enumerate(firsts):
        if prompts[row] != prompts[first]:
            raise UserError(
                f"row {row} (counting from 0) has another prompt than row {first}, whose "
                "scratchpad it was to share; repeat each prompt group_rows times."
            )
    return firsts


def _other_seed(seed: int, purpose: str) -> int:
    """Return a row's seed for a second draw, which must not repeat the numbers of its first."""
    return int(stream(seed, f"organisms/tiers/playing/{purpose}").integers(2**31))
