"""The commands of the studies: which there are, what each asks, and a run of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tacit.base.errors import UserError
from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.endings import Commands
from tacit.cli.options import AsJson, Quiet, Replace

studies = typer.Typer(
    name="study",
    cls=Commands,
    help="Repeat a published work: each claim beside what was measured.",
    epilog="Example: tacit study run toy-superposition --preset quick",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Name = Annotated[str, typer.Argument(help="`tacit study list` names them.")]


@studies.command("list", epilog="Example: tacit study list")
def list_studies(*, as_json: AsJson = False) -> None:
    """List the studies, each with the works it repeats."""
    from tacit.studies import STUDIES, load_study
    from tacit.studies.question import read_question

    rows = {name: read_question(load_study(name).folder).question for name in STUDIES}
    if as_json:
        printing.write(json.dumps(rows, indent=1))
        return
    for name, question in rows.items():
        printing.write(f"{name}: {' '.join(question.split())}")


@studies.command(epilog="Example: tacit study show toy-superposition")
def show(name: Name, *, as_json: AsJson = False) -> None:
    """Show a study's question, its claims with sources, and what would change our mind."""
    from tacit.studies import load_study
    from tacit.studies.question import read_question

    study = load_study(name)
    asked = read_question(study.folder)
    if as_json:
        claims = [vars(rule) for rule in asked.rules.values()]
        plain = {"question": asked.question, "what_would_change": asked.change_of_mind}
        printing.write(json.dumps({**plain, "claims": claims}, indent=1))
        return
    printing.write(f"{asked.title}\n\n{asked.question}\n")
    printing.write(f"What would change our mind: {asked.change_of_mind}\n")
    for rule in asked.rules.values():
        printing.write(
            f"{rule.name}\n  published: {rule.published}\n  source: {rule.source}\n"
            f"  measure: {rule.measure}\n  rule: {rule.rule}\n"
            f"  smallest effect: {rule.smallest_effect}\n  control: {rule.control}\n"
        )
    printing.write(f"presets: {', '.join(study.presets)}")
    if asked.is_void:
        printing.write(
            "The rules have changed since they were registered: verdicts are void."
        )


@studies.command(
    epilog="Example: tacit study run toy-superposition --preset laptop --dry-run"
)
def run(
    name: Name,
    *,
    preset: Annotated[str, typer.Option(help="quick, laptop or paper.")] = "quick",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to make; default runs/NAME-PRESET.")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the study, e.g. steps=6000; repeatable."),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option("--text", help="Text to read instead of the study's own (source)."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take, and run nothing.")
    ] = False,
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a study into one folder with one report; resumable."""
    from tacit.studies import load_study
    from tacit.studies.runner import run_study, settings_of

    study, sets = load_study(name), list(sets or [])
    if text is not None:
        if "source" not in study.settings.model_fields:
            raise UserError(f"{name} reads no text; leave --text out.")
        sets.append(f"source={text}")
    if dry_run:
        settings, _ = settings_of(study, preset, sets)
        _say(vars(study.estimate(settings)), as_json=as_json)
        return
    made = run_study(
        study,
        preset,
        out or Path("runs") / f"{name}-{preset}",
        sets=sets,
        replace=replace,
        progress=for_terminal(quiet=quiet or as_json),
    )
    printing.show_records(made.claims, as_json=as_json)
    if not as_json:
        printing.write(f"report: {made.report}")


def _say(estimate: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        printing.write(json.dumps(estimate, indent=1))
        return
    hours, rest = divmod(round(estimate["seconds"]), 3600)
    printing.write(
        f"{estimate['units']}: about {hours} h {rest // 60} min {rest % 60} s on "
        f"{estimate['device']}, at most {estimate['memory_bytes'] / 2**30:.2f} GiB at once; "
        "nothing was run."
    )
