"""The commands that show where features fire, and hand dictionaries to other tools."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tacit.base.errors import UserError
from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.options import (
    AsJson,
    DictionaryFolder,
    DictionarySite,
    ModelFolder,
    Out,
    Quiet,
    Replace,
    StoreFolder,
    chosen,
)

if TYPE_CHECKING:
    from tacit.features.index import Context
    from tacit.verbs.effects_of_feature import FeatureCase

looking = typer.Typer()


@looking.command(
    epilog="Example: tacit index --dictionary runs/dict --store runs/store --out runs/index"
)
def index(
    *,
    dictionary: DictionaryFolder,
    store: StoreFolder,
    site: DictionarySite = None,
    out: Out,
    replace: Replace = False,
    quiet: Quiet = False,
) -> None:
    """Index where every feature fires."""
    from tacit.verbs.steps import index as run_index

    made = run_index(
        dictionary,
        store,
        out,
        site=site,
        replace=replace,
        progress=for_terminal(quiet=quiet),
    )
    printing.write(f"{out}: {made.num_atoms} features over {made.num_rows:,} tokens")


@looking.command(epilog="Example: tacit show 812 --run runs/demo --effects")
def show(
    feature: Annotated[int, typer.Argument(help="Number of the feature.")],
    model: Annotated[
        str | None, typer.Argument(help="For --effects with --index: the model, by name.")
    ] = None,
    *,
    model_folder: ModelFolder = None,
    run: Annotated[Path | None, typer.Option(help="A run of `tacit learn`.")] = None,
    index: Annotated[
        Path | None, typer.Option(help="An index made by `tacit index`.")
    ] = None,
    num: Annotated[int, typer.Option(min=1, help="Contexts to show.")] = 10,
    around: Annotated[int, typer.Option(min=0, help="Tokens on each side.")] = 12,
    effects: Annotated[
        bool,
        typer.Option(
            "--effects",
            help="Also its tokens by strength, what ablating it does and what it promotes; beside "
            "it a neuron and random weights.",
        ),
    ] = False,
    windows: Annotated[
        int | None,
        typer.Option(min=1, help="For --effects: held-out windows at most; default 100."),
    ] = None,
    no_control: Annotated[
        bool,
        typer.Option(
            "--no-control", help="For --effects: leave out the fit to random weights."
        ),
    ] = False,
    dictionary: Annotated[
        str | None, typer.Option(help="For --effects with --index: its dictionary.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="For --effects with --index: its store.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="For --effects: folder to make; default RUN/effects/feature-N."),
    ] = None,
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show where a feature fires most, with the tokens around, and what it does."""
    if (run is None) == (index is None):
        raise UserError("say where the feature is: either --run RUN or --index INDEX.")
    named = chosen(model, model_folder)
    of_effects = {
        "MODEL": named,
        "--dictionary": dictionary,
        "--store": store,
        "--windows": windows,
        "--no-control": no_control or None,
        "--out": out,
        "--replace": replace or None,
    }
    given = [name for name, value in of_effects.items() if value is not None]
    if given and not effects:
        raise UserError(
            f"{', '.join(given)} goes with --effects; add that, or leave it out."
        )
    folder = index if index is not None else Path(run or "") / "index"
    line, contexts = _contexts(folder, feature, num, around)
    case = None
    if effects:
        from tacit.verbs.effects_of_feature import WINDOWS, effects_of_feature
        from tacit.verbs.studied_feature import studied

        case = effects_of_feature(
            studied(run, index, model=named, dictionary=dictionary, store=store),
            feature,
            out=out,
            windows=windows or WINDOWS,
            control=not no_control,
            replace=replace,
            progress=for_terminal(quiet=quiet or as_json),
        )
    _show(line, contexts, case, as_json=as_json)


def _show(
    line: str, contexts: list[Context], case: FeatureCase | None, *, as_json: bool
) -> None:
    """Print a feature's contexts and, if it was made, its case."""
    plain = [asdict(context) for context in contexts]
    if not as_json:
        printing.write(line)
        printing.show_contexts(contexts)
    elif case is None:
        printing.write(json.dumps(plain))
    if case is None:
        return
    from tacit.cli.printing_cases import case_as_json, show_case

    if as_json:
        printing.write(json.dumps({"contexts": plain, **case_as_json(case)}))
    else:
        show_case(case)


def _contexts(
    folder: Path, feature: int, num: int, around: int
) -> tuple[str, list[Context]]:
    """Return a line on how often a feature fires, and its largest firings."""
    import duckdb

    from tacit.features.index import open_index

    opened = open_index(folder)
    try:
        contexts = opened.top(feature, num=num, around=around)
        row = opened.features.slice(feature, 1).to_pylist()[0]
    except (OSError, ValueError, duckdb.Error) as error:
        raise UserError(
            f"{opened.folder} is damaged ({str(error).strip()}); run `tacit index` again."
        ) from error
    line = (
        f"feature {feature}: fires on {row['density']:.3%} of {opened.num_rows:,} tokens, "
        f"at most {row['max_value']:.3g}"
    )
    return line, contexts


@looking.command(
    epilog="Example: tacit convert runs/dict --to sae-lens --out dict-for-sae-lens"
)
def convert(
    dictionary: Annotated[
        Path, typer.Argument(help="A dictionary of Tacit's or of another tool's.")
    ],
    *,
    to: Annotated[str, typer.Option(help="tacit, or a name of `tacit list formats`.")],
    site: DictionarySite = None,
    out: Out,
    replace: Replace = False,
) -> None:
    """Write a dictionary in another tool's format, or another tool's in Tacit's."""
    from tacit.verbs.convert import convert as run_convert

    made = run_convert(dictionary, to, out, site=site, replace=replace)
    printing.write(f"{out}: {made.num_atoms} atoms of width {made.width}, for {to}")


@looking.command(
    epilog="Example: tacit upload runs/dict --to OWNER/NAME --path resid.2 --format sae-lens"
)
def upload(
    dictionary: Annotated[Path, typer.Argument(help="A dictionary made by `tacit fit`.")],
    *,
    to: Annotated[str, typer.Option(help="The repository, OWNER/NAME.")],
    path: Annotated[str | None, typer.Option(help="A folder inside it.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="tacit, or a name of `tacit list formats`.")
    ] = "tacit",
    public: Annotated[
        bool, typer.Option("--public", help="Let everyone read a repository that is new.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --public.")] = False,
) -> None:
    """Send a dictionary to the Hugging Face hub, with a card that says what it is."""
    from tacit.verbs.upload import upload as run_upload

    if public and not yes:
        typer.confirm(f"Everyone will be able to read {to}. Go on?", abort=True)
    made = run_upload(dictionary, to, path=path, form=form, public=public)
    printing.write(f"sent; read it again with --dictionary {made}")


@looking.command(epilog="Example: tacit report runs/demo")
def report(run: Annotated[Path, typer.Argument(help="Folder of a finished run.")]) -> None:
    """Draw a run's report again from its folder alone; no model is needed."""
    from tacit.reports import render_report

    printing.write(f"report: {render_report(run)}")
