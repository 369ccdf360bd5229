"""The commands for single steps: harvest, fit, measure."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Annotated

import typer

from tacit.base.configuration import gather
from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.options import (
    AsJson,
    Device,
    DictionaryFolder,
    DictionarySite,
    Model,
    ModelDtype,
    ModelFolder,
    Out,
    Preset,
    Quiet,
    Replace,
    Seed,
    StoreFolder,
    Text,
    required,
)

steps = typer.Typer()


class Split(enum.Enum):
    """What processes share out."""

    rows = "rows"
    atoms = "atoms"


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
    made = harvest_text(
        required(model, model_folder),
        settings.source,
        site,
        out,
        settings=settings.harvest(),
        load=settings.load,
        replace=replace,
        progress=for_terminal(quiet=quiet or as_json),
    )
    facts = {"folder": str(out), "tokens": made.num_tokens, "sites": list(made.sites)}
    told = ("num_special", "num_high_norm", "num_dropped_tokens", "skipped_documents")
    facts |= {name: made.manifest[name] for name in told}
    facts |= {"tokens_of_role": made.manifest["tokens_of_role"]} if made.roles else {}
    printing.write(json.dumps(facts) if as_json else _in_lines(facts))


@steps.command(
    epilog="Example: tacit fit --store runs/store --site resid.1 --k 16 --out runs/dict"
)
def fit(
    *,
    store: Annotated[
        list[Path],
        typer.Option(
            help="A store made by `tacit harvest`; two, of two models that read the same text, "
            "make a crosscoder."
        ),
    ],
    site: Annotated[
        list[str],
        typer.Option(help="A site of the store; several make a crosscoder of them."),
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
    """Fit a dictionary to a store: an autoencoder, a transcoder or a crosscoder; resumable."""
    from tacit.dictionaries.ranks import meeting
    from tacit.verbs.frontier import how_it_ended
    from tacit.verbs.settings import FitSettings
    from tacit.verbs.settings import preset as chosen_preset
    from tacit.verbs.steps import fit_one

    options = {"method": method, "num_atoms": atoms, "k": k, "penalty": penalty}
    options |= {"steps": steps, "batch": batch}
    base = chosen_preset(preset)
    settings, passed = gather(FitSettings, base=base, sets=sets or [], options=options)
    with meeting(split.value) as ranks:
        made = fit_one(
            store,
            site,
            out,
            target=target,
            settings=settings,
            seed=seed or 0,
            passed=passed,
            replace=replace,
            ranks=ranks,
            progress=for_terminal(quiet=quiet or ranks.number > 0),
        )
    if ranks.number > 0:
        return
    said = f"{out}: {made.method}, {made.num_atoms} atoms of width {made.width}"
    ended = how_it_ended(made.outcome)
    printing.write(said if ended is None else f"{said}; {ended}")


@steps.command(
    epilog="Example: tacit measure pycode --dictionary runs/dict --store runs/store"
)
def measure(
    model: Model = None,
    *,
    model_folder: ModelFolder = None,
    dictionary: DictionaryFolder,
    store: StoreFolder,
    site: DictionarySite = None,
    max_windows: Annotated[
        int | None,
        typer.Option(min=1, help="Held-out windows for the losses; default all."),
    ] = None,
    device: Device = None,
    model_dtype: ModelDtype = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="A further setting, e.g. load.bits=4."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure a dictionary on held-out text: FVU, L0, dead features, loss recovered."""
    from tacit.verbs.settings import MeasureSettings
    from tacit.verbs.steps import measure as run_measure

    options = {"max_windows": max_windows}
    options |= {"load.device": device, "load.dtype": model_dtype}
    settings, _ = gather(MeasureSettings, sets=sets or [], options=options)
    records = run_measure(
        required(model, model_folder),
        dictionary,
        store,
        site=site,
        max_windows=settings.max_windows,
        load=settings.load,
        progress=for_terminal(quiet=quiet or as_json),
    )
    printing.show_records(records, as_json=as_json)


def _in_lines(facts: dict[str, object]) -> str:
    return "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in facts.items())
