"""``tacit board``: every measured dictionary below a folder on one page, a row each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.base.errors import UserError
from tacit.base.files import sha256_of
from tacit.base.folders import (
    MANIFEST,
    is_complete,
    partial_of,
    read_manifest,
    whole_folder,
)
from tacit.base.manifest import describe
from tacit.base.pages import write_pages
from tacit.base.records import Record, read_records, write_records
from tacit.reports import render_report
from tacit.verbs.board_story import pages_of
from tacit.verbs.board_tables import Row, records_of

UNFINISHED = "not finished"
DAMAGED = "damaged"


@dataclass(frozen=True)
class BoardRun:
    """A finished board."""

    folder: Path
    records: tuple[Record, ...]
    rows: tuple[str, ...]
    """Names of the measure runs that it shows."""
    skipped: Mapping[str, int]
    """Folders that are no finished measure run, counted by what they are instead."""

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.folder / "report.html"


def board(
    folder: str | Path, *, out: str | Path = "runs/board", replace: bool = False
) -> BoardRun:
    """Return the board in ``out`` of all finished ``tacit measure`` runs below ``folder``.

    A row a dictionary, a column a measure's main figure; rows of one subject and site stand in
    one table, which the page sorts. What is no finished measure run is counted and left out.
    """
    top, place = Path(folder), Path(out)
    rows, skipped = _found(top, leave_out=place)
    if not rows:
        raise _nothing(top, skipped)
    files = (MANIFEST, "results.json")
    digests = [
        {"run": row.name} | {file: sha256_of(row.folder / file) for file in files}
        for row in rows
    ]
    manifest = describe(
        "board",
        {"folder": str(top), "runs": digests, "skipped": skipped},
        passed=["folder"],
        seed=0,
        parents=[row.folder for row in rows],
    )
    if replace or not is_complete(place, manifest):
        with whole_folder(place, manifest, replace=replace) as partial:
            write_records(partial / "results.json", records_of(rows))
            artifacts = partial / "artifacts"
            artifacts.mkdir(exist_ok=True)
            write_pages(artifacts / "pages.json", pages_of(rows, skipped, artifacts))
            render_report(partial)
    elif not (place / "report.html").exists():
        render_report(place)
    records = tuple(read_records(place / "results.json"))
    return BoardRun(place, records, tuple(row.name for row in rows), skipped)


def _nothing(top: Path, skipped: Mapping[str, int]) -> UserError:
    if not top.is_dir():
        return UserError(f"there is no folder {top}; give one that holds measure runs.")
    there = ", ".join(f"{count} {kind}" for kind, count in skipped.items())
    return UserError(
        f"below {top} is no finished run of `tacit measure`, but {there or 'nothing of Tacit'}; "
        "score a dictionary with `tacit measure` first, or give another folder."
    )


def _found(top: Path, leave_out: Path) -> tuple[list[Row], dict[str, int]]:
    """Return the measure runs below a folder by name, and what else there is, by kind.

    Nothing inside a folder that Tacit made is looked at: stores and dictionaries are its own.
    """
    rows: list[Row] = []
    skipped: Counter[str] = Counter()
    own = {leave_out.resolve(), partial_of(leave_out.resolve())}
    for here, inside, files in os.walk(top):
        inside.sort()
        if Path(here).resolve() in own:
            inside.clear()
        elif MANIFEST in files:
            inside.clear()
            read = _row(Path(here), top)
            if isinstance(read, Row):
                rows.append(read)
            else:
                skipped[read] += 1
    return sorted(rows, key=lambda row: row.name), dict(sorted(skipped.items()))


def _row(folder: Path, top: Path) -> Row | str:
    """Return what a measure run found, or in a word what the folder is instead."""
    try:
        manifest: dict[str, Any] = read_manifest(folder)
        if manifest["kind"] != "measure":
            return str(manifest["kind"])
        if folder.name.startswith(".") or not (folder / "results.json").exists():
            return UNFINISHED
        records = read_records(folder / "results.json")
    except UserError:
        return DAMAGED
    inside = folder.relative_to(top)
    name = folder.resolve().name if inside == Path() else inside.as_posix()
    return Row(name=name, folder=folder, manifest=manifest, records=tuple(records))
