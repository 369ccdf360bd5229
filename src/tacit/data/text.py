"""Where text comes from: a source that Tacit knows by name, a file, or a folder."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tacit.base.errors import UserError
from tacit.data.documents import Corpus, Document, told
from tacit.data.hub import PREFIX, hub_text
from tacit.data.rows import TABLES, read_rows
from tacit.data.stdlib import standard_docstrings, standard_library
from tacit.data.stories import stories

SOURCES: dict[str, Callable[[], Corpus]] = {
    "python-stdlib": standard_library,
    "python-docstrings": standard_docstrings,
    "stories": stories,
}
FORMS = {
    "hub:OWNER/NAME": "a Hugging Face dataset; behind a ? any of config=, split=, column=, "
    "revision= and documents=, joined by &",
    "FILE.jsonl, FILE.parquet": "a document in each row: its column text, or a chat in messages; "
    "what it is as a whole, if known, in label",
    "FILE, FOLDER": "text, or all text below a folder",
}
"""Sources that are no fixed name."""


def load_text(source: str | Path) -> Corpus:
    r"""Return the corpus of a name in ``SOURCES``, or of the UTF-8 text in a file or folder.

    A string that is a name of ``SOURCES`` means that source; a folder that happens to be
    called so is reached as ``./python-stdlib``. ``hub:OWNER/NAME?split=train`` is a dataset of the
    Hugging Face hub (see ``tacit.data.hub``); a ``.jsonl`` or ``.parquet`` file has a document in
    each row, of its column text or messages, and its class in ``label``. A folder is walked
    recursively in sorted order; links to folders are not followed. Line ends become ``\n`` and a
    byte-order mark is dropped. Left out, each counted in ``skipped``: ``binary`` (a NUL, or not
    UTF-8), ``empty`` (white space alone), ``hidden`` (files and whole folders whose name starts
    with a dot, one each), ``unreadable`` (no permission, or no ordinary file). Where every
    document's name ends in ``.py``, the labeller is ``python``.

    Raises:
        UserError: if there is no such source, or no text in it.
    """
    if isinstance(source, str) and source in SOURCES:
        return SOURCES[source]()
    if isinstance(source, str) and source.startswith(PREFIX):
        return hub_text(source)
    path = Path(source)
    # An empty name would mean the working folder.
    if source == "" or not path.exists():
        raise _missing(str(source))
    if path.is_file() and path.suffix in TABLES:
        return read_rows(path)
    skipped: Counter[str] = Counter()
    files = _files(path, skipped) if path.is_dir() else iter([path])
    base = path if path.is_dir() else path.parent
    documents = []
    for each in files:
        text = _text(each)
        if isinstance(text, _Refusal):
            skipped[text] += 1
        else:
            documents.append(Document(name=_name(each.relative_to(base)), text=text))
    if not documents:
        raise _no_text(path, skipped)
    all_python = all(document.name.endswith(".py") for document in documents)
    return Corpus(
        name=str(source),
        documents=tuple(documents),
        labeller="python" if all_python else None,
        skipped=dict(skipped),
    )


class _Refusal(str):
    """Why a file gives no text; a class of its own so that no text can be taken for it."""


def _files(folder: Path, skipped: Counter[str]) -> Iterator[Path]:
    """Yield the files of a folder that are not hidden; count what is passed over."""

    def unreadable(_: OSError) -> None:
        skipped["unreadable"] += 1

    for inside, inner, names in os.walk(folder, onerror=unreadable):
        hidden = [name for name in (*inner, *names) if name.startswith(".")]
        if hidden:
            skipped["hidden"] += len(hidden)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        yield from (Path(inside) / name for name in sorted(names) if name[0] != ".")


def _text(path: Path) -> str | _Refusal:
    """Return a file's text, or why it has none."""
    # A pipe or a device would block or never end, so it is not opened at all.
    if not path.is_file():
        return _Refusal("unreadable")
    try:
        content = path.read_bytes()
    except OSError:
        return _Refusal("unreadable")
    if b"\0" in content:
        return _Refusal("binary")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _Refusal("binary")
    if not text.strip():
        return _Refusal("empty")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _name(path: Path) -> str:
    """Return a relative path with ``/`` between its parts and every byte printable as UTF-8."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _missing(source: str) -> UserError:
    near = difflib.get_close_matches(source, SOURCES, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UserError(
        f"no text {source!r}: there is no such file or folder, and no source of that "
        f"name.{hint} Known sources: {', '.join(sorted(SOURCES))}, and hub:OWNER/NAME."
    )


def _no_text(path: Path, skipped: Counter[str]) -> UserError:
    kind = "folder" if path.is_dir() else "file"
    found = told(skipped) or " (it has no files)"
    return UserError(
        f"the {kind} {str(path)!r} has no text that can be read{found}; "
        "give a file of UTF-8 text, or a folder with one in it."
    )
