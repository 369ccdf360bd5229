"""The commands for single steps: harvest, fit, measure, index, show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tacit.base.configuration import gather
from tacit.base.errors import UserError
from tacit.base.progress import for_terminal
from tacit.cli import printing
from tacit.cli.options import (
    AsJson,
    Device,
    DictionaryFolder,
    Model,
    ModelDtype,
    ModelFolder,
    Out,
    Quiet,
    Replace,
    Seed,
    StoreFolder,
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
    store: StoreFolder,
    site: Annotated[str, typer.Option(help="A site of the store.")],
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
    out: Out,
    replace: Replace = False,
    quiet: Quiet = False,
) -> None:
    """Fit a dictionary to one site of a store; resumable."""
    from tacit.verbs.frontier import how_it_ended
    from tacit.verbs.settings import FitSettings
    from tacit.verbs.steps import fit_one

    options = {"method": method, "num_atoms": atoms, "k": k, "penalty": penalty}
    options |= {"steps": steps, "batch": batch}
    settings, passed = gather(FitSettings, sets=sets or [], options=options)
    made = fit_one(
        store,
        site,
        out,
        settings=settings,
        seed=seed or 0,
        passed=passed,
        replace=replace,
        progress=for_terminal(quiet=quiet),
    )
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
        max_windows=settings.max_windows,
        load=settings.load,
        progress=for_terminal(quiet=quiet or as_json),
    )
    printing.show_records(records, as_json=as_json)


@steps.command(
    epilog="Example: tacit index --dictionary runs/dict --store runs/store --out runs/index"
)
def index(
    *,
    dictionary: DictionaryFolder,
    store: StoreFolder,
    out: Out,
    replace: Replace = False,
    quiet: Quiet = False,
) -> None:
    """Index where every feature fires."""
    from tacit.verbs.steps import index as run_index

    made = run_index(
        dictionary, store, out, replace=replace, progress=for_terminal(quiet=quiet)
    )
    printing.write(f"{out}: {made.num_atoms} features over {made.num_rows:,} tokens")


@steps.command(epilog="Example: tacit show 812 --run runs/demo")
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


def _in_lines(facts: dict[str, object]) -> str:
    return "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in facts.items())
