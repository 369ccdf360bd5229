"""The command for a single step: harvest."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tacit.base.configuration import gather
from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.options import (
    AsJson,
    Device,
    Model,
    ModelDtype,
    ModelFolder,
    Out,
    Quiet,
    Replace,
    Text,
    required,
)

steps = typer.Typer()


@steps.command(
    epilog="Example: tacit harvest pycode --site resid.1 --site mlp.2 --out runs/store"
)
def harvest(
    model: Model = None,
    *,
    model_folder: ModelFolder = None,
    site: Annotated[
        list[str],
        typer.Option(help="Where to read, or a pattern such as resid.*; repeatable."),
    ],
    text: Text = None,
    windows: Annotated[
        str | None, typer.Option(help="split (the default), packed or documents.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Tokens to read at most.")] = None,
    context: Annotated[int | None, typer.Option(help="Tokens of a window.")] = None,
    bos: Annotated[
        bool | None, typer.Option("--bos/--no-bos", help="Open windows with BOS.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="float16 (the default), bfloat16 or float32.")
    ] = None,
    device: Device = None,
    model_dtype: ModelDtype = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="A further setting, e.g. high_norm_factor=none."),
    ] = None,
    out: Out,
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Record what flows through sites of a model into a store; resumable."""
    from tacit.dictionaries.ranks import meeting
    from tacit.verbs.settings import ReadSettings
    from tacit.verbs.steps import harvest_text

    options = {
        "source": text,
        "windows": windows,
        "max_tokens": max_tokens,
        "context_tokens": context,
        "prepend_bos": bos,
        "dtype": dtype,
        "load.device": device,
        "load.dtype": model_dtype,
    }
    settings, _ = gather(ReadSettings, sets=sets or [], options=options)
    with meeting() as ranks:
        made = harvest_text(
            required(model, model_folder),
            settings.source,
            site,
            out,
            settings=settings.harvest(),
            load=settings.load,
            replace=replace,
            ranks=ranks,
            progress=for_terminal(quiet=quiet or as_json or ranks.number > 0),
        )
    if ranks.number > 0:
        return
    facts = {"folder": str(out), "tokens": made.num_tokens, "sites": list(made.sites)}
    told = ("num_special", "num_high_norm", "num_dropped_tokens", "skipped_documents")
    facts |= {name: made.manifest[name] for name in told}
    facts |= {"tokens_of_role": made.manifest["tokens_of_role"]} if made.roles else {}
    printing.write(json.dumps(facts) if as_json else _in_lines(facts))


def _in_lines(facts: dict[str, object]) -> str:
    return "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in facts.items())
