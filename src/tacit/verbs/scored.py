"""All that is known of scored explanations, as records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from tacit.base.records import Gap, Record, Result
from tacit.explanations.explanation import Explanation
from tacit.explanations.ledger_records import scores_of
from tacit.explanations.scorer import Score, usage_of
from tacit.models.spending import Usage
from tacit.verbs.explain import Shown
from tacit.verbs.explained_run import Explanations, feature_of
from tacit.verbs.score_figures import (
    CONTROLS,
    Figure,
    agreements,
    cost_records,
    records_of,
)
from tacit.verbs.who_scores import METRIC_OF


@final
@dataclass(frozen=True, kw_only=True)
class Scored:
    """All that is known of the explanations of one name, read by one reader."""

    made: Explanations
    shown: Shown
    reader: str
    figures: Sequence[Figure]
    predictions: Mapping[str, Mapping[str, Any]]
    left_out: Sequence[Gap]
    """Scorers that the run does not allow."""
    unscorable: Sequence[Gap]
    """Features with an explanation and too little text to score it on."""
    stopped: str | None
    """Why not everything was scored; None where it was."""
    num_shown: int

    @cached_property
    def records(self) -> list[Record]:
        """Every result: first the figures with their controls, then agreement, then cost."""
        seed = self.shown.seed
        found: list[Record] = [
            each for figure in self.figures for each in records_of(figure, seed)
        ]
        found += self.left_out
        found += agreements(self.figures)
        for what, usages in self.usages.items():
            found += cost_records(usages, what, seed)
        return found

    @cached_property
    def usages(self) -> dict[str, list[Usage]]:
        """What each step cost, feature by feature."""
        scoring: dict[str, dict[int, Usage]] = {"scoring": {}, "scoring the floors": {}}
        for figure in self.figures:
            for row in figure.rows:
                what = "scoring the floors" if row.explainer in self.floors else "scoring"
                before = scoring[what].get(row.feature, Usage())
                scoring[what][row.feature] = before + usage_of(row)
        explaining = [_usage_of(each) for each in self.made.said]
        return {
            "explaining": explaining,
            **{what: list(each.values()) for what, each in scoring.items()},
        }

    @property
    def explainer(self) -> str:
        """Name of the explainer."""
        return self.made.explained[0].explainer

    @property
    def floors(self) -> list[str]:
        """Names of the floors that may stand beside it."""
        return [each for each in CONTROLS if each != self.explainer]

    @property
    def main(self) -> Figure | None:
        """The first figure that has a value: what features are ranked by."""
        return next((each for each in self.figures if each.values), None)

    def record(self, figure: Figure, name: str, **of: str) -> Result | None:
        """Return a result of a figure by its name and coordinates, if there is one."""
        wanted = {"scorer": figure.scorer, "figure": figure.figure, **of}
        found = (
            each
            for each in self.records
            if isinstance(each, Result)
            and each.name == name
            and wanted.items() <= each.of.items()
        )
        return next(found, None)


def rows_in(
    records: Mapping[str, Mapping[str, Any]],
) -> tuple[list[Score], list[Gap]]:
    """Return the scores of a ledger in a stated order, and the features that have none."""
    found: list[Score] = []
    gaps: dict[int, Gap] = {}
    for record in records.values():
        rows = scores_of(record)
        if isinstance(rows, Gap):
            gaps[feature_of(rows)] = rows
        else:
            found += rows
    order = list(METRIC_OF)
    found.sort(key=lambda row: (order.index(row.scorer), row.explainer, row.feature))
    return found, [gaps[each] for each in sorted(gaps)]


def _usage_of(said: Explanation | Gap) -> Usage:
    """Return what an explanation cost, or an answer that was none."""
    if isinstance(said, Explanation):
        return said.usage
    read, written = (
        int(said.of.get(name, 0)) for name in ("input_tokens", "output_tokens")
    )
    dollars = said.of.get("dollars", None if read + written else 0.0)
    return Usage(
        input_tokens=read,
        output_tokens=written,
        dollars=None if dollars is None else float(dollars),
    )
