"""Rows of a table as documents: a column of text, or of chats, and the class of each, if told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tacit.base.errors import UserError
from tacit.data.documents import Corpus, Document, Message

COLUMNS = ("text", "messages", "conversations", "content")
"""Columns that are looked for, in this order, where none is named."""
CLASS = "label"
"""Column with the class of each document, such as ``positive``: a word or a whole number."""
TABLES = (".jsonl", ".parquet")


def read_rows(path: Path) -> Corpus:
    """Return the rows of a JSON-lines or Parquet file as documents, named by their numbers.

    Raises:
        UserError: where a line is no JSON object, or no column holds text or chats.
    """
    if path.suffix == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        try:
            rows: Iterable[Mapping[str, Any]] = parquet.read_table(path).to_pylist()
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{path} is not a Parquet table ({error}).") from error
    else:
        rows = _json_lines(path)
    return corpus_of(str(path), rows)


def _json_lines(path: Path) -> Iterable[Mapping[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as UTF-8 ({error}).") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UserError(f"line {number} of {path} is no JSON ({error}).") from error
        if not isinstance(row, Mapping):
            raise UserError(
                f"line {number} of {path} is {type(row).__name__}, not a JSON object; write "
                '{"text": ...} or {"messages": [...]} on each line.'
            )
        yield row


def corpus_of(
    name: str,
    rows: Iterable[Mapping[str, Any]],
    *,
    column: str | None = None,
    skipped: Mapping[str, int] | None = None,
) -> Corpus:
    """Return rows as documents: strings as they are, lists of messages as chats.

    Rows without a value, or with white space alone, are counted as ``empty``; values of the
    column ``label`` that name no class, such as lists, as ``labels that are no class``.
    """
    counts, documents = Counter(skipped or {}), list[Document]()
    for number, row in enumerate(rows):
        chosen = column_of(name, row, column)
        where = f"{name}, row {number}, column {chosen!r}"
        made = document_of(f"{number:08}", row[chosen], where)
        if made is None:
            counts["empty"] += 1
            continue
        told = None if chosen == CLASS else row.get(CLASS)
        counts["labels that are no class"] += told is not None and class_of(told) is None
        documents.append(replace(made, class_name=class_of(told)))
    return Corpus(name=name, documents=tuple(documents), skipped=dict(+counts))


def column_of(name: str, row: Mapping[str, Any], column: str | None) -> str:
    """Return the column to read: the named one, or the first of ``COLUMNS`` there is."""
    if column is not None and column in row:
        return column
    found = next((each for each in COLUMNS if each in row), None)
    if column is None and found is not None:
        return found
    asked = (
        f"no column {column!r}" if column else f"none of the columns {', '.join(COLUMNS)}"
    )
    raise UserError(
        f"{name} has {asked}; its columns are {', '.join(row)}. Name one, as in "
        f"hub:OWNER/NAME?column={next(iter(row), 'text')}."
    )


def class_of(value: Any) -> str | None:
    """Return a value as the name of a class, e.g. ``true`` or ``3``; None where it is none."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | str):
        return str(value).strip() or None
    return None


def document_of(name: str, value: Any, where: str) -> Document | None:
    """Return a cell as a document, or None for an empty one."""
    if value is None or value == [] or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        return Document(name=name, text=value)
    if isinstance(value, Sequence):
        messages = tuple(_message(each, where, n) for n, each in enumerate(value))
        plain = [{"role": each.role, "content": each.content} for each in messages]
        text = json.dumps(plain, ensure_ascii=False)
        return Document(name=name, text=text, messages=messages)
    raise UserError(
        f"{where} holds {type(value).__name__}; it must be text, or a list of messages with a "
        "role and content each."
    )


def _message(value: Any, where: str, number: int) -> Message:
    """Return a message; ``from`` and ``value`` are taken for role and content too."""
    told = value if isinstance(value, Mapping) else {}
    role, content = (
        told.get("role", told.get("from")),
        told.get("content", told.get("value")),
    )
    if not isinstance(role, str) or not role or not isinstance(content, str):
        found = f"the keys {', '.join(told)}" if told else repr(value)[:60]
        raise UserError(
            f"message {number} of {where} has no role or no content that is text (found "
            f'{found}); write each as {{"role": "user", "content": "..."}}.'
        )
    return Message(role=role, content=content)
