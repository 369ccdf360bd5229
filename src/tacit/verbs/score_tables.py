"""What scores were found, as rows of tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tacit.base.records import Gap, Result
from tacit.models.spending import Usage
from tacit.reports.numbers import fixed
from tacit.verbs.explained_run import kind_of
from tacit.verbs.score_figures import CONTROLS, Figure
from tacit.verbs.scored import Scored

if TYPE_CHECKING:
    import pyarrow as pa


def score_schema() -> pa.Schema:
    """Return the columns of a table of scores: those of a ``Score``."""
    import pyarrow as pa

    text = ("explainer", "reader", "scorer", "figure")
    return pa.schema(
        [
            ("feature", pa.int32()),
            *((name, pa.string()) for name in text),
            *((name, pa.float64()) for name in ("value", "low", "high", "chance")),
            ("n", pa.int64()),
            ("gaps", pa.int64()),
            ("reason", pa.string()),
            ("input_tokens", pa.int64()),
            ("output_tokens", pa.int64()),
            ("dollars", pa.float64()),
        ]
    )


def figure_rows(found: Scored) -> list[dict[str, Any]]:
    """Return a row a figure: its mean, chance, each floor, and by how much it exceeds them."""
    return [_figure_row(found, figure) for figure in found.figures]


def _figure_row(found: Scored, figure: Figure) -> dict[str, Any]:
    own = found.record(figure, figure.metric, explainer=found.explainer)
    row: dict[str, Any] = {
        "figure": figure.name,
        "mean": _interval(own),
        "chance": figure.chance,
        "features": len(figure.values),
        "without": len(figure.missing),
        "unanswered": sum(each.gaps for each in figure.own),
    }
    for floor in CONTROLS:
        of = found.record(figure, figure.metric, explainer=floor)
        over = found.record(figure, "over_control", control=floor)
        row |= {
            floor: of.value if of and floor in found.floors else None,
            f"over_{floor}": _interval(over),
        }
    return row


def _interval(result: Result | None) -> str | None:
    """Return a value with its interval, as a cell."""
    if result is None:
        return None
    value = fixed(result.value, 3)
    if result.interval is None:
        return f"{value} (no interval)"
    low, high = (fixed(end, 3) for end in result.interval)
    return f"{value} ({low} to {high})"


def missing_rows(found: Scored) -> list[dict[str, Any]]:
    """Return what has no explanation or no score, counted by kind, each with one reason."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for said in found.made.said:
        if isinstance(said, Gap):
            key = ("not explained", kind_of(said))
            kinds.setdefault(key, []).append(said.reason)
    for gap in found.unscorable:
        kinds.setdefault(("not scored", kind_of(gap)), []).append(gap.reason)
    for figure in found.figures:
        for row in figure.missing:
            kinds.setdefault(("without a value", figure.name), []).append(str(row.reason))
    for gap in found.left_out:
        key = ("scorer left out", str(gap.of["scorer"]))
        kinds.setdefault(key, []).append(gap.reason)
    return [
        {"what": what, "kind": kind, "features": len(reasons), "example": reasons[0]}
        for (what, kind), reasons in kinds.items()
    ]


def cost_rows(found: Scored) -> list[dict[str, Any]]:
    """Return a row a step that a chat model was asked in; its price is null if not known."""
    return [
        {
            "step": what,
            "features": len(usages),
            "read": total.input_tokens,
            "written": total.output_tokens,
            "dollars": total.dollars,
        }
        for what, usages in found.usages.items()
        if (total := sum(usages, start=Usage())).tokens
    ]


def feature_rows(found: Scored) -> Iterator[dict[str, Any]]:
    """Yield a row an explained feature: its words and its figures, the best main one first."""
    main = found.main
    values = main.values if main else {}
    ranked = sorted(
        found.made.explained, key=lambda each: (-values.get(each.feature, -9), each.feature)
    )
    for each in ranked:
        row: dict[str, Any] = {"feature": each.feature, "explanation": each.text}
        yield row | {
            figure.name: figure.values.get(each.feature) for figure in found.figures
        }


def distribution_rows(found: Scored) -> list[dict[str, Any]]:
    """Return the main figure of every feature, and of every floor."""
    if found.main is None:
        return []
    return [
        {"explainer": row.explainer, "value": row.value}
        for explainer in (found.explainer, *found.floors)
        for row in found.main.of(explainer)
        if row.value is not None
    ]


def agreement_rows(found: Scored) -> list[dict[str, Any]]:
    """Return both orders of each two scorers with their rank correlation, and each with itself."""
    told = {
        str(each.of["of"]): each.value
        for each in found.records
        if isinstance(each, Result) and each.name == "rank_correlation"
    }
    names = list(dict.fromkeys(figure.scorer for figure in found.figures))
    return [
        {
            "one": one,
            "other": other,
            "correlation": 1.0
            if one == other
            else told.get(f"{one} with {other}", told.get(f"{other} with {one}")),
        }
        for one in names
        for other in names
    ]
