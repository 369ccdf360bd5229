"""Chats as the text that a model reads: its own template, and whose words each character is.

Axes: n tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Int

from tacit.base.errors import UserError
from tacit.data.documents import Corpus, Document, Message

TEMPLATE = "template"
"""Role of what the template itself writes."""
Span = tuple[int, int, str]
"""First character, the one after the last, and whose words they are."""


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A corpus with its chats written out."""

    corpus: Corpus
    spans: Mapping[int, Sequence[Span]]
    """By document: where the words of each message stand. Empty for a corpus without chats."""

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles, the template first; none without chats."""
        found = {role for spans in self.spans.values() for *_, role in spans}
        return (TEMPLATE, *sorted(found)) if self.spans else ()

    def roles_at(
        self, document: int, offsets: Int[np.ndarray, "n 2"]
    ) -> Int[np.ndarray, " n"]:
        """Return the index into ``roles`` of each token: whose words its characters hold."""
        starts, ends = offsets[:, 0], offsets[:, 1]
        found = np.zeros(len(offsets), dtype=np.int64)
        for first, last, role in self.spans.get(document, ()):
            found[(starts < last) & (ends > first)] = self.roles.index(role)
        return found


def render(corpus: Corpus, tokenizer: Any, opening: str | None) -> Rendered:
    """Return the corpus with each chat as the tokenizer's template writes it.

    ``opening``: text of a BOS token that windows are opened with anyhow, so that a template that
    writes it too does not double it.

    Raises:
        UserError: where the tokenizer has no template, the template refuses a chat, or the words
            of a message cannot be found in what it wrote.
    """
    if not any(document.messages for document in corpus.documents):
        return Rendered(corpus=corpus, spans={})
    if not tokenizer.chat_template:
        raise UserError(
            f"{corpus.name} holds chats, and the tokenizer of this model has no chat template; "
            "give a chat model, or plain text."
        )
    documents: list[Document] = []
    spans: dict[int, Sequence[Span]] = {}
    for number, document in enumerate(corpus.documents):
        if document.messages:
            text, skeleton = (
                _written(document, corpus.name, tokenizer, masked=masked).removeprefix(
                    opening or ""
                )
                for masked in (False, True)
            )
            where = f"{corpus.name}, {document.name}"
            spans[number] = _found(document.messages, text, skeleton, where)
            documents.append(replace(document, text=text))
        else:
            spans[number] = [(0, len(document.text), "text")]
            documents.append(document)
    return Rendered(corpus=replace(corpus, documents=tuple(documents)), spans=spans)


def _written(document: Document, corpus: str, tokenizer: Any, *, masked: bool) -> str:
    """Return a chat as the template writes it, or with a mark in place of each content."""
    from jinja2 import TemplateError

    messages = [
        {"role": each.role, "content": _mark(number) if masked else each.content}
        for number, each in enumerate(document.messages)
    ]
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False))
    except (TemplateError, ValueError) as error:
        roles = ", ".join(each.role for each in document.messages)
        raise UserError(
            f"the chat template refuses {corpus}, {document.name} ({error}); its roles are, in "
            f"order: {roles}."
        ) from error


def _mark(number: int) -> str:
    """Return a text of private characters that stands for the content of a message."""
    return f"\ue000{number}\ue001"


def _found(messages: Sequence[Message], text: str, skeleton: str, where: str) -> list[Span]:
    """Return where each message's words stand in ``text``, which must fill out the skeleton.

    Searching for the words alone would find a short message inside the template's own.
    """
    spans: list[Span] = []
    place = 0
    for number, message in enumerate(messages):
        before, mark, skeleton = skeleton.partition(_mark(number))
        start = place + len(before)
        words = next(
            (
                each
                for each in (message.content, message.content.strip())
                if text.startswith(each, start)
            ),
            None,
        )
        if not mark or text[place:start] != before or words is None:
            raise _changed(number, where)
        place = start + len(words)
        if words:
            spans.append((start, place, message.role))
    if text[place:] != skeleton:
        raise _changed(len(messages) - 1, where)
    return spans


def _changed(number: int, where: str) -> UserError:
    return UserError(
        f"message {number} of {where} is not as it was in what the chat template wrote: the "
        "template changes or drops it, so that its tokens have no certain role. Leave such "
        "messages out."
    )
