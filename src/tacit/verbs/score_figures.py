"""What scores come to: means over features beside chance and floors, and how scorers agree.

Axes: n features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import final

import numpy as np

from tacit.base.records import Gap, Record, Result
from tacit.base.seeds import stream
from tacit.explanations.intervening import PRICE
from tacit.explanations.scorer import Score
from tacit.metrics.bootstrap import bootstrap_mean
from tacit.metrics.catalogue import METRICS
from tacit.metrics.choosing import rank_correlation
from tacit.metrics.comparisons import paired_difference
from tacit.metrics.results import as_result
from tacit.models.spending import Usage
from tacit.verbs.who_scores import METRIC_OF

CONTROLS = ("random", "unigram")
"""Explainers that are floors: another feature's explanation, tokens without context."""


@final
@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of one scorer, over all features."""

    scorer: str
    figure: str
    explainer: str
    rows: Sequence[Score]
    """Of the explainer that is scored and of its controls."""

    @property
    def metric(self) -> str:
        """Its name in the catalogue."""
        return "intervention_price" if self.figure == PRICE else METRIC_OF[self.scorer]

    @property
    def name(self) -> str:
        """Scorer and figure in words."""
        return f"{self.scorer}, {self.figure}"

    @cached_property
    def own(self) -> list[Score]:
        """Of the explanations that are scored, by feature."""
        return self.of(self.explainer)

    @cached_property
    def values(self) -> dict[int, float]:
        """By feature, where there is one."""
        return _values(self.own)

    def of(self, explainer: str) -> list[Score]:
        """Return the rows of one explainer, by feature."""
        found = [each for each in self.rows if each.explainer == explainer]
        return sorted(found, key=lambda each: each.feature)

    @property
    def chance(self) -> float:
        """Mean over features of what saying nothing scores."""
        return float(np.mean([each.chance for each in self.own])) if self.own else 0.0

    @property
    def missing(self) -> list[Score]:
        """Those without a value."""
        return [each for each in self.own if each.value is None]

    def coordinates(self, explainer: str | None = None) -> dict[str, str | int | float]:
        """Return the coordinates of its results."""
        rows = self.of(explainer or self.explainer)
        return {
            "scorer": self.scorer,
            "figure": self.figure,
            "explainer": explainer or self.explainer,
            "reader": rows[0].reader if rows else "none",
            "chance": round(self.chance, 4),
        }


def figures_of(rows: Iterable[Score], explainer: str) -> list[Figure]:
    """Return every figure that the explainer was scored by, in the order of reports."""
    rows = list(rows)
    order = list(METRIC_OF)
    names = dict.fromkeys(
        (row.scorer, row.figure) for row in rows if row.explainer == explainer
    )
    found = sorted(names, key=lambda name: order.index(name[0]))
    return [
        Figure(
            scorer=scorer,
            figure=figure,
            explainer=explainer,
            rows=[row for row in rows if (row.scorer, row.figure) == (scorer, figure)],
        )
        for scorer, figure in found
    ]


def records_of(figure: Figure, seed: int) -> Iterator[Record]:
    """Yield the mean, that of each control, and by how much it exceeds each control."""
    rng = stream(seed, f"verbs/score/{figure.name}")
    of = figure.coordinates()
    if not figure.values:
        yield Gap(name=figure.metric, reason=_why_none(figure), of=of)
        return
    values = np.array(list(figure.values.values()))
    yield as_result(figure.metric, bootstrap_mean(values, rng), of)
    for control in CONTROLS:
        floor = _values(figure.of(control)) if control != figure.explainer else {}
        if not floor:
            continue
        yield as_result(
            figure.metric,
            bootstrap_mean(np.array(list(floor.values())), rng),
            figure.coordinates(control),
        )
        both = [each for each in figure.values if each in floor]
        over = {**of, "control": control}
        if not both:
            reason = "no feature has a score and one of the control"
            yield Gap(name="over_control", reason=reason, of=over)
            continue
        first, second = (
            np.array([side[each] for each in both]) for side in (figure.values, floor)
        )
        yield as_result("over_control", paired_difference(first, second, rng), over)


def agreements(figures: Sequence[Figure]) -> list[Result | Gap]:
    """Return Spearman's correlation over features of each two scorers' first figures."""
    firsts = {figure.scorer: figure for figure in reversed(figures)}
    found: list[Result | Gap] = []
    for one, other in combinations([each for each in METRIC_OF if each in firsts], 2):
        own, theirs = firsts[one].values, firsts[other].values
        both = [each for each in own if each in theirs]
        sides = [np.array([side[each] for each in both]) for side in (own, theirs)]
        told = rank_correlation(-sides[0], sides[1])
        of = {"of": f"{one} with {other}"}
        if told is None:
            reason = (
                f"{len(both)} features have both scores, or one side is the same for all"
            )
            found.append(Gap(name="rank_correlation", reason=reason, of=of))
            continue
        found.append(
            Result(
                name="rank_correlation",
                value=told,
                unit=METRICS["rank_correlation"].unit,
                better=METRICS["rank_correlation"].direction,
                n=len(both),
                interval=None,
                of=of,
            )
        )
    return found


def cost_records(usages: Sequence[Usage], what: str, seed: int) -> list[Record]:
    """Return tokens and dollars a feature; nothing where no chat model was asked."""
    if not any(each.tokens for each in usages):
        return []
    rng, of = stream(seed, f"verbs/score/cost/{what}"), {"of": what}
    tokens = np.array([each.tokens for each in usages])
    found: list[Record] = [as_result("chat_tokens", bootstrap_mean(tokens, rng), of)]
    dollars = [each.dollars for each in usages if each.dollars is not None]
    if len(dollars) < len(usages):
        reason = "the price of the model is not known; give --price-in and --price-out"
        return [*found, Gap(name="chat_dollars", reason=reason, of=of)]
    priced = bootstrap_mean(np.array(dollars), rng)
    return [*found, as_result("chat_dollars", priced, of)]


def _values(rows: Iterable[Score]) -> dict[int, float]:
    return {each.feature: each.value for each in rows if each.value is not None}


def _why_none(figure: Figure) -> str:
    """Return the commonest reason of those without a value."""
    reasons = Counter(str(each.reason) for each in figure.missing)
    reason, times = reasons.most_common(1)[0]
    return f"none of {len(figure.own)} features has a value; {times} times: {reason}"
