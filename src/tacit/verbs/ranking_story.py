"""The pages of a ranking: who is best, what is told apart and what is noise, and the limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tacit.base.pages import Limits, Opening, Page, Plot, Table, Text
from tacit.verbs.cards import write_table
from tacit.verbs.instruments import instruments_table
from tacit.verbs.ranked_figures import NOISE
from tacit.verbs.ranking import Field, Ranking
from tacit.verbs.ranking_tables import (
    difference_rows,
    gap_rows,
    order_rows,
    run_rows,
    setting_of,
    value_rows,
)


def pages_of(found: Ranking, artifacts: Path) -> list[Page]:
    """Write the tables under ``artifacts`` and return the pages that draw them."""
    pages = [
        Page(title="At a glance", blocks=(_opening(found), *_orders(found, artifacts)))
    ]
    for number, field in enumerate(found.fields):
        if field.figures:
            several = f", {_where(field)}" if len(found.fields) > 1 else ""
            blocks = _values(field, number, artifacts)
            pages.append(Page(title=f"Figure by figure{several}", blocks=blocks))
    rows = difference_rows(found.records)
    if rows:
        pages.append(
            Page(title="What is told apart", blocks=_differences(found, rows, artifacts))
        )
    names = dict.fromkeys(
        str(dict(each.key[1])["measure"])
        for field in found.fields
        for each in field.figures
    )
    trust = instruments_table(list(names), artifacts)
    pages.append(
        Page(title="How far this goes", blocks=(*_gaps(found, artifacts), trust, _limits()))
    )
    return pages


def _opening(found: Ranking) -> Opening:
    alike = sum(len(field.entrants) for field in found.fields)
    return Opening(
        title=f"{len(found.entrants)} dictionaries of {len(found.runs)} measurements, ranked",
        setting=f"{alike} of the {len(found.entrants)} dictionaries were measured like another "
        "one: on the same models, sites, stored activations and settings. They are ranked on "
        "every figure that has a better side. Runs that differ in the dictionary's seed or in "
        "the model alone are pooled.\n\n"
        "A difference is taken unit by unit (a concept, or where a figure has one unit a "
        "document): what makes a unit hard for both cancels. Its 95 % interval is over subjects "
        "where there are several, else over seeds and units together, else over units.\n\n"
        f"{found.num_compared:,} pairs were compared in all. At each figure two dictionaries "
        f"are told apart where the chance is below {NOISE:g} after Holm's correction for all "
        "pairs of that figure, so that the best being the luckiest does not count; without it "
        f"about {NOISE * found.num_compared:.0f} of that many intervals would miss 0 where "
        "nothing differs.",
    )


def _where(field: Field) -> str:
    entrant = field.entrants[0]
    sites = dict.fromkeys(str(run.configuration["site"]) for run in entrant.runs)
    return f"{' and '.join(entrant.subjects)} at {' and '.join(sites)}"


def _orders(found: Ranking, artifacts: Path) -> tuple[Any, ...]:
    blocks: list[Any] = []
    for number, field in enumerate(found.fields):
        rows = order_rows(field)
        if not rows:
            continue
        table = f"artifacts/order-{number}.parquet"
        write_table(artifacts.parent / table, rows)
        blocks += [_ranks_plot(table, field), _order_table(table, field)]
    write_table(artifacts / "runs.parquet", run_rows(found))
    runs = Table(
        table="artifacts/runs.parquet",
        columns=(("run", "run"), ("dictionary", "ranked as"), ("source", "given as"),
                 ("subject", "model"), ("site", "site"), ("store", "store"), ("size", "size"),
                 ("seed", "seed")),
        title="The runs",
        caption="Runs ranked under one name are pooled.",
    )  # fmt: skip
    return (*blocks, runs)


def _ranks_plot(table: str, field: Field) -> Plot:
    return Plot(
        table=table,
        kind="scatter",
        x="dictionary",
        y="mean_rank",
        low="low",
        high="high",
        x_label="dictionary",
        y_label="mean rank",
        title=f"Mean rank, {_where(field)}",
        caption="1 is best on every figure. Intervals are over figures, which are not "
        "independent.",
    )


def _order_table(table: str, field: Field) -> Table:
    return Table(
        table=table,
        columns=(("dictionary", "dictionary"), ("words", "mean rank"), ("first", "first"),
                 ("with_best", "not told from the best"), ("figures", "of figures"),
                 ("l0", "L0"), ("subjects", "models"), ("seeds", "seeds"), ("runs", "runs")),
        title=f"Who is best, {_where(field)}",
        caption="The mean rank is over figures that all have; settings of one figure count once "
        "together. Fidelity and most other figures change with L0: compare at a like one.",
    )  # fmt: skip


def _values(field: Field, number: int, artifacts: Path) -> tuple[Any, ...]:
    rows = value_rows(field)
    table = f"artifacts/values-{number}.parquet"
    write_table(artifacts.parent / table, rows)
    figures = dict.fromkeys(row["figure"] for row in rows)
    plots = [
        _dots([row for row in rows if row["figure"] == name], name, number, artifacts)
        for name in figures
    ]
    return (
        Table(
            table=table,
            columns=(("figure", "figure"), ("setting", "setting"), ("better", "better"),
                     ("rank", "rank"), ("dictionary", "dictionary"), ("words", "value"),
                     ("best", "not told from the best"), ("over", "over"), ("n", "n"),
                     ("units", "units"), ("left_out", "units left out")),
            sortable=True,
            sort_by=(("words", "value"),),
            title="Every figure, the best first",
            caption="Values are over the units that all have; the rest are counted. Whether two "
            "differ is not told by whether their own intervals overlap, but by the next page.",
        ),
        *plots,
    )  # fmt: skip


def _dots(
    rows: Sequence[dict[str, Any]], figure: str, number: int, artifacts: Path
) -> Plot:
    table = f"artifacts/dots-{number}-{figure}.parquet"
    write_table(artifacts.parent / table, rows)
    several = len({row["setting"] for row in rows}) > 1
    return Plot(
        table=table,
        kind="scatter",
        x="dictionary",
        y="value",
        low="low",
        high="high",
        group="setting" if several else None,
        x_label="dictionary",
        y_label=figure,
        title=figure,
        caption=f"{rows[0]['better'].capitalize()} is better. Intervals are each one's own, "
        "not those of differences.",
    )


def _differences(
    found: Ranking, rows: Sequence[dict[str, Any]], artifacts: Path
) -> tuple[Any, ...]:
    write_table(artifacts / "differences.parquet", rows)
    groups = [
        {
            "figure": each.key[0],
            "setting": setting_of(each),
            "alike": "; ".join(each.with_best),
        }
        for field in found.fields
        for each in field.figures
    ]  # fmt: skip
    write_table(artifacts / "groups.parquet", groups)
    return (
        Table(
            table="artifacts/groups.parquet",
            columns=(("figure", "figure"), ("setting", "setting"),
                     ("alike", "the best, and what cannot be told from it")),
            title="Who may be best",
            caption="Not to be told apart is not to be equal: with few units nothing is.",
        ),
        Table(
            table="artifacts/differences.parquet",
            columns=(("figure", "figure"), ("setting", "setting"), ("dictionary", "dictionary"),
                     ("minus", "minus"), ("words", "difference"), ("noise", "verdict"),
                     ("p", "p, corrected"), ("over", "over"), ("n", "n"), ("units", "units")),
            sortable=True,
            sort_by=(("words", "value"),),
            title="Differences of neighbours, and from the best",
            caption="With 95 % intervals over n of what is named. Within noise: the interval "
            "holds 0. After correction: for all pairs at that figure.",
        ),
    )  # fmt: skip


def _gaps(found: Ranking, artifacts: Path) -> tuple[Any, ...]:
    rows = gap_rows(found.records)
    if not rows:
        return (Text(text="Nothing is missing: all were ranked on every figure."),)
    write_table(artifacts / "unranked.parquet", rows)
    return (
        Table(
            table="artifacts/unranked.parquet",
            columns=(("dictionary", "dictionary"), ("figure", "figure"),
                     ("setting", "setting"), ("reason", "why")),
            title="Not ranked",
            caption="What was not measured alike is never paired.",
        ),
    )  # fmt: skip


def _limits() -> Limits:
    return Limits(
        items=(
            "A dictionary of one seed stands for that seed, and one model for that model: other "
            "ones may rank otherwise, and the interval does not say so.",
            "Intervals over two subjects or two seeds are wide, because two say little.",
            "A rank has no size: a place may be lost by nothing that matters.",
            "Dictionaries of other sizes and L0 are ranked as they are; a rank at another L0 is "
            "no merit by itself.",
        )
    )
