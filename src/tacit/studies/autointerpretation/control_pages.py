"""Scores beside those with random weights, on token embeddings, and of the floors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tacit.base.pages import Block, Plot, Table
from tacit.base.records import Result
from tacit.studies.autointerpretation.bases import CONTROL_BASES, SPARSE
from tacit.studies.autointerpretation.controls import EXCHANGED, UNIGRAM
from tacit.studies.autointerpretation.figures import MAIN, METRIC_OF, Group, Tables, figure
from tacit.studies.autointerpretation.places import Arm
from tacit.studies.autointerpretation.settings import EMBEDDING

Rows = list[dict[str, Any]]


def control_pages(tables: Tables) -> tuple[Mapping[str, Rows], Sequence[Block]]:
    """Return every basis trained and untrained, and sparse coding beside the floors."""
    plots = (
        _bars(
            "controls",
            "With training and without",
            "Mean over subjects and seeds, with its 95 % interval where there are several.",
        ),
        _bars(
            "floors",
            f"Features of {SPARSE} under other explanations",
            "What an explanation must beat: the mean activation of single tokens, and the "
            "explanation of another feature of the same dictionary.",
        ),
    )
    found = {"controls": _control_rows(tables), "floors": _floor_rows(tables)}
    return found, (*plots, _table())


def _control_rows(tables: Tables) -> Rows:
    rows: Rows = []
    arms: tuple[Arm, ...] = ("trained", "random weights")
    for site in (*tables.settings.control_sites, EMBEDDING):
        for arm in arms:
            name = "token embeddings" if site == EMBEDDING else f"{site}, {arm}"
            rows += [
                _row(tables, tables.group(site, basis, arm), name, basis)
                for basis in CONTROL_BASES
                if tables.rows(tables.group(site, basis, arm))
            ]
    return rows


def _floor_rows(tables: Tables) -> Rows:
    return [
        _row(tables, group, site, WORDS.get(explainer, explainer))
        for site in tables.settings.sites
        for explainer in (tables.settings.explainer, UNIGRAM, EXCHANGED)
        if tables.rows(group := tables.group(site, explainer=explainer))
    ]


def _bars(table: str, title: str, caption: str) -> Plot:
    return Plot(
        table=f"artifacts/{table}.parquet",
        kind="bar",
        x="where",
        y="score",
        low="low",
        high="high",
        group="what",
        x_label="site",
        y_label="mean top-and-random score",
        title=title,
        caption=caption,
    )


WORDS = {UNIGRAM: "single tokens", EXCHANGED: "another feature's"}
"""What floors are called on the page."""


def _row(tables: Tables, group: Group, where: str, what: str) -> dict[str, Any]:
    found = figure(tables.settings, METRIC_OF[MAIN], tables.means(group), group.of)
    has_value = isinstance(found, Result)
    low, high = (found.interval or (None, None)) if has_value else (None, None)
    bases = [
        row
        for row in tables.bases
        if (row.site, row.basis, row.arm) == (group.site, group.basis, group.arm)
        and not row.is_swept
    ]
    return {
        "where": where,
        "what": what,
        "score": found.value if has_value else None,
        "low": low,
        "high": high,
        "features": len(tables.rows(group)),
        "l0": sum(row.l0 for row in bases) / len(bases),
        "fvu": sum(row.fvu for row in bases) / len(bases),
    }


def _table() -> Table:
    return Table(
        table="artifacts/controls.parquet",
        columns=(
            ("where", "where"),
            ("what", "basis"),
            ("score", "top and random"),
            ("features", "features"),
            ("l0", "L0"),
            ("fvu", "FVU"),
        ),
        title="The same bases without training or without context",
        caption="One penalty for all, so sparse coding is as sparse as the site lets it be.",
    )
