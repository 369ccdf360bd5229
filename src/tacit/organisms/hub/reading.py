"""What a chat model wrote: its scratchpad and its output, by tags, or why they cannot be told.

The prompt ends in the tag that opens the scratchpad; a text goes on from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, final

from tacit.organisms.hub.wordings import OUTPUT, SCRATCHPAD

State = Literal["whole", "malformed", "truncated"]
OPENS, CLOSES = f"<{SCRATCHPAD}>", f"</{SCRATCHPAD}>"
OUTPUT_OPENS, OUTPUT_CLOSES = f"<{OUTPUT}>", f"</{OUTPUT}>"
TAGS = (OPENS, CLOSES, OUTPUT_OPENS, OUTPUT_CLOSES)


@final
@dataclass(frozen=True, kw_only=True)
class Reading:
    """One text, taken apart."""

    state: State
    scratchpad: str
    """What stands before the tag that closes it; everything where no tag does."""
    output: str
    """Empty unless the text is whole."""
    fault: str | None
    """What is wrong with it, in words that can be counted."""


def read_text(text: str, *, is_cut: bool) -> Reading:
    """Return the parts of a text; ``is_cut``: it ran into its limit before it ended.

    A text that was cut before its output closed is truncated whatever else is wrong with it: the
    rest is unknown.
    """
    scratchpad, _, rest = text.partition(CLOSES)
    output, closing, after = (
        rest.strip().removeprefix(OUTPUT_OPENS).partition(OUTPUT_CLOSES)
    )
    fault = _fault(text, output, after)
    if is_cut and not closing:
        state, fault = "truncated", "cut off"
    else:
        state = "malformed" if fault else "whole"
    return Reading(
        state=state,
        scratchpad=scratchpad.strip(),
        output=output.strip() if state == "whole" else "",
        fault=fault,
    )


def faults(readings: Iterable[Reading]) -> Counter[str]:
    """Return how many texts have each fault."""
    return Counter(each.fault for each in readings if each.fault is not None)


def num_scratchpad_tokens(
    ids: Sequence[int], decode: Callable[[Sequence[int]], str]
) -> int:
    """Return how many of the sampled tokens reach to the end of the tag that closes the scratchpad.

    All of them where none closes it. A token that holds the end of the tag and more counts in.
    """
    if CLOSES not in decode(ids):
        return len(ids)
    low, high = 1, len(ids)
    while low < high:  # text only grows with tokens, so that bisection needs few decodings
        middle = (low + high) // 2
        if CLOSES in decode(ids[:middle]):
            high = middle
        else:
            low = middle + 1
    return low


def _fault(text: str, output: str, after: str) -> str | None:
    for tag, most in zip(TAGS, (0, 1, 1, 1), strict=True):
        if text.count(tag) > most:
            return f"more than one {tag}"
        if text.count(tag) < most:
            return f"no {tag}"
    places = [text.index(tag) for tag in TAGS[1:]]
    if places != sorted(places) or text[places[0] + len(CLOSES) : places[1]].strip():
        return f"words between {CLOSES} and {OUTPUT_OPENS}"
    if after.strip():
        return f"words after {OUTPUT_CLOSES}"
    return None if output.strip() else "an empty output"
