"""What a run folder holds: manifest, records, pages, and the tables that the pages name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.base.errors import UserError, unknown
from tacit.base.files import sha256_of
from tacit.base.folders import MANIFEST, read_manifest
from tacit.base.pages import (
    Features,
    Heatmap,
    Page,
    Pictures,
    Plot,
    Table,
    Tree,
    read_pages,
)
from tacit.base.records import Record, read_records

RESULTS = "results.json"
PAGES = "artifacts/pages.json"
Columns = dict[str, list[Any]]
"""A table as lists of equal length by column name; None where a cell is null."""


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """All that a report is drawn from."""

    path: Path
    manifest: Mapping[str, Any]
    records: Sequence[Record]
    pages: Sequence[Page]

    def table(
        self, name: str, columns: Sequence[str], optional: Sequence[str] = ()
    ) -> Columns:
        """Return the columns of a Parquet table named relative to the run folder.

        A missing or damaged file, or one without one of ``columns``, is a ``UserError``. A
        table without rows may lack columns too.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path / name
        if not path.resolve().is_relative_to(self.path.resolve()):
            raise UserError(f"{self.path / PAGES} names a table outside the run: {name}.")
        require(path, "a table that its pages draw")
        try:
            found = pq.ParquetFile(path)
            names = found.schema_arrow.names
            if not found.metadata.num_rows:
                return {column: [] for column in (*columns, *optional)}
            for column in columns:
                if column not in names:
                    raise unknown(f"column of {path}", column, names)
            wanted = [*columns, *(column for column in optional if column in names)]
            return found.read(columns=list(dict.fromkeys(wanted))).to_pydict()
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{path} is not a Parquet table ({error}).") from error

    def tables(self) -> list[str]:
        """Return the names of the tables that the pages draw, each once, in order."""
        names: list[str] = []
        for block in (block for page in self.pages for block in page.blocks):
            match block:
                case Plot() | Table() | Heatmap() | Tree() | Pictures():
                    names.append(block.table)
                case Features():
                    names += [block.facts, block.contexts]
                case _:
                    pass
        return list(dict.fromkeys(names))

    def digests(self) -> list[tuple[str, str]]:
        """Return each file that the page is drawn from, with the SHA-256 of its bytes."""
        names = [MANIFEST, RESULTS, PAGES, *self.tables()]
        return [(name, sha256_of(self.path / name)) for name in names]


def require(path: Path, what: str) -> None:
    """Refuse a run folder that lacks a file the report is drawn from."""
    if not path.is_file():
        raise UserError(
            f"the report needs {path} ({what}), which is not there; "
            "run the command that made this folder again."
        )


def read_run_folder(path: Path) -> RunFolder:
    """Return what a run folder holds, or say which file is missing or damaged."""
    if not path.is_dir():
        raise UserError(f"there is no run folder at {path}; give the folder of a run.")
    require(path / RESULTS, "the numbers of the run")
    require(path / PAGES, "what the report draws")
    return RunFolder(
        path=path,
        manifest=read_manifest(path),
        records=read_records(path / RESULTS),
        pages=read_pages(path / PAGES),
    )


def num_rows(columns: Columns) -> int:
    """Return the number of rows of a table."""
    return len(next(iter(columns.values()), []))


def rows_of(columns: Columns) -> list[dict[str, Any]]:
    """Return a table row by row."""
    return [
        dict(zip(columns, cells, strict=True))
        for cells in zip(*columns.values(), strict=True)
    ]
