"""The command that measures what a concept bottleneck hides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tacit.base.configuration import gather
from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.options import AsJson, Device, Out, Quiet, Replace, Seed, Settings

leaking = typer.Typer()


@leaking.command(epilog="Example: tacit leak runs/joint --data birds --out runs/leak")
def leak(
    model: Annotated[
        str,
        typer.Argument(
            help="A bottleneck's folder, FILE.py:NAME (a function that returns a torch module from "
            "pixels to concept and class logits), or its outputs in an .npz or .parquet file."
        ),
    ],
    *,
    data: Annotated[
        str | None,
        typer.Option(
            help="Pictures in the layout of CUB-200-2011, real or of `tacit birds make`. Arrays "
            "need none."
        ),
    ] = None,
    concepts: Annotated[
        str | None,
        typer.Option(
            help="The model's concepts in their order: published (the default), rule, or a file of "
            "attributes, a name a line."
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="test (the default) or all images.")
    ] = None,
    side: Annotated[
        int | None, typer.Option(help="Pixels that the model is given; default 64.")
    ] = None,
    crop: Annotated[
        str | None, typer.Option(help="whole (the default), or box: around the bird.")
    ] = None,
    seed: Seed = None,
    device: Device = None,
    out: Out = Path("runs/leak"),
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A further setting, e.g. estimator=boosted or num_slots=4; repeatable.",
        ),
    ] = None,
    config: Settings = None,
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure what a concept bottleneck says of the class beyond its concepts.

    The leak is in nats with its interval, given what was drawn, or else what was annotated; the
    report shows it by concept, and pictures whose class is right by more than the concepts.
    """
    from tacit.base.records import to_json
    from tacit.verbs.leak import leak as run_leak
    from tacit.verbs.leak_settings import LeakSettings

    options = {
        "model": model,
        "data": data,
        "concepts": concepts,
        "split": split,
        "side": side,
        "crop": crop,
        "seed": seed,
        "device": device,
    }
    settings, passed = gather(LeakSettings, file=config, sets=sets or [], options=options)
    run = run_leak(
        settings,
        out,
        passed=passed,
        replace=replace,
        progress=for_terminal(quiet=quiet or as_json),
    )
    if as_json:
        plain = {
            "folder": str(out),
            "report": str(run.report),
            "records": [to_json(record) for record in run.records],
            "concepts": run.concepts,
        }
        printing.write(json.dumps(plain, indent=1))
        return
    printing.show_records(run.records, as_json=False)
    printing.write(f"report: {run.report}")
