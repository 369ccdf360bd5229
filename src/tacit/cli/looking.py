"""The commands that show where features fire, and hand dictionaries to other tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tacit.base.errors import UserError
from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.options import (
    AsJson,
    DictionaryFolder,
    DictionarySite,
    Out,
    Quiet,
    Replace,
    StoreFolder,
)

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


@looking.command(epilog="Example: tacit show 812 --run runs/demo")
def show(
    feature: Annotated[int, typer.Argument(help="Number of the feature.")],
    *,
    run: Annotated[Path | None, typer.Option(help="A run of `tacit learn`.")] = None,
    index: Annotated[
        Path | None, typer.Option(help="An index made by `tacit index`.")
    ] = None,
    num: Annotated[int, typer.Option(min=1, help="Contexts to show.")] = 10,
    around: Annotated[int, typer.Option(min=0, help="Tokens on each side.")] = 12,
    as_json: AsJson = False,
) -> None:
    """Show where a feature fires most, with the tokens around."""
    from dataclasses import asdict

    import duckdb

    from tacit.features.index import open_index

    if (run is None) == (index is None):
        raise UserError("say where the feature is: either --run RUN or --index INDEX.")
    opened = open_index(index if index is not None else Path(run or "") / "index")
    try:
        contexts = opened.top(feature, num=num, around=around)
        row = opened.features.slice(feature, 1).to_pylist()[0]
    except (OSError, ValueError, duckdb.Error) as error:
        raise UserError(
            f"{opened.folder} is damaged ({str(error).strip()}); run `tacit index` again."
        ) from error
    if as_json:
        printing.write(json.dumps([asdict(context) for context in contexts]))
        return
    printing.write(
        f"feature {feature}: fires on {row['density']:.3%} of {opened.num_rows:,} tokens, "
        f"at most {row['max_value']:.3g}"
    )
    printing.show_contexts(contexts)


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
