"""The standard library of the running interpreter as text: its source, and its docstrings.

It needs no download and comes with truth for every token. It differs by patch level and
distribution: compare figures only where ``Corpus.digest`` is equal.
"""

from __future__ import annotations

import ast
import functools
import os
import sysconfig
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tacit.base.errors import UserError
from tacit.data.documents import Corpus, Document
from tacit.data.python_source import docstrings, parsed

FEWEST_WORDS = 5
"""A docstring of fewer words is left out of ``python-docstrings``."""

_FOLDERS_LEFT_OUT = frozenset(
    [
        "site-packages",
        "dist-packages",
        "__pycache__",
        "test",
        "tests",
        "idle_test",
        "turtledemo",
    ]
)
# These, and the folder config-*, describe the machine or distribution, not the library.
_FILES_OF_THE_MACHINE = ("_sysconfigdata_", "sitecustomize.py", "usercustomize.py")


@functools.cache
def standard_library() -> Corpus:
    """Return the library's ``.py`` files, tests and demos excepted, as ``python-stdlib``.

    Names are POSIX paths relative to the library. A file that does not decode (by its own
    coding cookie), or that the interpreter does not parse, is counted in ``skipped``. Read
    once a process: parsing all of it takes seconds.

    Raises:
        UserError: if the interpreter comes without the source of its library.
    """
    skipped: Counter[str] = Counter()
    documents = tuple(document for document, _ in _sources(skipped))
    return Corpus(
        name="python-stdlib", documents=documents, labeller="python", skipped=dict(skipped)
    )


@functools.cache
def standard_docstrings() -> Corpus:
    """Return, as ``python-docstrings``, the prose of the same files: one document a file.

    The docstrings of module, classes and functions in source order, free of their
    indentation, a blank line between them. ``skipped`` also counts docstrings too short
    (``FEWEST_WORDS``) or with lone surrogates, and files that keep none.
    """
    skipped: Counter[str] = Counter()
    documents = []
    for document, tree in _sources(skipped):
        kept = list(_prose(docstrings(tree), skipped))
        if kept:
            text = "\n\n".join(kept) + "\n"
            documents.append(Document(name=document.name, text=text))
        else:
            skipped["without docstrings"] += 1
    return Corpus(
        name="python-docstrings", documents=tuple(documents), skipped=dict(skipped)
    )


def _prose(texts: list[str], skipped: Counter[str]) -> Iterator[str]:
    """Yield the docstrings worth reading; count the others."""
    for text in texts:
        if len(text.split()) < FEWEST_WORDS:
            skipped["docstring too short"] += 1
        elif any("\ud800" <= character <= "\udfff" for character in text):
            skipped["docstring with lone surrogates"] += 1
        else:
            yield text


def _sources(skipped: Counter[str]) -> Iterator[tuple[Document, ast.Module]]:
    """Yield the library's files that can be read, with their trees; count the others."""
    library = Path(sysconfig.get_path("stdlib"))
    found = False
    for path in _files(library):
        found = True
        try:
            with tokenize.open(path) as opened:
                text = opened.read()
        except (SyntaxError, UnicodeDecodeError):
            skipped["undecodable"] += 1
            continue
        tree = parsed(text)
        if not text.strip():
            skipped["empty"] += 1
        elif tree is None:
            skipped["unparsable"] += 1
        else:
            yield Document(name=path.relative_to(library).as_posix(), text=text), tree
    if not found:
        raise UserError(
            f"the standard library's source was asked for, but {library} holds no .py file; "
            "use an interpreter installed with its source, or give a folder of text."
        )


def _files(library: Path) -> Iterator[Path]:
    """Yield the library's own ``.py`` files, folder by folder, in sorted order."""
    for folder, inner, files in os.walk(library):
        inner[:] = sorted(name for name in inner if not _left_out(name))
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith(_FILES_OF_THE_MACHINE):
                yield Path(folder) / name


def _left_out(folder: str) -> bool:
    return folder in _FOLDERS_LEFT_OUT or folder.startswith("config-")
