"""The commands of drawn birds: a set of them in a folder, and a sheet to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.endings import Commands
from tacit.cli.options import AsJson, Quiet, Replace, Settings

birds = typer.Typer(
    name="birds",
    cls=Commands,
    help="Drawn birds in the layout of CUB-200-2011, with the truth beside every picture.",
    epilog="Example: tacit birds make birds --classes 10 --images 20",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@birds.command(
    epilog="Example: tacit birds make birds --classes 50 --images 60 --side 64 --seed 0"
)
def make(
    folder: Annotated[
        Path, typer.Argument(help="Folder to make; it appears when complete.")
    ],
    *,
    classes: Annotated[
        int | None, typer.Option(help="Classes, default 50; even, for pairs of twins.")
    ] = None,
    images: Annotated[int | None, typer.Option(help="Images a class, default 60.")] = None,
    side: Annotated[
        int | None, typer.Option(help="Width and height in pixels, default 64.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of all that is random.", min=0)
    ] = None,
    twins: Annotated[
        bool | None,
        typer.Option(
            "--twins/--no-twins",
            help="Pairs of classes that only an unlabelled cue tells apart (the default), or "
            "classes that differ in their attributes and in nothing else.",
        ),
    ] = None,
    cues: Annotated[
        list[str] | None,
        typer.Option("--cue", help="bars, plume or cheek; may be repeated. Default: all."),
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(help="Noise of annotations; 0 exact, 1 as in the real set."),
    ] = None,
    quirks: Annotated[
        bool | None, typer.Option("--quirks", help="Put in what is odd in the real files.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; default one a core.", min=1)
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A further setting, e.g. morphs=1 or leaves=0; repeatable."
        ),
    ] = None,
    config: Settings = None,
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw a set of birds; resumable.

    A control in which nothing can leak: --no-twins. The attributes of the real classes: --set
    class_file=class_attribute_labels_continuous.txt. Annotations that are exact: --noise 0.
    """
    from tacit.base.configuration import gather
    from tacit.data.birds import BirdSettings, draw_birds

    options = {
        "classes": classes,
        "images": images,
        "side": side,
        "seed": seed,
        "twins": twins,
        "cues": tuple(cues) if cues else None,
        "noise": noise,
        "quirks": quirks,
    }
    settings, passed = gather(BirdSettings, file=config, sets=sets or [], options=options)
    truth = draw_birds(
        folder,
        settings,
        workers=workers,
        passed=tuple(passed),
        replace=replace,
        progress=for_terminal(quiet=quiet or as_json),
    )
    facts = {
        "folder": str(folder),
        "birds": len(truth.labels),
        "classes": settings.classes,
        "pairs of twins": int((truth.twin_of >= 0).sum()) // 2,
        "attributes a bird": round(float(truth.rendered.sum(axis=1).mean()), 1),
    }
    in_lines = "\n".join(f"{name}: {value}" for name, value in facts.items())
    printing.write(json.dumps(facts) if as_json else in_lines)


@birds.command(epilog="Example: tacit birds sheet birds --out sheet.png")
def sheet(
    folder: Annotated[Path, typer.Argument(help="Made by `tacit birds make`.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="PNG to write; default sheet.png in FOLDER."),
    ] = None,
    species: Annotated[int, typer.Option(help="Rows: one a species.", min=1)] = 6,
    columns: Annotated[int, typer.Option(help="Pictures of a row.", min=2)] = 8,
    zoom: Annotated[int, typer.Option(help="Enlarge by this factor.", min=1)] = 1,
) -> None:
    """Write a contact sheet: every row a species, one twin left and the other right."""
    from tacit.data.birds.sheet import settings_of, write_sheet

    written = out or folder / "sheet.png"
    write_sheet(settings_of(folder), written, species=species, columns=columns, zoom=zoom)
    printing.write(f"sheet: {written}")
