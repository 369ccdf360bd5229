"""A record a feature, kept the moment it is made, so that no answer is lost or paid twice."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from tacit.base.errors import UserError


@final
class Ledger:
    """An append-only file of JSON lines, each with its key; the last one of a key counts.

    A line that was cut short by a kill, which can only be the last, is dropped on opening.
    """

    def __init__(self, path: Path) -> None:
        """Open the ledger; what is there is read."""
        self.path = path
        self.records: dict[str, dict[str, Any]] = {}
        self.num_torn = 0
        """Lines dropped on opening, 0 or 1."""
        if path.exists():
            self._read()
        path.parent.mkdir(parents=True, exist_ok=True)

    def __contains__(self, key: str) -> bool:
        """Return whether there is a record of the key."""
        return key in self.records

    def append(self, key: str, record: Mapping[str, Any]) -> None:
        """Write a record, on the disk when this returns."""
        plain = dict(record)
        line = json.dumps({"key": key, **plain}) + "\n"
        with self.path.open("a", encoding="utf-8") as out:
            out.write(line)
            out.flush()
            os.fsync(out.fileno())
        self.records[key] = plain

    def _read(self) -> None:
        self.records, end = _records(self.path)
        if end < self.path.stat().st_size:
            self.num_torn = 1
            with self.path.open("r+b") as file:
                file.truncate(end)


def read_ledger(path: Path) -> dict[str, dict[str, Any]]:
    """Return the records of a ledger, which stays as it is: another process may be writing."""
    return _records(path)[0] if path.exists() else {}


def _records(path: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """Return the records by key, and where the last whole line ends."""
    whole = path.read_bytes()
    end = whole.rfind(b"\n") + 1
    found: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(whole[:end].splitlines(), start=1):
        try:
            plain = json.loads(line)
            key = plain.pop("key")
        except (ValueError, KeyError, AttributeError) as error:
            raise UserError(
                f"line {number} of {path} is no record ({error}); it was changed by hand or "
                "damaged. Delete the line to have that feature done again."
            ) from error
        found[key] = plain
    return found, end
