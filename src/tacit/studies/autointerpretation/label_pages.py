"""How much of the features of every basis known labels account for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from tacit.base.pages import Block, Plot, Table
from tacit.base.records import Result
from tacit.studies.autointerpretation.figures import Tables, f1_of, figure

Rows = list[dict[str, Any]]


def label_pages(tables: Tables) -> tuple[Mapping[str, Rows], Sequence[Block]]:
    """Return the mean F1 of every basis at every site; nothing where the text has no labels."""
    return {"by_label": _rows(tables)}, _blocks()


def _rows(tables: Tables) -> Rows:
    rows: Rows = []
    for site, basis in dict.fromkeys((row.site, row.basis) for row in tables.labels):
        own = [row for row in tables.labels if (row.site, row.basis) == (site, basis)]
        values = f1_of(tables.labels, site, basis)
        found = figure(tables.settings, "f1", values, {"site": site, "basis": basis})
        assert isinstance(found, Result), "every unit with labels has a value"
        low, high = found.interval or (None, None)
        rows.append(
            {
                "site": site,
                "basis": basis,
                "f1": found.value,
                "low": low,
                "high": high,
                "chance": fmean(row.chance for row in own),
                "told": fmean(row.is_told for row in own),
                "density": fmean(row.density for row in own),
                "features": len(own),
            }
        )
    return rows


def _blocks() -> tuple[Plot, Table]:
    plot = Plot(
        table="artifacts/by_label.parquet",
        kind="bar",
        x="basis",
        y="f1",
        low="low",
        high="high",
        group="site",
        x_label="basis",
        y_label="mean F1 on held-out text",
        title="Features by the labels that tell them",
        caption="Conjunctions of labels of a token and its neighbours, sought and judged on "
        "training text. What no label tells scores as calling it active everywhere, which "
        "is easy for dense features: read it beside that chance.",
    )
    table = Table(
        table="artifacts/by_label.parquet",
        columns=(
            ("site", "site"),
            ("basis", "basis"),
            ("f1", "F1"),
            ("chance", "chance"),
            ("told", "told by a label"),
            ("density", "density"),
            ("features", "features"),
        ),
        title="Every basis by label",
        caption="Chance: the F1 of calling a feature active everywhere. The control is as many "
        "random directions, each cut where it is as dense as a feature of sparse coding.",
    )
    return plot, table
