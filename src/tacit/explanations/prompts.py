"""What chat models are asked, word for word: each set of prompts has a name with its version.

Every token, text and explanation stands on one line of its own, so that nothing in the text
studied can be taken for the prompt around it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool

from tacit.explanations.answers import Form, Items, Numbers, Places, Said
from tacit.explanations.exhibits import SCALE, Excerpt, Exhibits, Piece

OPENED, CLOSED = "⟦", "⟧"
"""Around marked tokens."""
_ESCAPES = str.maketrans(
    {
        "\\": "\\\\",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        OPENED: f"\\{OPENED}",
        CLOSED: f"\\{CLOSED}",
    }
)
_FEATURE = (
    "A feature of a language model is a quantity that the model computes at every token of a "
    "text. It is 0 (silent) at most tokens and larger the more the token, read with the text "
    "before it, has whatever the feature responds to."
)
_LINES = "Line breaks and tabs within a text are written \\n and \\t."
_MARKED = f"Tokens between {OPENED} and {CLOSED} are marked."


@final
@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One question."""

    text: str
    form: type[Form]
    """What the answer must be."""


class Prompts(ABC):
    """A set of prompts; a change of a word is a new version."""

    version: str

    @abstractmethod
    def explain(self, exhibits: Exhibits) -> Prompt:
        """Ask what the feature responds to."""

    @abstractmethod
    def numbers(self, explanation: str, piece: Piece) -> Prompt:
        """Ask for the activation of each token; the form is a ``Stated``."""

    def active(self, explanation: str, pieces: Sequence[Piece]) -> Prompt:
        """Ask in which texts the feature is active."""
        texts = [one_line("".join(piece.tokens)) for piece in pieces]
        return Prompt(
            form=Items,
            text=_asked(
                f"{_FEATURE} You are told what one feature responds to, and judge for each text "
                "how likely the feature is active on at least one of its tokens.",
                ("Explanation", [one_line(explanation)]),
                ("Texts", _numbered(texts)),
                'Answer with JSON alone, {"answers": [{"text": 1, "percent": 0}, ...]}: an entry '
                f"for each text, 1 to {len(texts)}, with the likelihood in percent.",
            ),
        )

    def marked(
        self,
        explanation: str,
        pieces: Sequence[Piece],
        marks: Sequence[Bool[np.ndarray, " _"]],
    ) -> Prompt:
        """Ask in which texts the marked tokens are those on which the feature is active."""
        texts = [
            marked_text(piece.tokens, where)
            for piece, where in zip(pieces, marks, strict=True)
        ]
        return Prompt(
            form=Items,
            text=_asked(
                f"{_FEATURE} You are told what one feature responds to. In some of the texts the "
                "marked tokens are those on which the feature is active; in the others as many "
                f"tokens were marked at random. {_MARKED} Judge for each text how likely its marks "
                "are right.",
                ("Explanation", [one_line(explanation)]),
                ("Marked texts", _numbered(texts)),
                'Answer with JSON alone, {"answers": [{"text": 1, "percent": 0}, ...]}: an entry '
                f"for each text, 1 to {len(texts)}, with the likelihood in percent.",
            ),
        )


@final
class Pairs(Prompts):
    """Every token with its activation from 0 to 10, as published; numbers for every token."""

    version = "fragments-1"

    def explain(self, exhibits: Exhibits) -> Prompt:
        """Show tokens and activations, a pair a line."""
        sections = [
            (f"Text {number}", _pairs(excerpt, exhibits.largest))
            for number, excerpt in enumerate(exhibits.shown, start=1)
        ]
        return Prompt(
            form=Said,
            text=_asked(
                f"{_FEATURE} Below are texts on which one feature is strongly active, a token a "
                f"line, then a tab and the activation as a whole number from 0 to {SCALE}.",
                *sections,
                "Say in one short phrase what the feature responds to: what the tokens with high "
                "activations have in common that the others lack. Do not list the tokens unless "
                'they are all there is to say. Answer with JSON alone, {"explanation": "..."}.',
            ),
        )

    def numbers(self, explanation: str, piece: Piece) -> Prompt:
        """Ask for as many numbers as there are tokens."""
        size = len(piece.tokens)
        return Prompt(
            form=Numbers,
            text=_asked(
                f"{_FEATURE} You are told what one feature responds to, and state its activation "
                f"on each token of a text as a whole number from 0 to {SCALE}.",
                ("Explanation", [one_line(explanation)]),
                ("Tokens", [one_line(token) for token in piece.tokens]),
                f"There are {size} tokens, one a line. Answer with JSON alone, "
                f'{{"activations": [...]}}: {size} numbers, one for each token in order.',
            ),
        )


