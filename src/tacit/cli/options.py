"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tacit.base.errors import UserError

Out = Annotated[
    Path, typer.Option("--out", help="Folder to make; it appears when complete.")
]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace", help="Make --out anew; what it holds stays until that is complete."
    ),
]
Text = Annotated[
    str | None,
    typer.Option(
        help="A source (`tacit list sources`), a file, a folder, or a dataset of the hub: "
        "hub:OWNER/NAME?split=train."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and no progress.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
Model = Annotated[
    str | None,
    typer.Argument(
        help="A shipped subject (pycode), a model's name on the hub, or a folder."
    ),
]
ModelFolder = Annotated[
    Path | None, typer.Option("--model", help="A model's folder, for offline machines.")
]
Device = Annotated[
    str | None, typer.Option(help="Where the model runs, e.g. cuda; default cpu.")
]
ModelDtype = Annotated[
    str | None,
    typer.Option(
        help="float32, float16 or bfloat16; default the checkpoint's. More with --set, e.g. "
        "load.device_map=auto or load.bits=4."
    ),
]
StoreFolder = Annotated[
    Path, typer.Option("--store", help="A store made by `tacit harvest`.")
]
DictionaryFolder = Annotated[
    Path,
    typer.Option(
        "--dictionary",
        help="A dictionary made by `tacit fit`, another tool's (`tacit list formats`), or an id: "
        "hub:OWNER/NAME/FOLDER, sae-lens:RELEASE/ID, neuronpedia:MODEL/NAME.",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="standard (8 atoms a dimension), wide (32) or fast (4, 500 steps); any other option "
        "wins."
    ),
]
DictionarySite = Annotated[
    str | None,
    typer.Option(
        "--site", help="The site it reads, where another tool's files do not tell."
    ),
]
Seed = Annotated[
    int | None, typer.Option(min=0, help="Root seed of everything drawn; default 0.")
]

Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Any setting as key.path=value, e.g. fit.steps=800 or frontier=none; repeatable.",
    ),
]
Settings = Annotated[Path | None, typer.Option("--config", help="A TOML file of settings.")]


def chosen(model: str | None, folder: Path | None) -> str | None:
    """Return the model that is meant, by its name or by its folder; None where none was given."""
    if folder is None:
        return model
    if model is not None:
        raise UserError(
            f"the model was given twice, as {model!r} and as --model {folder}; give one of them."
        )
    if not folder.is_dir():
        raise UserError(
            f"there is no folder {str(folder)!r}, and --model takes the folder of a model; a "
            "name goes without --model."
        )
    # A folder may be called as a shipped subject is.
    return str(folder) if folder.is_absolute() else f"./{folder}"


def required(model: str | None, folder: Path | None) -> str:
    """Return the model that is meant, or say how to name one."""
    found = chosen(model, folder)
    if found is None:
        raise UserError(
            "no model was named; give a shipped subject (pycode), a model's name on the hub or "
            "`--model FOLDER`."
        )
    return found
