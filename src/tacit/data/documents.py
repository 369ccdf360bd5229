"""What a body of text is: named documents, how they are told apart, and which are held out.

The split goes by the hash of a document's name, so it does not move when documents are added.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from tacit.base.errors import UserError, unknown

Part = Literal["all", "train", "held-out"]
_HELD_OUT_ONE_IN = 10


@dataclass(frozen=True, kw_only=True)
class Message:
    """One turn of a chat."""

    role: str
    """As the chat template knows it: system, user, assistant, tool."""
    content: str


@dataclass(frozen=True, kw_only=True)
class Document:
    """One text with the name it is known by inside its corpus."""

    name: str
    """POSIX path relative to the corpus; decides on which side of the split it falls."""
    text: str
    """For a chat: its messages as JSON; what a model reads is written by its own template."""
    messages: tuple[Message, ...] = ()
    """The turns of a chat; none for plain text."""
    spans: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """Label -> half-open ranges of characters that have it, where whoever wrote the text knew."""
    class_name: str | None = None
    """What the text as a whole is, such as ``positive``, where its source says so."""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Documents in the order of their names, with what was left out while reading them."""

    name: str
    """A name of ``SOURCES``, or the path that was given."""
    documents: tuple[Document, ...]
    """At least one; names differ. Put into the order of their names on construction."""
    labeller: str | None = None
    """The entry of ``LABELLERS`` that tells the truth about each token, where there is one."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Reason -> how many were left out for it, e.g. ``{"binary": 2, "empty": 1}``."""

    def __post_init__(self) -> None:
        if not self.documents:
            raise UserError(
                f"the corpus {self.name!r} has no text{told(self.skipped)}; "
                "give at least one document with text in it."
            )
        uses = Counter(document.name for document in self.documents)
        twice = [name for name, count in uses.items() if count > 1]
        if twice:
            raise UserError(
                f"two documents of the corpus {self.name!r} are called {twice[0]!r}; "
                "give every document its own name."
            )
        in_order = tuple(sorted(self.documents, key=lambda document: document.name))
        object.__setattr__(self, "documents", in_order)

    def digest(self) -> str:
        """Return the SHA-256, in hexadecimal, of all names and texts, and classes if there are any.

        Figures from two corpora may be compared only where their digests are equal: the
        standard library differs by patch level and distribution.
        """
        running = hashlib.sha256()
        for document in self.documents:
            for part in (document.name, document.text):
                # A text of a program may hold lone surrogates, which plain UTF-8 refuses.
                content = part.encode("utf-8", "surrogatepass")
                running.update(len(content).to_bytes(8, "big"))
                running.update(content)
        classes = [document.class_name for document in self.documents]
        if any(classes):
            running.update(json.dumps(classes).encode())
        return running.hexdigest()

    def split(self, part: Part) -> Corpus:
        """Return the documents of one part: all, the nine tenths to train on, or the rest.

        Raises:
            UserError: for an unknown part, or one that no document falls into.
        """
        if part not in get_args(Part):
            raise unknown("part of a corpus", part, get_args(Part))
        if part == "all":
            return self
        wanted = part == "held-out"
        kept = tuple(each for each in self.documents if is_held_out(each.name) == wanted)
        if not kept:
            raise UserError(
                f"the {part} part of the corpus {self.name!r} is empty: its "
                f"{len(self.documents)} documents are held out one in "
                f"{_HELD_OUT_ONE_IN} by the hash of their names, and all fell on the other "
                "side; give more documents, or use the part 'all'."
            )
        return replace(self, documents=kept)


def is_held_out(name: str) -> bool:
    """Return whether a document of this name is kept from training: one name in ten."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % _HELD_OUT_ONE_IN == 0


def told(skipped: Mapping[str, int]) -> str:
    """Return the counts of what was left out, as the middle of a sentence."""
    if not any(skipped.values()):
        return ""
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
    return f" (left out: {counts})"
