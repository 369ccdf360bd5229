"""What is true of each token of a document, where that is known.

Axes: t tokens, c characters, s spans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int, Integer

from tacit.base.errors import UserError
from tacit.data.documents import Document
from tacit.data.python_spans import Span, python_spans
from tacit.data.stories.grammar import STORY_LABELS

PYTHON_LABELS: Mapping[str, str] = {
    "keyword": "a reserved word; soft keywords (match, case, type, _) count as names",
    "name": "an identifier",
    "builtin": "a name of the builtins module, read as a variable (not after a dot)",
    "string": "a string literal with its quotes; a formatted string as a whole",
    "docstring": "the string that documents a module, class or function; also a string",
    "comment": "a comment with its hash sign",
    "number": "a numeric literal",
    "operator": "an operator, bracket or other punctuation",
    "being_defined": "the name right after def or class",
    "called": "the last name before the brackets of a call, the b of a.b(c)",
    "import_statement": "inside an import statement",
    "in_class": "inside a class statement, from the word class to its last statement",
    "in_function": "inside a function, from the word def to its last statement",
    "depth_0": "on a line with no indentation open",
    "depth_1": "on a line with one indentation open",
    "depth_2": "on a line with two indentations open",
    "depth_3_or_more": "on a line with three or more indentations open",
    "newline": "holds the end of a line",
}
"""Label -> what it says of a token."""

_BY_POSITION = (
    "in_class",
    "in_function",
    "depth_0",
    "depth_1",
    "depth_2",
    "depth_3_or_more",
)

Labels = dict[str, Bool[np.ndarray, " t"]]


def python_labels(text: str, offsets: Int[np.ndarray, "t 2"]) -> Labels | None:
    """Return each of ``PYTHON_LABELS`` for every token, or None where Python cannot read it.

    ``offsets`` are the tokens' half-open ranges of characters in ``text``. A token has a
    label if one of its non-space characters lies in a span of it. The labels by position
    (depth, in_class, in_function) go by one character, so that each token has one depth: the
    first that is not a space or, in a token of spaces alone, the last. ``newline`` looks at
    every character. A token of no characters, such as a special one, has no label at all.

    Raises:
        UserError: if a range does not lie within the text.
    """
    _check(text, offsets)
    starts, ends = offsets[:, 0], offsets[:, 1]
    last = int(ends.max(initial=0))
    spans = python_spans(_with_plain_line_ends(text), last)
    if spans is None:
        return None
    text = text[:last]
    characters = _characters(text)
    solid = _solid(characters, text)
    anchors = _anchors(solid, starts, ends)
    labels: Labels = {}
    for label in PYTHON_LABELS:
        if label == "newline":
            labels[label] = _any(characters == ord("\n"), starts, ends)
        else:
            inside = _covered(spans.get(label, ()), len(text))
            if label in _BY_POSITION:
                labels[label] = np.append(inside, False)[anchors]
            else:
                labels[label] = _any(inside & solid, starts, ends)
    return labels


def labels_of_source(document: Document, offsets: Int[np.ndarray, "t 2"]) -> Labels | None:
    """Return each of ``PYTHON_LABELS``, from Python's own tokenizer and parser."""
    return python_labels(document.text, offsets)


def labels_of_story(document: Document, offsets: Int[np.ndarray, "t 2"]) -> Labels | None:
    """Return each of ``STORY_LABELS``, as kept with a story; None for a text without spans.

    A token has a label if one of its non-space characters lies in a span of it.
    """
    if not document.spans:
        return None
    _check(document.text, offsets)
    starts, ends = offsets[:, 0], offsets[:, 1]
    solid = _solid(_characters(document.text), document.text)
    return {
        label: _any(
            _covered(document.spans.get(label, ()), len(solid)) & solid, starts, ends
        )
        for label in STORY_LABELS
    }


LABELLERS: dict[str, Callable[[Document, Int[np.ndarray, "t 2"]], Labels | None]] = {
    "python": labels_of_source,
    "stories": labels_of_story,
}
"""Corpus.labeller -> the truth of a document's tokens, or None where it cannot be told."""

LABEL_NAMES: dict[str, tuple[str, ...]] = {
    "python": tuple(PYTHON_LABELS),
    "stories": tuple(STORY_LABELS),
}
"""Corpus.labeller -> the labels it gives, in order."""


def _with_plain_line_ends(text: str) -> str:
    r"""Return the text with ``\n`` as the only line end, every other character in its place."""
    if "\r" not in text:
        return text
    # A backslash must stay the last of its line to continue it.
    joined = text.replace("\\\r\n", " \\\n")
    return joined.replace("\r\n", " \n").replace("\r", "\n")


def _characters(text: str) -> Integer[np.ndarray, " c"]:
    content = text.encode("utf-32-le", "surrogatepass")
    return np.frombuffer(content, dtype=np.uint32)


def _solid(characters: Integer[np.ndarray, " c"], text: str) -> Bool[np.ndarray, " c"]:
    """Return which characters are not white space."""
    spaces = [ord(each) for each in set(text) if each.isspace()]
    return ~np.isin(characters, spaces)


def _anchors(
    solid: Bool[np.ndarray, " c"],
    starts: Int[np.ndarray, " t"],
    ends: Int[np.ndarray, " t"],
) -> Int[np.ndarray, " t"]:
    """Return the character each token's position is read from; past the last if it has none."""
    past = len(solid)
    own = np.where(solid, np.arange(past), past)
    following = np.append(np.minimum.accumulate(own[::-1])[::-1], past)
    first = following[starts]
    return np.where(ends <= starts, past, np.where(first < ends, first, ends - 1))


def _covered(spans: Sequence[Span], length: int) -> Bool[np.ndarray, " c"]:
    """Return which characters lie in any of the spans."""
    if not spans:
        return np.zeros(length, dtype=bool)
    starts, ends = np.minimum(np.array(spans).T, length)
    change = np.bincount(starts, minlength=length + 1)
    change -= np.bincount(ends, minlength=length + 1)
    return np.cumsum(change)[:length] > 0


def _any(
    marked: Bool[np.ndarray, " c"],
    starts: Int[np.ndarray, " t"],
    ends: Int[np.ndarray, " t"],
) -> Bool[np.ndarray, " t"]:
    """Return which tokens hold a marked character."""
    before = np.append(0, np.cumsum(marked))
    return before[ends] > before[starts]


def _check(text: str, offsets: Int[np.ndarray, "t 2"]) -> None:
    outside = (offsets[:, 0] < 0) | (offsets[:, 1] > len(text))
    bad = np.flatnonzero(outside | (offsets[:, 1] < offsets[:, 0]))
    if bad.size:
        start, end = offsets[bad[0]].tolist()
        raise UserError(
            f"token {bad[0]} spans the characters {start} to {end} of a text of {len(text)}; "
            "give the offsets of this text's own tokens, in characters."
        )
