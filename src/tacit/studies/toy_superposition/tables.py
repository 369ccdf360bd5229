"""The tables a run of the toy study keeps: cells and starts of each world."""

from __future__ import annotations

from pathlib import Path

from tacit.studies.tables import read_rows
from tacit.studies.toy_superposition.cells import Cell
from tacit.studies.toy_superposition.starts import Reading


def cells_path(folder: Path, seed: int) -> Path:
    """Return where a world's cells are kept."""
    return folder / "artifacts" / f"seed-{seed}.parquet"


def starts_path(folder: Path, seed: int) -> Path:
    """Return where a world's starts are kept."""
    return folder / "artifacts" / f"starts-{seed}.parquet"


def read_cells(folder: Path, seed: int) -> list[Cell]:
    """Return a world's cells, in the order of the grid."""
    return read_rows(cells_path(folder, seed), Cell)


def read_starts(folder: Path, seed: int) -> list[Reading]:
    """Return a world's readings, in the order of the steps."""
    return read_rows(starts_path(folder, seed), Reading)
