"""What a prompt shows, read back from its words: the inverse of ``prompts``, for scripted models.

Axes: t tokens of a piece.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from tacit.explanations.exhibits import Excerpt, Piece
from tacit.explanations.prompts import CLOSED, OPENED


def sections(prompt: str) -> dict[str, list[str]]:
    """Return the lines below each heading, up to the next empty one."""
    found: dict[str, list[str]] = {}
    for block in prompt.split("\n\n"):
        if block.startswith("## "):
            title, *lines = block.split("\n")
            found[title.removeprefix("## ")] = lines
    return found


def items(lines: Sequence[str]) -> list[str]:
    """Return numbered lines without their numbers."""
    return [line.partition(". ")[2] for line in lines]


def plain(line: str) -> str:
    """Return what ``prompts.one_line`` was given."""
    breaks = {"n": "\n", "r": "\r", "t": "\t"}
    said, is_escaped = [], False
    for character in line:
        if character == "\\" and not is_escaped:
            is_escaped = True
            continue
        said.append(breaks.get(character, character) if is_escaped else character)
        is_escaped = False
    return "".join(said)


def split_at_marks(line: str) -> list[str]:
    """Return what stands outside and inside of marks, in turn; an escaped mark is text."""
    parts, is_escaped = [""], False
    for character in line:
        if character in (OPENED, CLOSED) and not is_escaped:
            parts.append("")
        else:
            parts[-1] += character
        is_escaped = character == "\\" and not is_escaped
    return parts


def with_levels(lines: list[str]) -> list[tuple[str, list[tuple[str, float]]]]:
    """Return each numbered text, with the tokens and levels listed below it."""
    found: list[tuple[str, list[tuple[str, float]]]] = []
    for line in lines:
        if line.startswith("   "):
            token, _, level = line.removeprefix("   ").rpartition("\t")
            found[-1][1].append((plain(token), float(level)))
        else:
            found.append((line.partition(". ")[2], []))
    return found


def paired(lines: list[str]) -> Excerpt:
    """Return the excerpt of tokens and levels, a pair a line."""
    pairs = [line.rpartition("\t") for line in lines]
    levels = np.array([float(level) for _, _, level in pairs], dtype=np.float32)
    return excerpt_of([plain(token) for token, _, _ in pairs], levels)


def piece_of(tokens: Sequence[str]) -> Piece:
    """Return tokens as a piece that is of no index."""
    unknown = np.full(len(tokens), -1)
    return Piece(tokens=tuple(tokens), ids=unknown, rows=unknown)


def excerpt_of(tokens: Sequence[str], values: Float[np.ndarray, " t"]) -> Excerpt:
    """Return tokens and activations as an excerpt."""
    known = np.ones(len(tokens), dtype=bool)
    return Excerpt(
        piece=piece_of(tokens), values=values, known=known, fragment=-1, kind="top"
    )
