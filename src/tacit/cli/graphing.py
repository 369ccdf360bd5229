"""The command that draws through which features a prompt leads to its next token."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tacit.base.configuration import gather
from tacit.base.progress import for_terminal
from tacit.base.records import to_json
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
    required,
)

graphing = typer.Typer()
Row = Mapping[str, Any]
MOST_TOLD = 10
"""Nodes told in the terminal."""


@graphing.command(
    epilog="Example: tacit graph PROMPT stories --transcoder runs/mlp-0 --transcoder runs/mlp-1 "
    "--out runs/graph"
)
def graph(
    prompt: Annotated[str, typer.Argument(help="The text before the token to explain.")],
    model: Model = None,
    *,
    model_folder: ModelFolder = None,
    transcoder: Annotated[
        list[str],
        typer.Option(
            help="A transcoder of an MLP, by `tacit fit --target mlp_out.N`; repeatable."
        ),
    ],
    answer: Annotated[
        str | None,
        typer.Option(help="The token to explain, with its space, e.g. ' was'."),
    ] = None,
    other: Annotated[
        str | None, typer.Option(help="With --answer: the token that it is set against.")
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(help="Without --answer: likeliest tokens to explain; default 3."),
    ] = None,
    max_features: Annotated[
        int | None, typer.Option(help="Most features that become nodes; default 2,000.")
    ] = None,
    node_share: Annotated[
        float | None,
        typer.Option(help="Share of the influence that nodes kept carry; default 0.8."),
    ] = None,
    edge_share: Annotated[
        float | None, typer.Option(help="The same of their edges; default 0.98.")
    ] = None,
    device: Device = None,
    model_dtype: ModelDtype = None,
    out: Out = Path("runs/graph"),
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="A further setting, e.g. max_features=none."),
    ] = None,
    replace: Replace = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw through which features a prompt leads to its next token: an attribution graph."""
    from tacit.verbs.graph import GraphSettings
    from tacit.verbs.graph import graph as run_graph

    options = {
        "answer": answer,
        "other": other,
        "top": top,
        "max_features": max_features,
        "node_share": node_share,
        "edge_share": edge_share,
        "load.device": device,
        "load.dtype": model_dtype,
    }
    settings, passed = gather(GraphSettings, sets=sets or [], options=options)
    run = run_graph(
        prompt,
        required(model, model_folder),
        transcoder,
        out,
        settings=settings,
        passed=passed,
        replace=replace,
        progress=for_terminal(quiet=quiet or as_json),
    )
    if as_json:
        plain = {
            "folder": str(out),
            "report": str(run.report),
            "records": [to_json(record) for record in run.records],
            "counts": run.counts,
            "nodes": run.nodes,
            "edges": run.edges,
        }
        printing.write(json.dumps(plain, indent=1))
        return
    printing.write(f"report: {run.report}")
    for record in run.records:
        printing.write("  " + printing.line(record))
    for line in in_lines(run.nodes, run.counts):
        printing.write(line)


def in_lines(nodes: Sequence[Row], counts: Sequence[Row]) -> Iterator[str]:
    """Yield what is explained, the most influential nodes, and what was left out."""
    for row in nodes:
        if row["kind"] == "logit":
            chance = printing.number(row["probability"])
            yield f"{row['node']}: {row['token']}, probability {chance}"
    yield "influence, node, the token it stands at, activation"
    first = [row for row in nodes if row["kind"] != "logit"][:MOST_TOLD]
    widest = max((len(row["node"]) for row in first), default=0)
    for row in first:
        value = "" if row["value"] is None else f"  {printing.number(row['value'])}"
        yield f"  {row['influence']:.3f}  {row['node']:<{widest}}  {row['token']}{value}"
    yield "; ".join(
        f"{row['what']}: {row['kept']:,} kept, {row['pruned']:,} pruned"
        + (f", {row['folded']:,} folded" if row["folded"] else "")
        for row in counts
    )
