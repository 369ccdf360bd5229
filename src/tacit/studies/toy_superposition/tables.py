"""The tables a run of the toy study keeps: cells and starts of each world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from tacit.base.files import written_aside
from tacit.studies.toy_superposition.cells import Cell
from tacit.studies.toy_superposition.starts import Reading


def cells_path(folder: Path, seed: int) -> Path:
    """Return where a world's cells are kept."""
    return folder / "artifacts" / f"seed-{seed}.parquet"


def starts_path(folder: Path, seed: int) -> Path:
    """Return where a world's starts are kept."""
    return folder / "artifacts" / f"starts-{seed}.parquet"


def write_rows(path: Path, rows: Sequence[Cell] | Sequence[Reading]) -> None:
    """Write one row a cell or reading; the file appears whole."""
    path.parent.mkdir(exist_ok=True)
    with written_aside(path) as aside:
        parquet.write_table(pa.Table.from_pylist([asdict(row) for row in rows]), aside)


def read_cells(folder: Path, seed: int) -> list[Cell]:
    """Return a world's cells, in the order of the grid."""
    rows = parquet.read_table(cells_path(folder, seed)).to_pylist()
    return [Cell(**row) for row in rows]


def read_starts(folder: Path, seed: int) -> list[Reading]:
    """Return a world's readings, in the order of the steps."""
    rows = parquet.read_table(starts_path(folder, seed)).to_pylist()
    return [Reading(**row) for row in rows]