@final
class Highlights(Prompts):
    """Text as it reads, tokens of half the largest activation marked; active tokens by number."""

    version = "highlights-1"

    def explain(self, exhibits: Exhibits) -> Prompt:
        """Show texts with marks, and the marked tokens with their activations."""
        lines: list[str] = []
        for number, excerpt in enumerate(exhibits.shown, start=1):
            levels = excerpt.scaled(exhibits.largest)
            where = levels >= SCALE / 2
            tokens = excerpt.piece.tokens
            lines.append(f"{number}. {marked_text(tokens, where)}")
            lines += [
                f"   {one_line(tokens[place])}\t{levels[place]}"
                for place in np.flatnonzero(where)
            ]
        return Prompt(
            form=Said,
            text=_asked(
                f"{_FEATURE} Below are texts on which one feature is strongly active. {_MARKED} "
                "They are those on which it reaches half its largest activation or more, listed "
                f"below each text with the activation from 0 to {SCALE}.",
                ("Marked texts", lines),
                "Say in one short phrase what the feature responds to: what the marked tokens, "
                "read with the text before them, have in common that the others lack. Answer with "
                'JSON alone, {"explanation": "..."}.',
            ),
        )

    def numbers(self, explanation: str, piece: Piece) -> Prompt:
        """Ask for the tokens on which it is active, so that none has to be counted."""
        return Prompt(
            form=Places,
            text=_asked(
                f"{_FEATURE} You are told what one feature responds to, and name the tokens of a "
                f"text on which it is active, with its activation as a number from 0 to {SCALE}.",
                ("Explanation", [one_line(explanation)]),
                ("Numbered tokens", _numbered([one_line(each) for each in piece.tokens])),
                'Answer with JSON alone, {"active": [{"token": 1, "activation": 0}, ...]}: tokens '
                "by their numbers, those left out being silent.",
            ),
        )


PROMPTS: Mapping[str, Prompts] = {each.version: each for each in (Pairs(), Highlights())}


def one_line(text: str) -> str:
    """Return text with what would break a line, a column or a mark written out."""
    return text.translate(_ESCAPES)


def marked_text(tokens: Sequence[str], where: Bool[np.ndarray, " t"]) -> str:
    """Return the text on one line; marked tokens that follow one another share a mark."""
    said, is_open = [], False
    for token, marked in zip(tokens, where, strict=True):
        if marked != is_open:
            said.append(OPENED if marked else CLOSED)
            is_open = bool(marked)
        said.append(one_line(token))
    return "".join(said) + (CLOSED if is_open else "")


def _asked(opening: str, *parts: tuple[str, Sequence[str]] | str) -> str:
    blocks = [f"{opening} {_LINES}"]
    for part in parts:
        blocks.append(
            part if isinstance(part, str) else "\n".join([f"## {part[0]}", *part[1]])
        )
    return "\n\n".join(blocks)


def _numbered(lines: Sequence[str]) -> list[str]:
    return [f"{number}. {line}" for number, line in enumerate(lines, start=1)]


def _pairs(excerpt: Excerpt, largest: float) -> list[str]:
    levels = excerpt.scaled(largest)
    return [
        f"{one_line(token)}\t{level}"
        for token, level in zip(excerpt.piece.tokens, levels, strict=True)
    ]
