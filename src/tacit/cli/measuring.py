"""The command that scores a dictionary."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tacit.base.configuration import gather
from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.options import (
    AsJson,
    Device,
    DictionaryFolder,
    DictionarySite,
    Model,
    ModelDtype,
    ModelFolder,
    Out,
    Quiet,
    Replace,
    Seed,
    Sets,
    Settings,
    Text,
    required,
)

measuring = typer.Typer()


@measuring.command(
    epilog="Example: tacit measure pycode --dictionary runs/first/dictionaries/main/seed-0 "
    "--size quick --out runs/measured"
)
def measure(
    model: Model = None,
    *,
    model_folder: ModelFolder = None,
    dictionary: DictionaryFolder,
    store: Annotated[
        Path | None,
        typer.Option(
            "--store", help="A store made by `tacit harvest`; default: --text is harvested."
        ),
    ] = None,
    text: Text = None,
    site: DictionarySite = None,
    size: Annotated[
        str | None, typer.Option(help="quick or standard; default standard.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="A measure (`tacit list measures`); repeatable."),
    ] = None,
    seed: Seed = None,
    device: Device = None,
    model_dtype: ModelDtype = None,
    out: Out = Path("runs/measure"),
    sets: Sets = None,
    config: Settings = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell the size and time of the cache; stop.")
    ] = False,
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score a dictionary: fidelity, probing, absorption, ablation, steering, stability and more.

    Every measure reads one cache of activations and codes, and prints its interval. `tacit compare`
    ranks several such runs, `tacit board` shows all of a folder.
    """
    from tacit.base.records import to_json
    from tacit.verbs.measure import measure as run_measure
    from tacit.verbs.measured_text import foretold
    from tacit.verbs.settings import MeasureSettings

    options = {
        "model": required(model, model_folder),
        "dictionary": str(dictionary),
        "store": None if store is None else str(store),
        "text.source": text,
        "site": site,
        "size": size,
        "measures": tuple(only) if only else None,
        "seed": seed,
        "load.device": device,
        "load.dtype": model_dtype,
    }
    settings, passed = gather(
        MeasureSettings, file=config, sets=sets or [], options=options
    )
    if dry_run:
        printing.write(foretold(settings))
        return
    run = run_measure(
        settings,
        out,
        passed=passed,
        replace=replace,
        progress=for_terminal(quiet=quiet or as_json),
        told=_nothing if quiet or as_json else _to_errors,
    )
    if as_json:
        records = [to_json(record) for record in run.records]
        plain = {"folder": str(out), "report": str(run.report), "records": records}
        printing.write(json.dumps(plain, indent=1))
        return
    printing.show_records(run.records, as_json=False)
    printing.write(f"report: {run.report}")


def _to_errors(line: str) -> None:
    sys.stderr.write(f"cache: {line}\n")


def _nothing(line: str) -> None:
    del line
