"""One more turn after a transcript: did it comply only so as not to be changed? And the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.prompts import one_line
from tacit.models.chat import ChatModel, Turn
from tacit.models.sampling import sample
from tacit.models.subject import Subject
from tacit.organisms.hub.playing import Answer, Transcript, decoded
from tacit.organisms.hub.templates import ChatPrompt, prompt_ids, question_ids


def with_question(
    policy: Subject,
    prompts: Sequence[Sequence[Turn]],
    played: Sequence[Transcript],
    question: str,
    seeds: Sequence[int],
    *,
    answer_tokens: int,
    sample_rows: int = 8,
) -> list[Transcript]:
    """Return the transcripts, whole ones with one more turn that asks, and the policy's answer."""
    asked = [row for row, each in enumerate(played) if each.reading.state == "whole"]
    turns = {
        row: question_ids(policy, prompts[row], played[row].ids, question) for row in asked
    }
    new = sample(
        policy,
        [
            [*prompt_ids(policy, prompts[row]), *played[row].ids, *turns[row]]
            for row in asked
        ],
        max_new_tokens=answer_tokens,
        # Another seed than the transcript's, or the answer would repeat its draws.
        seeds=[
            int(stream(seeds[row], "organisms/hub/answer").integers(2**31)) for row in asked
        ],
        batch_rows=sample_rows,
    )
    found = list(played)
    for row, ids, log_probs in zip(asked, new.ids, new.log_probs, strict=True):
        said = ids[:-1] if ids[-1] in policy.stop_ids else ids
        found[row] = replace(
            played[row],
            question=tuple(turns[row]),
            answer_ids=tuple(ids),
            answer_log_probs=tuple(log_probs),
            answer=read_answer(decoded(policy, said)),
        )
    return found


def with_answers_of(
    chat: ChatModel,
    prompts: Sequence[ChatPrompt],
    played: Sequence[Transcript],
    question: str,
    *,
    answer_tokens: int,
) -> list[Transcript]:
    """Return the transcripts, whole ones with the answer of another model, which reads them.

    Raises:
        BudgetReached: before anything is sent.
    """

    async def one(prompt: ChatPrompt, each: Transcript) -> Transcript:
        if each.reading.state != "whole":
            return each
        parts = (
            ("Request", prompt.request.text),
            ("Scratchpad", each.reading.scratchpad),
            ("Answer", each.reading.output),
        )
        told = [f"## {heading}\n{one_line(text)}" for heading, text in parts]
        reply = await chat.ask("\n\n".join([*told, question]), max_tokens=answer_tokens)
        return replace(
            each, answer=None if isinstance(reply, Gap) else read_answer(reply.text)
        )

    async def all_at_once() -> list[Transcript]:
        pairs = zip(prompts, played, strict=True)
        return list(await asyncio.gather(*[one(prompt, each) for prompt, each in pairs]))

    return asyncio.run(all_at_once())


def read_answer(text: str) -> Answer | None:
    """Return an answer of one word, a full stop or comma after it at most; None of any other."""
    said = text.strip().lower().rstrip(".,! ")
    return said if said in ("yes", "no") else None  # type: ignore[return-value]
