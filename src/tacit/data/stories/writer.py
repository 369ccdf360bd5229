"""How a story is put on paper: words one after another, with what is true of each."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import final

Span = tuple[int, int]


@final
class Writer:
    """A text that grows, and the half-open ranges of characters that have each label."""

    def __init__(self) -> None:
        """Begin with no text."""
        self._parts: list[str] = []
        self._length = 0
        self._spans: defaultdict[str, list[Span]] = defaultdict(list)
        self._is_glued = True

    @property
    def text(self) -> str:
        """What has been written."""
        return "".join(self._parts)

    @property
    def spans(self) -> Mapping[str, tuple[Span, ...]]:
        """Label -> ranges, in the order in which they were closed."""
        return {label: tuple(spans) for label, spans in self._spans.items()}

    def put(self, words: str, *labels: str, because: str | None = None) -> Span:
        """Write after a space, but where the text or the last mark allows none; return the range.

        ``because``: the label, given to the character before, that says why just this follows.
        """
        if because is not None:
            self._spans[because].append((self._length - 1, self._length))
        if not self._is_glued:
            self._add(" ")
        self._is_glued = False
        return self._marked(words, labels)

    def glue(self, mark: str, *labels: str, because: str | None = None) -> Span:
        """Write right behind the last character, as a comma stands; return the range."""
        if because is not None:
            self._spans[because].append((self._length - 1, self._length))
        return self._marked(mark, labels)

    def open(self, mark: str, *labels: str) -> None:
        """Write a mark that what follows is glued to, as an opening bracket stands."""
        self.put(mark, *labels)
        self._is_glued = True

    @contextlib.contextmanager
    def inside(self, *labels: str) -> Iterator[None]:
        """Give labels to everything that is written inside."""
        start = self._length
        yield
        for label in labels:
            self._spans[label].append((start, self._length))

    def _marked(self, words: str, labels: tuple[str, ...]) -> Span:
        span = (self._length, self._length + len(words))
        self._add(words)
        for label in labels:
            self._spans[label].append(span)
        return span

    def _add(self, part: str) -> None:
        self._parts.append(part)
        self._length += len(part)
