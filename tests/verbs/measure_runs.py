"""Folders as `tacit measure` leaves them, as far as a board reads them, of made-up figures."""

from __future__ import annotations

import json

from tacit.base.records import Result, write_records
from tacit.metrics.catalogue import METRICS
from tacit.verbs.board_tables import COLUMNS

SETTINGS = {
    "text": None,
    "store": "runs/first/store",
    "size": "quick",
    "extra": {},
    "max_rows": 30_000,
    "seed": 0,
}
OF = {"method": "top-k", "num_atoms": 64, "k": 4, "seed": 0}


def results(of, *, shift=0.0):
    """A value of every column of the board, and of one baseline beside it."""
    return [
        Result(
            name=column.figure,
            value=0.5 + shift + place / 100,
            unit="1",
            better=METRICS[column.figure].direction,
            n=7,
            interval=(0.4, 0.9),
            of={**of, **column.of, "basis": basis, "measure": column.measure},
        )
        for basis in ("dictionary", "pca")
        for place, column in enumerate(COLUMNS)
    ]


def make_run(folder, *, records=None, kind="measure", of=OF, command="again", **changes):
    """Write a run, finished unless something is taken out, and return its folder."""
    folder.mkdir(parents=True)
    own = {
        "settings": SETTINGS | changes.pop("settings", {}),
        "subject": "tiny",
        "subject_digest": "0123456789abcdef",
        "store": "one text",
        "site": "resid.0",
        "of": of,
        **changes,
    }
    plain = {"kind": kind, "configuration": own, "command": f"{command} {folder.name}"}
    (folder / "manifest.json").write_text(json.dumps(plain))
    write_records(folder / "results.json", results(of) if records is None else records)
    return folder
