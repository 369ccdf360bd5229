"""The tables of a ranking: dictionaries in order, every figure, every difference, every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tacit.base.records import Gap, Record, Result
from tacit.evaluations.readings import within_range
from tacit.metrics.results import as_result
from tacit.reports.numbers import fixed
from tacit.verbs.comparison_tables import words_of
from tacit.verbs.entrants import Entrant
from tacit.verbs.measured_tables import in_words
from tacit.verbs.ranked_figures import NOISE, FigureRanking
from tacit.verbs.ranking import Field, Ranking

NOT_SETTINGS = ("dictionary", "minus", "figure", "measure", "over", "units", "units_left_out",
                "p_corrected")  # fmt: skip


def setting_of(ranking: FigureRanking) -> str:
    """Return what tells a figure from others of its name, e.g. ``probe_k 5``."""
    return in_words(dict(ranking.key[1]), ())


def order_rows(field: Field) -> list[dict[str, Any]]:
    """Return a row for each dictionary by its mean rank: how often it is best, or as good."""
    by_name = {each.name: each for each in field.entrants}
    rows = []
    for result in field.mean_ranks:
        name = str(result.of["dictionary"])
        own = [each for each in field.figures if name in each.ranks]
        rows.append(
            {
                "dictionary": name,
                "mean_rank": result.value,
                "low": result.interval[0] if result.interval else None,
                "high": result.interval[1] if result.interval else None,
                "words": words_of(result),
                "first": sum(each.entrants[0].name == name for each in own),
                "with_best": sum(name in each.with_best for each in own),
                "figures": len(own),
                "l0": _price(by_name[name]),
                "subjects": ", ".join(by_name[name].subjects),
                "seeds": ", ".join(map(str, by_name[name].seeds)),
                "runs": ", ".join(run.label for run in by_name[name].runs),
            }
        )
    return rows


def _price(entrant: Entrant) -> str:
    """Return the L0 that the other figures were had for, of each run."""
    found = dict.fromkeys(
        fixed(record.value, 1)
        for run in entrant.runs
        for record in run.records
        if isinstance(record, Result)
        and record.name == "l0"
        and record.of.get("basis") == "dictionary"
    )
    return ", ".join(found) or "not measured"


def value_rows(field: Field) -> list[dict[str, Any]]:
    """Return a row for each figure and dictionary, in the order of the figure."""
    rows = []
    for ranking in field.figures:
        with_best = ranking.with_best
        for entrant in ranking.entrants:
            own = within_range(ranking.values[entrant.name], ranking.key[0])
            record = as_result(ranking.key[0], own, {})
            low, high = record.interval or (None, None)
            rows.append(
                {
                    "figure": ranking.key[0],
                    "setting": setting_of(ranking),
                    "better": record.better,
                    "rank": ranking.ranks[entrant.name],
                    "dictionary": entrant.name,
                    "value": record.value,
                    "low": low,
                    "high": high,
                    "words": words_of(record),
                    "best": "yes" if entrant.name in with_best else "",
                    "over": ranking.over,
                    "n": record.n,
                    "units": ranking.num_units,
                    "left_out": ranking.left_out,
                }
            )
    return rows


def difference_rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return a row for each difference: with its interval, and whether it is within noise."""
    rows = []
    for record in records:
        if not isinstance(record, Result) or record.name != "figure_difference":
            continue
        chance = record.of.get("p_corrected")
        rows.append(
            {
                "figure": record.of["figure"],
                "setting": in_words(record.of, NOT_SETTINGS),
                "dictionary": record.of["dictionary"],
                "minus": record.of["minus"],
                "value": record.value,
                "words": words_of(record),
                "noise": verdict_of(record),
                "p": _chance(chance),
                "over": record.of["over"],
                "n": record.n,
                "units": record.of["units"],
            }
        )
    return rows


def _chance(value: str | int | float | None) -> str:
    if value is None:
        return "none"
    return "below 0.001" if float(value) < 0.001 else fixed(float(value), 3)


def verdict_of(record: Result) -> str:
    """Return in words whether a difference is more than noise."""
    if record.interval is None:
        return "no interval"
    low, high = record.interval
    if low <= 0 <= high:
        return "within noise"
    is_told = float(record.of["p_corrected"]) < NOISE
    return "told apart" if is_told else "noise, after correction"


def run_rows(found: Ranking) -> list[dict[str, Any]]:
    """Return a row for each run: what it measured, where, and under which name it is ranked."""
    names = {run.label: each.name for each in found.entrants for run in each.runs}
    rows = []
    for run in found.runs:
        own = run.configuration
        rows.append(
            {
                "run": run.label,
                "dictionary": names[run.label],
                "source": own["source"],
                "subject": own["subject"],
                "site": own["site"],
                "store": str(own["store"])[:12],
                "size": own["settings"]["size"],
                "seed": run.seed,
            }
        )
    return rows


def gap_rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return what could not be ranked, and why."""
    return [
        {
            "dictionary": each.of["dictionary"],
            "figure": str(each.of.get("figure", "all")),
            "setting": in_words(each.of, NOT_SETTINGS) if "figure" in each.of else "",
            "reason": each.reason,
        }
        for each in records
        if isinstance(each, Gap)
    ]
