"""The tables that a study keeps of its pieces: a row a dataclass, each file whole or not there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
from pyarrow import parquet

from tacit.base.files import written_aside

T = TypeVar("T")


def write_rows(path: Path, rows: Sequence[Any]) -> None:
    """Write one row a dataclass; the file appears whole."""
    path.parent.mkdir(exist_ok=True)
    with written_aside(path) as aside:
        parquet.write_table(pa.Table.from_pylist([asdict(row) for row in rows]), aside)


def read_rows(path: Path, kind: type[T]) -> list[T]:
    """Return what ``write_rows`` wrote, in its order."""
    return [kind(**row) for row in parquet.read_table(path).to_pylist()]


def short(name: str) -> str:
    """Return a subject's name or folder as a file may bear it."""
    tail = name.rstrip("/").rpartition("/")[2]
    return (
        tail if tail == name else f"{tail}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
    )
