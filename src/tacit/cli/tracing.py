"""The command that traces a feature to those it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

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
    Seed,
    StoreFolder,
    required,
)

tracing = typer.Typer()
Row = Mapping[str, Any]


@tracing.command(
    epilog="Example: tacit trace 12 stories --site resid.3 --dictionary runs/resid.2 "
    "--dictionary runs/resid.3 --store runs/store --out runs/trace"
)
def trace(
    feature: Annotated[int, typer.Argument(min=0, help="Number of the feature.")],
    model: Model = None,
    *,
    model_folder: ModelFolder = None,
    site: Annotated[str, typer.Option(help="Site of the feature, e.g. resid.3.")],
    dictionary: Annotated[
        list[str],
        typer.Option(
            help="The dictionary of a site, that of --site among them; repeatable."
        ),
    ],
    store: StoreFolder,
    contexts: Annotated[
        int | None,
        typer.Option(help="Contexts in which a feature is looked at; default 20."),
    ] = None,
    children: Annotated[
        int | None, typer.Option(help="Most causes of one feature; default 3.")
    ] = None,
    depth: Annotated[
        int | None, typer.Option(help="Sites below the feature's; default 3.")
    ] = None,
    smallest: Annotated[
        float | None,
        typer.Option(help="Least share of the activation lost with a cause; default 0.01."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(help="ablation (the default), or attribution: ablate a shortlist."),
    ] = None,
    max_windows: Annotated[
        int | None, typer.Option(min=1, help="Held-out windows to look in; default all.")
    ] = None,
    seed: Seed = None,
    device: Device = None,
    model_dtype: ModelDtype = None,
    out: Out = Path("runs/trace"),
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="A further setting, e.g. load.bits=4."),
    ] = None,
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Trace a feature to the features of earlier sites that it rests on, by ablation."""
    from tacit.verbs.trace import TraceSettings
    from tacit.verbs.trace import trace as run_trace

    options = {
        "contexts": contexts,
        "children": children,
        "depth": depth,
        "smallest": smallest,
        "by": by,
        "max_windows": max_windows,
        "seed": seed,
        "load.device": device,
        "load.dtype": model_dtype,
    }
    settings, passed = gather(TraceSettings, sets=sets or [], options=options)
    run = run_trace(
        required(model, model_folder),
        dictionary,
        store,
        site,
        feature,
        out,
        settings=settings,
        passed=passed,
        replace=replace,
        progress=for_terminal(quiet=quiet or as_json),
    )
    if as_json:
        plain = {"folder": str(out), "tree": run.tree, "checks": run.checks}
        printing.write(json.dumps({**plain, "report": str(run.report)}, indent=1))
        return
    printing.write(f"report: {run.report}")
    for line in in_lines(run.tree, run.checks):
        printing.write(line)


def in_lines(tree: Sequence[Row], checks: Sequence[Row]) -> Iterator[str]:
    """Yield a tree as lines, every cause below what rests on it.

    What a feature rests on is told where it stands first.
    """
    checked = {row["node"]: row for row in checks}
    told: set[str] = set()

    def below(row: Row, first: str, others: str) -> Iterator[str]:
        node = row["node"]
        own = [each for each in tree if each["parent"] == node]
        again = "  (as above)" if node in told and own else ""
        yield f"{first}{node}  {_share(row)}{row['label']}{again}"
        if again:
            return
        told.add(node)
        for each in own:
            is_last = each is own[-1] and node not in checked
            ends = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
            yield from below(each, others + ends[0], others + ends[1])
        if node in checked:
            yield f"{others}└─ {_together(checked[node])}"

    yield from below(tree[0], "", "")


def _share(row: Row) -> str:
    if row["share"] is None:
        return ""
    known = row["low"] is not None
    ends = f" ({_number(row['low'])} to {_number(row['high'])})" if known else ""
    return f"{_number(row['share'])}{ends}  "


def _together(check: Row) -> str:
    if not check["causes"]:
        return f"no cause among {check['candidates']} candidates"
    others = check["control"]
    beside = "no others active" if others is None else f"as many others {_number(others)}"
    return (
        f"together {_number(check['joint'])}, alone they sum to {_number(check['sum'])}; {beside}; "
        f"{check['candidates']} candidates"
    )


def _number(value: float) -> str:
    return f"{value:.3f}"
