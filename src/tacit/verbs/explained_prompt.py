"""Which tokens a prompt is, and which logits after it a graph explains.

Axes: t positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.explained_logits import Logit, likeliest
from tacit.models.subject import Subject

TOP = 3
"""Likeliest tokens that are explained where nothing else is asked for."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ExplainedPrompt:
    """A prompt as its subject reads it, and what is to be explained."""

    text: str
    ids: Int[Tensor, " t"]
    opened: bool
    """Whether BOS stands first."""
    logits: tuple[Logit, ...]
    words: tuple[str, ...]
    """Each logit in words."""
    probabilities: tuple[float, ...]
    """Of each logit's token."""


def explained_prompt(
    subject: Subject,
    prompt: str,
    transcoders: Sequence[Dictionary],
    *,
    answer: str | None = None,
    other: str | None = None,
    top: int | None = None,
) -> ExplainedPrompt:
    """Return the prompt, opened as the transcoders' rows were, and the logits to explain.

    That is the answer's, less the other's or else less the mean; without an answer those of the
    likeliest tokens, at most ``top`` of them.

    Raises:
        UserError: for a prompt without tokens or too long, an answer that is not one token, and
            wishes that exclude each other.
    """
    _check_wishes(answer, other, top)
    ids, opened = _ids(subject, prompt, transcoders)
    found = subject.run(ids[None], logits=True).logits
    assert found is not None, "logits were asked for"
    log_probabilities = found[0, -1].float().cpu().log_softmax(dim=-1)
    if answer is None:
        logits = likeliest(log_probabilities)[: top or TOP]
    else:
        named = [
            _token(subject, prompt, word) for word in (answer, other) if word is not None
        ]
        logits = [Logit(*named)]
    return ExplainedPrompt(
        text=prompt,
        ids=ids,
        opened=opened,
        logits=tuple(logits),
        words=tuple(_in_words(subject, logit) for logit in logits),
        probabilities=tuple(float(log_probabilities[each.token].exp()) for each in logits),
    )


def _check_wishes(answer: str | None, other: str | None, top: int | None) -> None:
    if answer is None and other is not None:
        raise UserError(
            f"the other answer {other!r} was given without an answer that it is taken off; give "
            "--answer too."
        )
    if answer is not None and top is not None:
        raise UserError(
            f"the answer {answer!r} and the {top} likeliest tokens were both to be explained; "
            "give --answer or --top."
        )


def _ids(
    subject: Subject, prompt: str, transcoders: Sequence[Dictionary]
) -> tuple[Int[Tensor, " t"], bool]:
    """Return a prompt's tokens, and whether BOS stands before them."""
    ids = subject.tokenize(prompt).ids
    if not ids:
        raise UserError(f"the prompt {prompt!r} has no tokens; give some text.")
    wanted = {one.contract.prepend_bos for one in transcoders} - {None}
    if len(wanted) > 1:
        raise UserError(
            "some of the transcoders were fitted on windows that open with BOS, and some on "
            "windows that do not; give transcoders of one store."
        )
    if subject.bos_id is None or wanted == {False}:
        return torch.tensor(ids), False
    return torch.tensor([subject.bos_id, *ids]), True


def _token(subject: Subject, prompt: str, word: str) -> int:
    """Return the one token that a word is after the prompt."""
    read = subject.tokenize(prompt).ids

    def following(text: str) -> list[int] | None:
        whole = subject.tokenize(prompt + text).ids
        return whole[len(read) :] if whole[: len(read)] == read else None

    found, spaced = following(word), following(f" {word}")
    if found is not None and len(found) == 1:
        return found[0]
    hint = (
        f"{f' {word}'!r} is one"
        if spaced is not None and len(spaced) == 1
        else (
            "give a shorter one, with the space before it, and the prompt without one at its end"
        )
    )
    parts = "part of its last token" if found is None else f"{len(found)} tokens"
    raise UserError(
        f"the answer {word!r} is not one token of {subject.name} after the prompt, but {parts}; "
        f"{hint}."
    )


def _in_words(subject: Subject, logit: Logit) -> str:
    token, other = (
        None if each is None else subject.tokenizer.decode([each])
        for each in (logit.token, logit.other)
    )
    return f"{token!r}" if other is None else f"{token!r} less {other!r}"
