"""The command that sweeps methods and settings over one reading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.options import (
    AsJson,
    Device,
    Model,
    ModelDtype,
    ModelFolder,
    Out,
    Preset,
    Quiet,
    Replace,
    Sets,
    Settings,
    Text,
    chosen,
)

sweeps = typer.Typer()


@sweeps.command(
    epilog="Example: tacit sweep pycode --site resid.2 --method top-k --method relu-l1 "
    "--set k=[8,16,32] --set choice.loss_recovered=.97 --out runs/sweep"
)
def sweep(
    model: Model = None,
    *,
    model_folder: ModelFolder = None,
    site: Annotated[str | None, typer.Option(help="Where to read, e.g. resid.2.")] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="A store made by `tacit harvest`; default: --text is read."),
    ] = None,
    text: Text = None,
    max_tokens: Annotated[int | None, typer.Option(help="Tokens to read at most.")] = None,
    preset: Preset = None,
    methods: Annotated[
        list[str] | None,
        typer.Option("--method", help="A method to sweep; may be repeated. Default: all."),
    ] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", help="May be repeated; default 0, 1, 2.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps.")] = None,
    device: Device = None,
    model_dtype: ModelDtype = None,
    out: Out = Path("runs/sweep"),
    sets: Sets = None,
    config: Settings = None,
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw every method's frontier over one reading, and choose a dictionary by a stated rule."""
    from tacit.base.configuration import gather
    from tacit.base.records import to_json
    from tacit.verbs.settings import preset as chosen_preset
    from tacit.verbs.sweep import line_of
    from tacit.verbs.sweep import sweep as run_sweep
    from tacit.verbs.sweep_settings import SweepSettings

    options = {
        "model": chosen(model, model_folder),
        "site": site,
        "store": None if store is None else str(store),
        "text.source": text,
        "text.max_tokens": max_tokens,
        "methods": tuple(methods) if methods else None,
        "seeds": tuple(seeds) if seeds else None,
        "fit.steps": steps,
        "load.device": device,
        "load.dtype": model_dtype,
    }
    settings, passed = gather(
        SweepSettings,
        base=chosen_preset(preset, "fit."),
        file=config,
        sets=sets or [],
        options=options,
    )
    progress = for_terminal(quiet=quiet or as_json)
    run = run_sweep(settings, out, passed=passed, replace=replace, progress=progress)
    if as_json:
        plain = {"folder": str(out), "report": str(run.report), "choice": run.choice}
        records = [to_json(record) for record in run.records]
        printing.write(json.dumps({**plain, "records": records}, indent=1))
        return
    printing.write(f"report: {run.report}")
    for line in filter(None, map(line_of, run.records)):
        printing.write("  " + line)
    told = ", ".join(f"{name} {value:.3f}" for name, value in run.choice["means"].items())
    printing.write(f"chosen: {run.choice['setting']} ({told}), in {run.folder / 'chosen'}")
    printing.write(f"  {run.choice['because']}")
