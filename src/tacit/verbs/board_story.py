"""The page of a board: one table for each subject and site, its baselines, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tacit.base.pages import Block, Limits, Opening, Page, Table
from tacit.verbs.board_tables import (
    Column,
    Row,
    baseline_rows,
    columns_of,
    dictionary_rows,
    gap_rows,
)
from tacit.verbs.cards import write_table
from tacit.verbs.instruments import instruments_table


def pages_of(
    rows: Sequence[Row], skipped: Mapping[str, int], artifacts: Path
) -> list[Page]:
    """Write the tables under ``artifacts`` and return the pages that draw them."""
    tables: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        tables.setdefault(row.place, []).append(row)
    first, *others = (
        _table_page(own, artifacts, f"{number}")
        for number, own in enumerate(tables.values(), start=1)
    )
    used = dict.fromkeys(column.measure for column in columns_of(rows))
    trust = instruments_table(list(used), artifacts)
    opening = (_opening(rows, skipped), *first.blocks, trust, _limits())
    return [Page(title=first.title, blocks=opening), *others]


def _opening(rows: Sequence[Row], skipped: Mapping[str, int]) -> Opening:
    left_out = ", ".join(f"{count} {kind}" for kind, count in skipped.items())
    return Opening(
        title=f"{len(rows):,} measured dictionaries",
        setting="A row is a dictionary that `tacit measure` scored, a column the main figure of a "
        "measure; its arrow points to the better side. In brackets stands the 95 % interval; a "
        "value without one has none. A dash has its reason in the table of what is missing. A "
        "click on a heading sorts, a second one the other way round.\n\n"
        f"Left out, as no finished measure runs: {left_out or 'nothing'}.",
    )


def _limits() -> Limits:
    return Limits(
        items=(
            "Neighbours whose intervals overlap may still differ, and ones whose intervals do not "
            "may differ by chance among so many: `tacit compare` pairs them and says which do.",
            "Rows compare where text, size and settings are the same, and figures of fidelity at a "
            "like L0.",
            "The first of many dictionaries is partly the luckiest: measure it again on other text "
            "before it is called the best.",
        )
    )


def _table_page(rows: Sequence[Row], artifacts: Path, number: str) -> Page:
    subject, digest, site = rows[0].place
    columns = columns_of(rows)
    title = f"{subject}, {site}"
    blocks: list[Block] = [
        _board(rows, columns, artifacts, number),
        *_baselines(rows, columns, artifacts, number),
        *_missing(rows, artifacts, number),
    ]
    return Page(title=f"{title} (weights {digest[:8]})", blocks=tuple(blocks))


def _figures(columns: Sequence[Column]) -> tuple[tuple[str, str], ...]:
    return tuple((column.key, column.heading) for column in columns)


def _orders(columns: Sequence[Column]) -> tuple[tuple[str, str], ...]:
    return tuple((column.key, f"{column.key} order") for column in columns)


def _board(
    rows: Sequence[Row], columns: Sequence[Column], artifacts: Path, number: str
) -> Table:
    name = f"board-{number}.parquet"
    write_table(artifacts / name, dictionary_rows(rows, columns))
    return Table(
        table=f"artifacts/{name}",
        columns=(
            ("name", "name"),
            ("method", "method"),
            ("atoms", "atoms"),
            ("sparsity", "k or penalty"),
            ("seed", "seed"),
            *_figures(columns),
            ("text", "text"),
            ("size", "size"),
            ("command", "made again by"),
        ),
        sortable=True,
        sort_by=(("sparsity", "sparsity_order"), *_orders(columns)),
        title="Dictionaries",
        caption=_alike(rows),
    )


def _alike(rows: Sequence[Row]) -> str:
    """Return whether the rows were measured on one text in one way."""
    texts = {row.configuration["store"] for row in rows}
    ways = {
        repr({key: row.configuration["settings"][key] for key in _WAYS}) for row in rows
    }
    if len(texts) == len(ways) == 1:
        return "All were measured on the same text with the same settings."
    return (
        f"They were measured on {len(texts)} texts with {len(ways)} sets of settings: only rows "
        "that share both compare."
    )


_WAYS = ("size", "extra", "max_rows", "seed")


def _baselines(
    rows: Sequence[Row], columns: Sequence[Column], artifacts: Path, number: str
) -> tuple[Block, ...]:
    beside = baseline_rows(rows, columns)
    if not beside:
        return ()
    shown = [column for column in columns if any(row[column.key] for row in beside)]
    name = f"baselines-{number}.parquet"
    write_table(artifacts / name, beside)
    return (
        Table(
            table=f"artifacts/{name}",
            columns=(("name", "beside"), ("basis", "baseline"), *_figures(shown)),
            sortable=True,
            sort_by=_orders(shown),
            title="Baselines",
            caption="The same figures of bases that were fitted to the same rows, or drawn, at a "
            "like L0 where they can be. A dictionary that is no better learned nothing there.",
        ),
    )


def _missing(rows: Sequence[Row], artifacts: Path, number: str) -> tuple[Table, ...]:
    found = gap_rows(rows)
    if not found:
        return ()
    name = f"missing-{number}.parquet"
    write_table(artifacts / name, found)
    table = Table(
        table=f"artifacts/{name}",
        columns=(("figure", "figure"), ("reason", "why"), ("runs", "of")),
        title="What is missing",
        caption="Each with its reason; a figure that no row has got no column.",
    )
    return (table,)
