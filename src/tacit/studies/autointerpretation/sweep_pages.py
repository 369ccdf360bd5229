"""Scores against the size of the dictionary, the tokens it was trained on, and its fidelity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from tacit.base.pages import Block, Plot
from tacit.base.records import Result
from tacit.studies.autointerpretation.bases import NO_BIAS, SPARSE
from tacit.studies.autointerpretation.figures import (
    MAIN,
    METRIC_OF,
    Group,
    Tables,
    figure,
)

Rows = list[dict[str, Any]]


def sweep_pages(tables: Tables) -> tuple[Mapping[str, Rows], Sequence[Block]]:
    """Return curves over sizes and over training, and a dot for each basis and site."""
    settings = tables.settings
    site = settings.sweep_site
    own = settings.ratio_at(site)

    def group(ratio: float, share: float) -> Group:
        if (ratio, share) == (own, 1.0):
            return tables.group(site)
        return Group(site=site, explainer=settings.explainer, ratio=ratio, share=share)

    sizes = [
        _row(tables, group(each, 1.0), "ratio", each)
        for each in sorted((*settings.sizes, own))
    ]
    tokens = settings.steps * settings.batch
    shares = [
        _row(tables, group(own, each), "tokens", each * tokens)
        for each in sorted((*settings.shares, 1.0))
    ]
    found = {
        "sizes": [row for row in sizes if row],
        "training": [row for row in shares if row],
        "fidelity": _fidelity(tables),
    }
    return found, (
        _line("sizes", "ratio", "atoms over dimensions", f"Score against size, {site}"),
        _line("training", "tokens", "tokens trained on", f"Score against training, {site}"),
        _dots(),
    )


def _row(tables: Tables, group: Group, name: str, value: float) -> dict[str, Any] | None:
    found = figure(tables.settings, METRIC_OF[MAIN], tables.means(group), group.of)
    if not isinstance(found, Result):
        return None
    low, high = found.interval or (None, None)
    return {name: value, "score": found.value, "low": low, "high": high}


def _line(table: str, x: str, label: str, title: str) -> Plot:
    return Plot(
        table=f"artifacts/{table}.parquet",
        kind="line",
        x=x,
        y="score",
        low="low",
        high="high",
        log_x=True,
        x_label=label,
        y_label="mean top-and-random score",
        title=title,
        caption=f"{SPARSE}, mean over subjects and seeds, with its 95 % interval.",
    )


def _fidelity(tables: Tables) -> Rows:
    rows: Rows = []
    trained = [
        row
        for row in tables.bases
        if row.arm == "trained" and not row.is_swept and not row.basis.endswith(NO_BIAS)
    ]
    for site, basis in dict.fromkeys((row.site, row.basis) for row in trained):
        scores = [
            value
            for value in tables.means(tables.group(site, basis)).values()
            if value is not None
        ]
        own = [row.fvu for row in trained if (row.site, row.basis) == (site, basis)]
        if scores:
            rows.append(
                {"basis": basis, "site": site, "fvu": fmean(own), "score": fmean(scores)}
            )
    return rows


def _dots() -> Plot:
    return Plot(
        table="artifacts/fidelity.parquet",
        kind="scatter",
        x="fvu",
        y="score",
        group="basis",
        log_x=True,
        x_label="FVU on held-out rows",
        y_label="mean top-and-random score",
        title="Score against fidelity",
        caption="A dot for each site, mean over subjects and seeds. Bases whose negatives were "
        "set to zero rebuild little, since half of what they say is gone; those without a "
        "bias are not meant to rebuild, and are left out.",
    )
