"""Datasets of the Hugging Face hub by name: streamed once, then read from a cache.

A source is ``hub:OWNER/NAME`` with settings after a question mark, as in an address:
``hub:OWNER/NAME?config=en&split=train&column=text&revision=main&documents=500``. A local folder
that ``datasets`` can read goes the same way: ``hub:./folder?split=train``.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tacit.base.errors import UserError, unknown
from tacit.base.files import write_atomically
from tacit.data.documents import Corpus
from tacit.data.rows import CLASS, class_of, column_of, corpus_of

PREFIX = "hub:"
SETTINGS = ("config", "split", "column", "revision", "documents")
DOCUMENTS = 1_000
"""Rows read where no number is asked for."""


@dataclass(frozen=True, kw_only=True)
class HubText:
    """Which rows of which dataset."""

    name: str
    """``OWNER/NAME``, or a local folder."""
    config: str | None = None
    split: str = "train"
    column: str | None = None
    revision: str | None = None
    documents: int = DOCUMENTS

    @property
    def cache(self) -> Path:
        """File that keeps the rows; below ``TACIT_CACHE``, else the user's cache folder."""
        above = os.environ.get("TACIT_CACHE")
        folder = Path(above) if above else Path.home() / ".cache" / "tacit"
        asked = json.dumps({**vars(self), "kept": CLASS}, sort_keys=True)
        return folder / "text" / f"{hashlib.sha256(asked.encode()).hexdigest()[:16]}.json"


def parse(source: str) -> HubText:
    """Return what a ``hub:`` source asks for; ``UserError`` on a setting that is unknown."""
    name, _, query = source.removeprefix(PREFIX).partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    for key in given:
        if key not in SETTINGS:
            raise unknown("setting of a hub source", key, SETTINGS)
    if not name:
        raise UserError(f"{source!r} names no dataset; write hub:OWNER/NAME?split=train.")
    number = given.pop("documents", str(DOCUMENTS))
    if not number.isdigit() or int(number) < 1:
        raise UserError(f"documents={number} of {source!r} must be a number, 1 or more.")
    return HubText(name=name, documents=int(number), **given)


def hub_text(source: str) -> Corpus:
    """Return the first documents of a dataset; read from the cache where they were read before.

    That a dataset goes on after the number asked for is said in ``skipped``.

    Raises:
        UserError: without the package ``datasets`` or a network, and where dataset, split, config
            or column do not exist.
    """
    asked = parse(source)
    local = Path(asked.name).exists()
    if not local and asked.cache.exists():
        kept = json.loads(asked.cache.read_text(encoding="utf-8"))
    else:
        kept = _read(asked)
        if not local:
            asked.cache.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(asked.cache, json.dumps(kept))
    skipped = {f"or more after the first {asked.documents:,}": 1} if kept["more"] else {}
    return corpus_of(source, kept["rows"], column=kept["column"], skipped=skipped)


def _read(asked: HubText) -> dict[str, Any]:
    """Return the rows, the column that was read, and whether there are more."""
    rows = list(itertools.islice(_stream(asked), asked.documents + 1))
    if not rows:
        raise UserError(f"{asked.name} has no rows in its split {asked.split!r}.")
    column = column_of(asked.name, rows[0], asked.column)
    wanted = [
        {CLASS: _kept_class(row.get(CLASS)), column: row[column]}
        for row in rows[: asked.documents]
    ]
    return {"column": column, "rows": wanted, "more": len(rows) > asked.documents}


def _kept_class(value: Any) -> str | list[str] | None:
    """Return the class a row tells, and an empty list for what is none and JSON may not hold."""
    return None if value is None else class_of(value) or []


def _stream(asked: HubText) -> Iterator[Mapping[str, Any]]:
    try:
        import datasets
    except ImportError as error:
        raise UserError(
            f"{PREFIX}{asked.name} needs the package datasets; install Tacit with its extra: "
            "pip install 'tacit[hub]'."
        ) from error
    try:
        yield from datasets.load_dataset(
            asked.name,
            asked.config,
            split=asked.split,
            revision=asked.revision,
            streaming=True,
        )
    except Exception as error:  # what a network client raises has changed with its versions
        said = " ".join(str(error).split()) or type(error).__name__
        advice = (
            " It needs a network the first time; without one, download it elsewhere and give its "
            "folder: hub:./FOLDER?split=train."
            if isinstance(error, ConnectionError)
            else ""
        )
        raise UserError(
            f"the dataset {asked.name} (config {asked.config}, split {asked.split}, revision "
            f"{asked.revision}) cannot be read: {said.rstrip('.')}.{advice}"
        ) from error
