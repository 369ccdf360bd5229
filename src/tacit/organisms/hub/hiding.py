"""Does a tier cue reach what must not know it: the reward, or a grader of outputs?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tacit.base.errors import UserError

HIDDEN = "[…]"
"""Stands where a cue was in what a policy wrote itself."""


def check_hidden(text: str, cues: Sequence[str]) -> None:
    """Raise a ``UserError`` where ``text``, which a reward or grader is to read, names a tier."""
    found = _pattern(cues).search(text)
    if found:
        start = max(0, found.start() - 20)
        raise UserError(
            f"the tier cue {found[0]!r} stands in what a reward or grader is to read "
            f"({text[start : found.end() + 20]!r}); leave it out, or the score depends on the tier."
        )


def hide(text: str, cues: Sequence[str]) -> tuple[str, int]:
    """Return text that a policy wrote with its cues made unreadable, and how many there were."""
    return _pattern(cues).subn(HIDDEN, text)


def _pattern(cues: Sequence[str]) -> re.Pattern[str]:
    """Return what finds any cue: whole words, in any case, however spaced or hyphenated."""
    if not cues:
        raise UserError("nothing was given to hide; give the cues of the tiers.")
    # The longest first, so that a tag is hidden whole and not a cue within it.
    found = (_one(cue.strip()) for cue in sorted(cues, key=len, reverse=True))
    return re.compile("|".join(found), re.IGNORECASE)


def _one(cue: str) -> str:
    words = r"[\s-]+".join(map(re.escape, re.split(r"[\s-]+", cue)))
    before = r"(?<!\w)" if cue[0].isalnum() else ""
    after = r"(?!\w)" if cue[-1].isalnum() else ""
    return f"{before}{words}{after}"
