"""Counterfactual pairs: two prompts that differ in one respect, and what should follow each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from tacit.base.errors import UserError

NEEDED = ("clean", "counterfactual", "answer", "other")


@final
@dataclass(frozen=True, kw_only=True)
class Pair:
    """A prompt, its counterfactual, and the word that should follow each."""

    task: str
    """Name of what the prompts ask for."""
    clean: str
    counterfactual: str
    answer: str
    """What follows the clean prompt, with the space before it if it has one."""
    other: str
    """What follows the counterfactual one, and would be wrong after the clean one."""
    kind: str = ""
    """Order of the names, or of the numbers, where a task has several."""
    roles: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Role -> its range of characters in the clean prompt."""


def pairs_in(path: Path) -> tuple[Pair, ...]:
    """Return the pairs of a JSONL file, a row each: clean, counterfactual, answer, other.

    ``kind`` and ``roles`` (role -> [start, end] in characters) may be there too.

    Raises:
        UserError: with the line, where a row is not of that form; for a file without rows.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the prompts {path} cannot be read: {error}.") from error
    found = tuple(
        _pair(path, number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )
    if not found:
        raise UserError(f"{path} holds no prompts; give rows with {', '.join(NEEDED)}.")
    return found


def _pair(path: Path, number: int, line: str) -> Pair:
    try:
        row = json.loads(line)
        words = {name: row[name] for name in NEEDED}
        roles = {
            str(role): (int(a), int(b)) for role, (a, b) in row.get("roles", {}).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"line {number} of {path} is no pair of prompts ({type(error).__name__}: {error}); "
            f"give a JSON object with the strings {', '.join(NEEDED)}."
        ) from error
    wrong = [
        name for name, value in words.items() if not isinstance(value, str) or not value
    ]
    if wrong:
        raise UserError(
            f"line {number} of {path} has no text in {', '.join(wrong)}; give a string."
        )
    return Pair(task=path.stem, kind=str(row.get("kind", "")), roles=roles, **words)
