"""How deep in blocks each line of Python source stands."""

from __future__ import annotations

import tokenize
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

_NOT_CODE = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.ENCODING})


def depth_of_lines(
    tokens: Sequence[tokenize.TokenInfo], lines: Sequence[str]
) -> Int[np.ndarray, " lines"]:
    """Return the number of open indentations at each line.

    A statement over several lines has one depth, that of its first. A comment between
    statements stands as deep as its own column reaches into the blocks around it; a blank
    line as deep as the shallower of the statements before and after it.
    """
    depths = np.zeros(len(lines), dtype=np.int64)
    columns: list[int] = []
    before: list[int] = []
    finished, begun = 0, None
    for each in tokens:
        if each.type == tokenize.INDENT:
            columns.append(_width(each.string))
        elif each.type == tokenize.DEDENT:
            columns.pop()
        elif each.type in _NOT_CODE:
            continue
        elif each.type == tokenize.NEWLINE:
            # A text that ends in blanks without a line end has one more, of no statement.
            if begun is not None:
                depths[begun : each.start[0]] = len(columns)
                finished, begun, before = each.start[0], None, list(columns)
        elif begun is None:
            begun = min(each.start[0] - 1, len(lines))
            longer, shorter = sorted((before, columns), key=len, reverse=True)
            for line in range(finished, begun):
                depths[line] = _between(lines[line], longer, len(shorter))
    return depths


def _between(line: str, columns: Sequence[int], fewest: int) -> int:
    """Return the depth of a comment or blank line that stands between two statements."""
    if not line.strip():
        return fewest
    own = _width(line[: len(line) - len(line.lstrip())])
    return sum(column <= own for column in columns)


def _width(indentation: str) -> int:
    return len(indentation.expandtabs())
