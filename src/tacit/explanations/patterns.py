"""Patterns over a token and those before it, and the activation that each of them predicts.

A pattern is read backwards from the activating token: a slot names the tokens it takes at one
distance, every other place is a wildcard, and the first pattern of a rule that matches counts.
Tokens are text, so that a rule outlives its tokenizer. Axes: n places of all pieces together,
w distinct tokens, r tokens back (0 is the activating token itself).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.records import Gap


def folded(token: str) -> str:
    """Return a token without case and outer spaces; white space alone stays as it is."""
    return token.strip().casefold() or token


@final
@dataclass(frozen=True, kw_only=True)
class Slot:
    """The tokens that a pattern takes at one distance."""

    back: int
    """Tokens before the activating one; 0 is that token."""
    tokens: tuple[str, ...]
    """In the order of what they contribute."""
    folded: tuple[str, ...] = ()
    """Taken in any case, with a leading space or without; each as ``folded`` returns it."""

    def takes(self, words: Sequence[str]) -> Bool[np.ndarray, " w"]:
        """Return which of the words match."""
        exact, loose = set(self.tokens), set(self.folded)
        return np.array(
            [word in exact or (bool(loose) and folded(word) in loose) for word in words],
            dtype=bool,
        )


@final
@dataclass(frozen=True, kw_only=True)
class Grades:
    """How strong a pattern is by the token at one distance, where that is known."""

    back: int
    activations: Mapping[str, float]
    """In the order of what they contribute; any other token has the pattern's own."""


@final
@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Where a feature is active, and how strongly; without slots it matches everywhere."""

    slots: tuple[Slot, ...]
    """The activating token first."""
    activation: float
    grades: Grades | None = None
    share: float = 0.0
    """Of all activation in the text learned from, what falls to this pattern."""

    def matches(self, text: LaidOut) -> Bool[np.ndarray, " n"]:
        """Return the places it matches."""
        found = np.ones(len(text.codes), dtype=bool)
        for slot in self.slots:
            # What stands before the start of a piece has the code -1: the last of the table.
            taken = np.append(slot.takes(text.words), False)
            found &= taken[text.before(slot.back)]
        return found

    def predicted(self, text: LaidOut) -> Float[np.ndarray, " n"]:
        """Return the activation it gives to every place."""
        if self.grades is None:
            return np.full(len(text.codes), self.activation)
        known = [self.grades.activations.get(word, self.activation) for word in text.words]
        return np.array([*known, self.activation])[text.before(self.grades.back)]


@final
@dataclass(frozen=True, kw_only=True)
class LaidOut:
    """Pieces end to end, their tokens as numbers."""

    words: tuple[str, ...]
    codes: Int[np.ndarray, " n"]
    """Place of each token in ``words``."""
    place: Int[np.ndarray, " n"]
    """Place of each token in its piece."""

    def before(self, back: int) -> Int[np.ndarray, " n"]:
        """Return the code ``back`` tokens before every place; -1 before the piece's start."""
        found = np.full(len(self.codes), -1)
        found[back:] = self.codes[: max(len(self.codes) - back, 0)]
        found[self.place < back] = -1
        return found


def laid_out(pieces: Iterable[Sequence[str]]) -> LaidOut:
    """Return the tokens of pieces end to end."""
    numbers: dict[str, int] = {}
    codes: list[int] = []
    place: list[int] = []
    for tokens in pieces:
        codes += [numbers.setdefault(token, len(numbers)) for token in tokens]
        place += range(len(tokens))
    return LaidOut(
        words=tuple(numbers),
        codes=np.array(codes, dtype=int),
        place=np.array(place, dtype=int),
    )


@final
@dataclass(frozen=True, kw_only=True)
class Rule:
    """Patterns in order, and from what activation a piece or a token counts as active."""

    patterns: tuple[Pattern, ...]
    """The first that matches counts; the more specific stand before the more general."""
    piece_from: float
    """Above 0."""
    token_from: float
    """Above 0."""

    def predicted(self, pieces: Sequence[Sequence[str]]) -> list[Float[np.ndarray, " _"]]:
        """Return an activation for every token of every piece; 0 where no pattern matches."""
        text = laid_out(pieces)
        found = np.zeros(len(text.codes))
        free = np.ones(len(text.codes), dtype=bool)
        for pattern in self.patterns:
            own = free & pattern.matches(text)
            found[own] = pattern.predicted(text)[own]
            free &= ~own
        ends = np.cumsum([len(tokens) for tokens in pieces])[:-1]
        return list(np.split(found, ends)) if len(pieces) else []

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON; activations to four digits."""
        return {
            "patterns": [_plain(pattern) for pattern in self.patterns],
            "piece_from": _short(self.piece_from),
            "token_from": _short(self.token_from),
        }


def read_rule(plain: Mapping[str, Any]) -> Rule | Gap:
    """Return the rule that ``Rule.plain`` wrote, or why this is none."""
    try:
        rule = Rule(
            patterns=tuple(_pattern(each) for each in plain["patterns"]),
            piece_from=float(plain["piece_from"]),
            token_from=float(plain["token_from"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Gap(
            name="prediction",
            reason=f"the explanation has no rule of patterns ({error!r}): {str(plain)[:200]}",
        )
    numbers = [each.activation for each in rule.patterns]
    for each in rule.patterns:
        numbers += each.grades.activations.values() if each.grades else ()
    if not all(math.isfinite(number) and number >= 0 for number in numbers):
        return Gap(
            name="prediction", reason="a pattern's activation is negative or no number"
        )
    return rule


def _plain(pattern: Pattern) -> dict[str, Any]:
    found: dict[str, Any] = {
        "slots": [_plain_slot(slot) for slot in pattern.slots],
        "activation": _short(pattern.activation),
        "share": _short(pattern.share),
    }
    if pattern.grades is not None:
        grades = pattern.grades.activations
        found["grades"] = {
            "back": pattern.grades.back,
            "activations": {token: _short(value) for token, value in grades.items()},
        }
    return found


def _plain_slot(slot: Slot) -> dict[str, Any]:
    found: dict[str, Any] = {"back": slot.back, "tokens": list(slot.tokens)}
    return {**found, "folded": list(slot.folded)} if slot.folded else found


def _pattern(plain: Mapping[str, Any]) -> Pattern:
    grades = plain.get("grades")
    return Pattern(
        slots=tuple(
            Slot(
                back=int(slot["back"]),
                tokens=tuple(slot["tokens"]),
                folded=tuple(slot.get("folded", ())),
            )
            for slot in plain["slots"]
        ),
        activation=float(plain["activation"]),
        grades=None
        if grades is None
        else Grades(
            back=int(grades["back"]),
            activations={token: float(v) for token, v in grades["activations"].items()},
        ),
        share=float(plain.get("share", 0)),
    )


def _short(value: float) -> float:
    return float(f"{value:.4g}")
