"""Every command with its options. Each imports what it needs when it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tacit import __version__
from tacit.base.errors import UserError
from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.birds import birds
from tacit.cli.boarding import boarding
from tacit.cli.calibrating import calibrating
from tacit.cli.comparing import comparisons
from tacit.cli.endings import Commands
from tacit.cli.explaining import explaining
from tacit.cli.finding import finding
from tacit.cli.fitting import fits
from tacit.cli.graphing import graphing
from tacit.cli.leaking import leaking
from tacit.cli.looking import looking
from tacit.cli.measuring import measuring
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
    Seed,
    Sets,
    Settings,
    Text,
    chosen,
)
from tacit.cli.steps import steps
from tacit.cli.studies import studies
from tacit.cli.sweeping import sweeps
from tacit.cli.tracing import tracing

app = typer.Typer(
    name="tacit",
    cls=Commands,
    epilog="Start with `tacit demo`, or `tacit learn pycode --site resid.2 --out runs/first`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
GROUPS = (steps, fits, looking, comparisons, sweeps, tracing, explaining, finding)
GROUPS += (graphing, measuring, calibrating, boarding, leaking)
app.registered_commands += [each for group in GROUPS for each in group.registered_commands]
app.add_typer(studies)
app.add_typer(birds)

DEMO: dict[str, Any] = {
    "model": "pycode",
    "site": "resid.2",
    "text.source": "python-stdlib",
    "text.max_tokens": 220_000,
    "fit.k": 16,
    "fit.steps": 400,
    "fit.batch": 2_048,
    "frontier.k": (8, 32),
    "frontier.penalties": (0.1, 0.3),
    "loss_windows": 48,
    "shown_features": 30,
}


def _version(asked: bool) -> bool:
    if asked:
        printing.write(f"tacit {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def tacit(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_version
        ),
    ] = False,
) -> None:
    """Tacit finds what a neural network knows but does not say."""


@app.command(
    epilog="Example: tacit learn pycode --site resid.2 --text ./notes --out runs/notes"
)
def learn(
    model: Model = None,
    *,
    model_folder: ModelFolder = None,
    site: Annotated[str | None, typer.Option(help="Where to read, e.g. resid.2.")] = None,
    text: Text = None,
    max_tokens: Annotated[int | None, typer.Option(help="Tokens to read at most.")] = None,
    preset: Preset = None,
    method: Annotated[str | None, typer.Option(help="Dictionary method.")] = None,
    atoms: Annotated[int | None, typer.Option(help="Atoms of the dictionary.")] = None,
    k: Annotated[int | None, typer.Option(help="Active atoms a token.")] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps.")] = None,
    seed: Seed = None,
    device: Device = None,
    model_dtype: ModelDtype = None,
    out: Out = Path("runs/learn"),
    sets: Sets = None,
    config: Settings = None,
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Learn the features of a model: harvest, fit, measure, index and report, in one run."""
    options = {
        "model": chosen(model, model_folder),
        "site": site,
        "text.source": text,
        "text.max_tokens": max_tokens,
        "fit.method": method,
        "fit.num_atoms": atoms,
        "fit.k": k,
        "fit.steps": steps,
        "seed": seed,
        "load.device": device,
        "load.dtype": model_dtype,
    }
    ways = {"replace": replace, "as_json": as_json, "quiet": quiet}
    _learn(options, out, sets or [], config, preset=preset, **ways)


@app.command(epilog="Example: tacit demo --out runs/demo --replace")
def demo(
    out: Out = Path("runs/demo"),
    sets: Sets = None,
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Learn the features of the shipped model pycode on Python's own source; no network."""
    given = {name.partition("=")[0] for name in sets or []}
    options = {
        name: value
        for name, value in DEMO.items()
        if not any(name == each or name.startswith(f"{each}.") for each in given)
    }
    _learn(options, out, sets or [], None, replace=replace, as_json=as_json, quiet=quiet)


def _learn(
    options: dict[str, Any],
    out: Path,
    sets: list[str],
    config: Path | None,
    *,
    preset: str | None = None,
    replace: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    from tacit.base.configuration import gather
    from tacit.base.records import to_json
    from tacit.verbs.learn import learn as run_learn
    from tacit.verbs.settings import LearnSettings
    from tacit.verbs.settings import preset as chosen_preset

    settings, passed = gather(
        LearnSettings,
        base=chosen_preset(preset, "fit."),
        file=config,
        sets=sets,
        options=options,
    )
    run = run_learn(
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
            "headlines": [to_json(record) for record in run.headlines],
        }
        printing.write(json.dumps(plain, indent=1))
        return
    printing.write(f"report: {run.report}")
    for record in run.headlines:
        printing.write("  " + printing.line(record))


@app.command("list", epilog="Example: tacit list sites pycode")
def list_names(
    what: Annotated[
        str,
        typer.Argument(
            help="sites, methods, metrics, subjects, sources, labellers, formats, explainers, "
            "readers, scorers, prompts, measures or instruments."
        ),
    ],
    model: Annotated[str | None, typer.Argument(help="For sites: the model.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the names that the other commands take."""
    from tacit.verbs.names import listed

    if model is not None and what != "sites":
        raise UserError(f"only sites belong to a model; leave {model!r} out.")
    rows = listed(what, model)
    if as_json:
        printing.write(json.dumps([{"name": name, "about": about} for name, about in rows]))
        return
    widest = max(len(name) for name, _ in rows)
    for name, about in rows:
        printing.write(f"{name:<{widest}}  {about}".rstrip())


@app.command("train-subject", epilog="Example: tacit train-subject pycode --out my-pycode")
def train_subject(
    name: Annotated[str, typer.Argument(help="A recipe: pycode.")],
    *,
    out: Out,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Fewer steps than the recipe's, for a trial.")
    ] = None,
    replace: Replace = False,
    quiet: Quiet = False,
) -> None:
    """Train a micro subject by its recipe into a Hugging Face folder; resumable."""
    from tacit.verbs.subjects import train_shipped

    found = train_shipped(
        name, out, steps=steps, replace=replace, progress=for_terminal(quiet=quiet)
    )
    low, high = found.interval
    printing.write(
        f"{out}: {found.nats_per_token:.3f} nats per token on held-out files (95 %: {low:.3f} to "
        f"{high:.3f}, n = {found.num_documents}); 3-gram {found.trigram_nats_per_token:.3f}"
    )
