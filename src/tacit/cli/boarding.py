"""The command that shows all measured dictionaries of a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tacit.cli import printing
from tacit.cli.options import AsJson, Out, Replace

boarding = typer.Typer()


@boarding.command(epilog="Example: tacit board runs --out runs/board --replace")
def board(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where runs of `tacit measure` are.")
    ],
    *,
    out: Out = Path("runs/board"),
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Show every measured dictionary below a folder on one page that can be sorted."""
    from tacit.base.records import to_json
    from tacit.verbs.board import board as run_board

    run = run_board(folder, out=out, replace=replace)
    if as_json:
        plain = {
            "folder": str(out),
            "report": str(run.report),
            "rows": list(run.rows),
            "skipped": dict(run.skipped),
            "records": [to_json(record) for record in run.records],
        }
        printing.write(json.dumps(plain, indent=1))
        return
    left_out = ", ".join(f"{count} {kind}" for kind, count in run.skipped.items())
    printing.write(f"report: {run.report}")
    printing.write(f"{len(run.rows)} dictionaries; left out: {left_out or 'nothing'}")
