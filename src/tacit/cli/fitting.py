"""The command that fits a dictionary, to stores or straight to a model."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from tacit.base.configuration import gather
from tacit.base.errors import UserError
from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.options import (
    Model,
    ModelFolder,
    Out,
    Preset,
    Quiet,
    Replace,
    Seed,
    Text,
    chosen,
)

fits = typer.Typer()


class Split(enum.Enum):
    """What processes share out."""

    rows = "rows"
    atoms = "atoms"


@fits.command(
    epilog="Example: tacit fit --store runs/store --site resid.1 --k 16 --out runs/dict"
)
def fit(
    model: Model = None,
    *,
    model_folder: ModelFolder = None,
    text: Text = None,
    buffer_rows: Annotated[
        int | None,
        typer.Option(
            min=1, help="Without a store: rows shuffled in memory; default 262,144."
        ),
    ] = None,
    store: Annotated[
        list[Path] | None,
        typer.Option(
            help="A store made by `tacit harvest`; two, of two models that read the same text, "
            "make a crosscoder. Without one, MODEL reads --text and nothing is stored."
        ),
    ] = None,
    site: Annotated[
        list[str],
        typer.Option(help="The site to read; several make a crosscoder of them."),
    ],
    target: Annotated[
        str | None,
        typer.Option(help="A later site to rebuild from --site: a transcoder."),
    ] = None,
    preset: Preset = None,
    method: Annotated[
        str | None, typer.Option(help="`tacit list methods` names them.")
    ] = None,
    atoms: Annotated[
        int | None, typer.Option(help="Atoms; default 8 times the width.")
    ] = None,
    k: Annotated[int | None, typer.Option(help="Active atoms a token.")] = None,
    penalty: Annotated[float | None, typer.Option(help="L1 penalty.")] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps.")] = None,
    batch: Annotated[int | None, typer.Option(help="Rows a step.")] = None,
    seed: Seed = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the method: extra.NAME=value."),
    ] = None,
    split: Annotated[
        Split, typer.Option(help="Under torchrun: what is shared out, rows or atoms.")
    ] = Split.rows,
    out: Out,
    replace: Replace = False,
    quiet: Quiet = False,
) -> None:
    """Fit a dictionary: an autoencoder, a transcoder or a crosscoder; resumable."""
    from tacit.dictionaries.ranks import meeting
    from tacit.verbs.fitting import fit_live, fit_one
    from tacit.verbs.frontier import how_it_ended
    from tacit.verbs.settings import FitSettings
    from tacit.verbs.settings import preset as chosen_preset

    options = {"method": method, "num_atoms": atoms, "k": k, "penalty": penalty}
    options |= {"steps": steps, "batch": batch}
    base = chosen_preset(preset)
    settings, passed = gather(FitSettings, base=base, sets=sets or [], options=options)
    read = _read(chosen(model, model_folder), text, buffer_rows, store)
    with meeting(split.value) as ranks:
        ways = {
            "target": target,
            "settings": settings,
            "seed": seed or 0,
            "passed": passed,
            "replace": replace,
            "ranks": ranks,
            "progress": for_terminal(quiet=quiet or ranks.number > 0),
        }
        if isinstance(read, list):
            made = fit_one(read, site, out, **ways)
        else:
            name, words, more = read
            made = fit_live(name, words, site, out, **more, **ways)
    if ranks.number > 0:
        return
    said = f"{out}: {made.method}, {made.num_atoms} atoms of width {made.width}"
    ended = how_it_ended(made.outcome)
    printing.write(said if ended is None else f"{said}; {ended}")


def _read(
    model: str | None, text: str | None, buffer_rows: int | None, store: list[Path] | None
) -> list[Path] | tuple[str, str, dict[str, int]]:
    """Return the stores, or the model and the text with what was said of the buffer."""
    if store:
        if model is not None or text is not None or buffer_rows is not None:
            raise UserError(
                "a store was given, and a model, --text or --buffer-rows beside it; a store holds "
                "what the model computed, so leave these out, or leave out --store."
            )
        return store
    if model is None:
        raise UserError(
            "nothing to fit was named; give --store STORE (made by `tacit harvest`), or a model "
            "and --text, which are then read without a store."
        )
    more = {} if buffer_rows is None else {"buffer_rows": buffer_rows}
    return model, text or "python-stdlib", more
