"""The tables that a run of the study keeps of each transformer."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as pq

from tacit.studies.small_transformers.cells import Cell, Pairing
from tacit.studies.small_transformers.settings import SmallSettings
from tacit.studies.tables import read_rows

T = TypeVar("T")


def table_path(partial: Path, name: str) -> Path:
    """Return where a table is kept."""
    return partial / "artifacts" / f"{name}.parquet"


def cells_path(partial: Path, width: int, seed: int) -> Path:
    """Return where a transformer's cells are kept."""
    return table_path(partial, f"cells-{width}-{seed}")


def read_cells(partial: Path, width: int, seed: int) -> list[Cell]:
    """Return a transformer's cells, fit by fit, sizes ascending."""
    return [
        _cell(row) for row in pq.read_table(cells_path(partial, width, seed)).to_pylist()
    ]


def read_of_all(
    settings: SmallSettings, partial: Path, name: str, kind: type[T]
) -> list[T]:
    """Return the rows of one table of every transformer."""
    return [
        row
        for width, seed in settings.subjects
        for row in read_rows(table_path(partial, f"{name}-{width}-{seed}"), kind)
    ]


def _cell(row: dict[str, Any]) -> Cell:
    paired = row.pop("next")
    if paired is None:
        return Cell(**row, next=None)
    # What is null in every row of a file has no column in it.
    own = {field.name: paired.get(field.name) for field in fields(Pairing)}
    return Cell(**row, next=Pairing(**own))
