"""The two kinds of text file in CUB: numbers in columns, and names behind their ids.

Ids on disk begin at 1. A row may hold a field too many: 606 rows of the real
``image_attribute_labels.txt`` do, and their first fields are right. Axes: r rows,
n ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Int, Num

from tacit.base.errors import UserError

Columns = Mapping[str, type[int] | type[float]]
_KINDS = {int: "whole number", float: "number"}


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Columns of numbers, and how many rows had another number of fields than they should."""

    path: Path
    columns: Mapping[str, Num[np.ndarray, " r"]]
    num_mended: int
    """Rows with fields too many or too few, of which the first were taken."""

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Num[np.ndarray, " r"]:
        """Return one column."""
        return self.columns[name]

    def require(self, name: str, lowest: int, highest: int, because: str) -> None:
        """Refuse the table if a value of one column is out of bounds, naming the line."""
        outside = (self[name] < lowest) | (self[name] > highest)
        if outside.any():
            row = int(outside.argmax())
            raise UserError(
                f"{self._line_of(row)} has {name} {self[name][row]:g}; it must be from {lowest} "
                f"to {highest}, because {because}. Mend the line."
            )

    def rows_by_id(self, name: str, count: int) -> Int[np.ndarray, " n"]:
        """Return the row of each id from 1 to ``count``, refusing ids left out or given twice."""
        self.require(name, 1, count, f"there are {count} of them")
        times = np.bincount(self[name] - 1, minlength=count)
        if (times != 1).any():
            odd, num_odd = int((times != 1).argmax()), int((times != 1).sum())
            raise UserError(
                f"{self.path} has {times[odd]} rows for {name} {odd + 1}, and {num_odd} of {count} "
                "have none or several; give each one row."
            )
        return np.argsort(self[name], kind="stable")

    def cells(
        self, down: str, across: str, shape: tuple[int, int]
    ) -> Int[np.ndarray, " r"]:
        """Return the place of each row in a flat matrix of ``shape``, refusing a place taken twice.

        ``down`` and ``across`` name the columns with the ids, from 1, of the matrix's two axes.
        """
        for name, count in zip((down, across), shape, strict=True):
            self.require(name, 1, count, f"there are {count} of them")
        places = (self[down] - 1) * shape[1] + self[across] - 1
        times = np.bincount(places, minlength=shape[0] * shape[1])
        if (times > 1).any():
            first, second = divmod(int((times > 1).argmax()), shape[1])
            raise UserError(
                f"{self.path} has several rows for {int((times > 1).sum())} pairs of {down} and "
                f"{across}, such as {first + 1} and {second + 1}; leave one for each."
            )
        return places

    def _line_of(self, row: int) -> str:
        """Return where a row stands in the file; rows of the table are not in its order."""
        values = [column[row] for column in self.columns.values()]
        for number, line in _lines(self.path):
            if [float(field) for field in line.split()[: len(values)]] == values:
                return f"line {number} of {self.path}"
        raise AssertionError(f"{values} came from {self.path}")


def read_table(path: Path, columns: Columns, *, num_fields: int | None = None) -> Table:
    """Return the first columns of a file of numbers between single spaces.

    ``num_fields`` is how many a row should have; by default as many as there are columns. Rows
    with others come last and are counted. Four million rows take about a second.

    Raises:
        UserError: where a line has too few fields, or something that is no such number.
    """
    from pyarrow import ArrowInvalid

    try:
        regular, odd = _read_regular(path, columns, num_fields or len(columns))
        rest = [_numbers(line.split(), columns) for line in odd]
    except (ArrowInvalid, ValueError) as error:
        raise _first_mistake(path, columns, error) from error
    whole = {
        name: np.concatenate([regular[name], np.array([row[n] for row in rest], kind)])
        for n, (name, kind) in enumerate(columns.items())
    }
    return Table(path=path, columns=whole, num_mended=len(odd))


def _read_regular(
    path: Path, columns: Columns, num_fields: int
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the columns of rows that have the fields they should, and all other rows."""
    import pyarrow as pa
    from pyarrow import csv

    odd: list[str] = []

    def put_aside(row: csv.InvalidRow) -> str:
        odd.append(row.text)
        return "skip"

    names = list(columns)
    unread = [f"unread {n}" for n in range(num_fields - len(names))]
    types = {n: pa.int64() if kind is int else pa.float64() for n, kind in columns.items()}
    table = csv.read_csv(
        path,
        csv.ReadOptions(column_names=[*names, *unread]),
        csv.ParseOptions(delimiter=" ", quote_char=False, invalid_row_handler=put_aside),
        csv.ConvertOptions(column_types=types, include_columns=names, null_values=[]),
    )
    return {name: table[name].to_numpy() for name in names}, odd


def _numbers(fields: Sequence[str], columns: Columns) -> list[int | float]:
    """Return the first fields of a row as numbers, one for each column."""
    taken = fields[: len(columns)]
    return [kind(field) for kind, field in zip(columns.values(), taken, strict=True)]


def _first_mistake(path: Path, columns: Columns, error: Exception) -> UserError:
    """Return the error for the first line that cannot be read, found by a slow second look."""
    wanted = ", ".join(f"{name} ({_KINDS[kind]})" for name, kind in columns.items())
    for number, line in _lines(path):
        try:
            _numbers(line.split(), columns)
        except ValueError:
            return UserError(
                f"line {number} of {path} is {line[:60]!r}; it must begin with {wanted}, with a "
                "space between. Mend the line, or take the file from the archive again."
            )
    return UserError(f"{path} cannot be read as columns of {wanted} ({error}).")


def read_names(path: Path) -> tuple[str, ...]:
    """Return what follows the ids of a file, in the order of ids, which are 1 to n.

    Raises:
        UserError: where a line has no id or no name, or an id is left out or given twice.
    """
    names: dict[int, str] = {}
    for number, line in _lines(path):
        told, *name = line.split(maxsplit=1)
        if not told.isdecimal() or not name or int(told) in names:
            raise UserError(
                f"line {number} of {path} is {line[:60]!r}; it must be an id that no other line "
                "has, and a name. Mend the line."
            )
        names[int(told)] = name[0]
    left_out = set(range(1, len(names) + 1)) - set(names)
    if left_out or not names:
        found = f"it has no {min(left_out)}" if left_out else "it is empty"
        raise UserError(f"{path} must have the ids 1 to {len(names) or 'n'}, and {found}.")
    return tuple(names[number] for number in sorted(names))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line that is not blank with its number, from 1, and without its ends."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line.strip()
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no text in UTF-8 ({error}).") from error
