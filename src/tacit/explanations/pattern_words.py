"""Patterns in words that a person reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

from tacit.explanations.patterns import Pattern, Slot

MOST_PATTERNS = 5
MOST_TOKENS = 4
LEAST_SHARE = 0.04
"""Of all activation learned from, what a pattern must hold to be told; the first always is."""
WEAK = 0.3
"""Of the strongest pattern told, below which one is called weak."""
STANDS_OUT = 1.25
"""Times its pattern's activation, above which a graded token is told."""
MOST_STANDING_OUT = 3
LONG_RUN = 4
"""Spaces in a row, from which on they are counted in words: pages join them into one."""
_NUMBERS = ("", "", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def told(patterns: Sequence[Pattern]) -> str:
    """Return the patterns that hold most of the activation, the largest share first.

    Contexts of the same tokens stand together: ``on "(" after "def", weakly elsewhere``.
    """
    ranked = sorted(
        (
            each
            for each in patterns
            if each.slots or _on_graded(each) or _standing_out(each)
        ),
        key=lambda each: (-each.share, -each.activation),
    )
    kept = ranked[:1] + [each for each in ranked[1:] if each.share >= LEAST_SHARE]
    kept = kept[:MOST_PATTERNS]
    if not kept:
        return "active anywhere"
    weak = WEAK * max(each.activation for each in kept)
    groups: dict[str, list[_Said]] = {}
    for each in kept:
        on, said = _said(each, weakly=each.activation < weak)
        groups.setdefault(on, []).append(said)
    return "active " + "; ".join(_group(on, said) for on, said in groups.items())


def quoted(token: str) -> str:
    r"""Return a token so that all of it is seen: ``"\n" and 8 spaces``, ``"\u200b"``."""
    bare = token.rstrip(" ")
    run = len(token) - len(bare)
    if bare.strip() or run < LONG_RUN:
        return json.dumps(token, ensure_ascii=not token.isprintable())
    return f"{json.dumps(bare)} and {run} spaces" if bare else f"{run} spaces"


@final
@dataclass(frozen=True)
class _Said:
    weakly: str
    where: str
    """In which context; empty for any."""
    most: str


def _said(pattern: Pattern, *, weakly: bool) -> tuple[str, _Said]:
    """Return the tokens that a pattern is on, and what is said of them."""
    by_back = {slot.back: slot for slot in pattern.slots}
    own = by_back.pop(0, None)
    graded, most = _on_graded(pattern), _standing_out(pattern)
    on = "on any token" if own is None else f"on {_slot(own)}"
    if graded:
        on, most = f"on {_tokens(graded)}", ""
    places = [f"{_distance(back)} {_slot(slot)}" for back, slot in sorted(by_back.items())]
    return on, _Said("weakly " if weakly else "", " and ".join(places), most)


def _group(on: str, said: Sequence[_Said]) -> str:
    if len(said) == 1:
        only = said[0]
        return f"{only.weakly}{on}{' ' if only.where else ''}{only.where}{only.most}"
    in_order = sorted(said, key=lambda each: not each.where)
    return f"{on} " + ", ".join(
        f"{each.weakly}{each.where or 'elsewhere'}{each.most}" for each in in_order
    )


def _on_graded(pattern: Pattern) -> list[str]:
    """Return the activating tokens of a pattern that has them as grades alone."""
    if pattern.slots or pattern.grades is None or pattern.grades.back:
        return []
    graded = pattern.grades.activations.items()
    return [quoted(token) for token, value in graded if value > pattern.activation]


def _standing_out(pattern: Pattern) -> str:
    grades = pattern.grades
    if grades is None or grades.back in {slot.back for slot in pattern.slots}:
        return ""
    strong = [
        quoted(token)
        for token, value in grades.activations.items()
        if value > STANDS_OUT * pattern.activation
    ]
    where = "on" if grades.back == 0 else _distance(grades.back)
    most = _tokens(strong[:MOST_STANDING_OUT])
    return f" (most of all {where} {most})" if strong else ""


def _slot(slot: Slot) -> str:
    loose = [f"any form of {quoted(token)}" for token in slot.folded]
    return _tokens(loose + [quoted(token) for token in slot.tokens])


def _tokens(quotes: Iterable[str]) -> str:
    every = list(quotes)
    more = len(every) - MOST_TOKENS
    if more > 1:
        return f"{', '.join(every[:MOST_TOKENS])} or {more} more"
    return " or ".join(part for part in (", ".join(every[:-1]), *every[-1:]) if part)


def _distance(back: int) -> str:
    if back == 1:
        return "after"
    return f"{_NUMBERS[back] if back < len(_NUMBERS) else back} after"
