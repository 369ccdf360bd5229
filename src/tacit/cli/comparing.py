"""The command that compares finished runs, or ranks those of ``tacit measure``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tacit.base.progress import for_terminal
from tacit.cli import printing, printing_ranking
from tacit.cli.options import AsJson, Out, Quiet, Replace, Seed

comparisons = typer.Typer()


@comparisons.command(
    epilog="Example: tacit compare runs/seed-0 runs/seed-1 --reference seed-0:pca_k-8 --out runs/c"
)
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="Runs of `tacit learn`, or of `tacit measure`."
        ),
    ],
    *,
    reference: Annotated[
        str | None,
        typer.Option(
            help="RUN:DICTIONARY, RUN or DICTIONARY; default the first run's main dictionary."
        ),
    ] = None,
    match_atoms: Annotated[
        int | None,
        typer.Option(min=1, help="Atoms matched one to one at most; default 4,096."),
    ] = None,
    seed: Seed = None,
    out: Out = Path("runs/compare"),
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Compare dictionaries over methods, sizes and seeds, with paired intervals.

    Runs of `tacit learn` are compared with a reference. Runs of `tacit measure` are ranked on every
    figure, with what cannot be told apart.
    """
    from tacit.base.records import to_json
    from tacit.verbs.compare import MOST_MATCHED
    from tacit.verbs.compare import compare as run_compare

    run = run_compare(
        runs,
        out=out,
        reference=reference,
        seed=seed or 0,
        match_atoms=match_atoms or MOST_MATCHED,
        replace=replace,
        progress=for_terminal(quiet=quiet or as_json),
    )
    if as_json:
        plain = {"folder": str(out), "report": str(run.report), "reference": run.reference}
        records = [to_json(record) for record in run.records]
        printing.write(json.dumps({**plain, "records": records}, indent=1))
        return
    printing.write(f"report: {run.report}")
    if run.is_ranking:
        printing_ranking.show_ranking(run.records, run.names)
        return
    printing.show_comparison(run.records, run.names, run.reference)
