"""The commands that search explanations and exchange them with Neuronpedia."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tacit.base.errors import UserError
from tacit.cli import printing
from tacit.cli.options import AsJson

finding = typer.Typer()


@finding.command(epilog="Example: tacit find brackets --run runs/demo")
def find(
    query: Annotated[str, typer.Argument(help="What features should be about.")],
    *,
    run: Annotated[Path, typer.Option(help="A run of `tacit learn` with explanations.")],
    by: Annotated[
        str,
        typer.Option(
            help="words of explanations; likeness, their strongest contexts too; or activations: "
            "what the model makes of the query."
        ),
    ] = "words",
    num: Annotated[int, typer.Option(min=1, help="Explanations to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Find the features that a query is about, among all explanations of a run."""
    from tacit.cli.printing_explained import show_found
    from tacit.verbs.find import find_features

    found = find_features(query, run, by=by, num=num)
    if as_json:
        printing.write(json.dumps([asdict(each) for each in found], indent=1))
    else:
        show_found(found)


@finding.command(
    epilog="Example: tacit exchange runs/demo --model gpt2-small --source 6-res-jb --out e.jsonl.gz"
)
def exchange(
    run: Annotated[Path, typer.Argument(help="A run of `tacit learn`.")],
    *,
    model: Annotated[str, typer.Option(help="Neuronpedia's name of the model.")],
    source: Annotated[str, typer.Option(help="Neuronpedia's name of the dictionary.")],
    out: Annotated[
        Path | None,
        typer.Option(help="A .jsonl or .jsonl.gz file, or a folder of batches, to write."),
    ] = None,
    given: Annotated[
        Path | None,
        typer.Option("--from", help="Such a file or folder, to take explanations from."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the explanations; default all, or neuronpedia for --from."
        ),
    ] = None,
) -> None:
    """Write explanations as Neuronpedia exchanges them, or take such a file into a run."""
    from tacit.verbs.exchange import NEURONPEDIA, give, take

    if (out is None) == (given is None):
        raise UserError(
            "say which way: --out FILE writes explanations, --from FILE takes some."
        )
    if out is not None:
        files, num = give(run, out, model=model, source=source, name=name)
        printing.write(f"{out}: {num:,} explanations in {len(files):,} files")
    if given is not None:
        taken = take(run, given, model=model, source=source, name=name or NEURONPEDIA)
        further = f"; {taken.num_further:,} further ones of a feature left out"
        printing.write(
            f"{taken.explanations.folder}: {taken.num_taken:,} explanations"
            f"{further if taken.num_further else ''}"
        )
