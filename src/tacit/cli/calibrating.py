"""The command that says how far an instrument can be trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tacit.base.configuration import gather
from tacit.base.errors import UserError
from tacit.base.progress import for_terminal
from tacit.base.records import to_json
from tacit.cli import printing
from tacit.cli.options import AsJson, Out, Quiet, Replace

calibrating = typer.Typer()


@calibrating.command(
    epilog="Example: tacit calibrate detection --sizes 5,20,80 --repeats 100 --out runs/detection"
)
def calibrate(
    instruments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INSTRUMENT]...", help="Names of `tacit list instruments`."
        ),
    ] = None,
    *,
    sizes: Annotated[
        str | None,
        typer.Option(help="Sizes of sample, e.g. 20,50,100; default the instrument's own."),
    ] = None,
    repeats: Annotated[
        int | None, typer.Option(help="Repetitions at each size; default 100.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All instruments.")] = False,
    write: Annotated[
        bool,
        typer.Option("--write", help="Put what is found among what ships with Tacit."),
    ] = False,
    processes: Annotated[
        int, typer.Option(min=1, help="Processes that share the repetitions.")
    ] = 1,
    out: Out = Path("runs/calibrate"),
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find how often an instrument is right where the truth is known: power and false alarms."""
    from tacit.verbs.calibrate import CalibrateSettings
    from tacit.verbs.calibrate import calibrate as run_calibrate

    if bool(instruments) == every:
        raise UserError(
            "name the instruments to calibrate (`tacit list instruments`), or ask for --all."
        )
    options = {
        "instruments": tuple(instruments) if instruments else None,
        "sizes": None if sizes is None else _whole_numbers(sizes),
        "repeats": repeats,
    }
    settings, passed = gather(CalibrateSettings, options=options)
    run = run_calibrate(
        settings,
        out,
        processes=processes,
        passed=passed,
        replace=replace,
        write=write,
        progress=for_terminal(quiet=quiet or as_json),
    )
    if as_json:
        records = [to_json(record) for record in run.records]
        plain = {"folder": str(out), "report": str(run.report), "records": records}
        printing.write(json.dumps(plain, indent=1))
        return
    printing.write(f"report: {run.report}")
    printing.show_records(run.headlines, as_json=False)


def _whole_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a list such as ``20,50``."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise UserError(
            f"--sizes takes whole numbers such as 20,50,100; {text!r} is not that."
        )
    return tuple(int(part) for part in parts)
