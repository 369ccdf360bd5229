"""Does a scorer rank true explanations above half truths, and those above wrong ones?

Axes: n triples of explanations, three each: true, partly true, wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final

import numpy as np
from jaxtyping import Bool, Float

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.explanations.explanation import Explanation
from tacit.explanations.planted import Triple
from tacit.explanations.reader import Reader
from tacit.explanations.scorer import Score, Scorer
from tacit.metrics.choosing import rank_correlation
from tacit.metrics.intervals import Interval, clopper_pearson


@final
@dataclass(frozen=True, kw_only=True)
class Ranking:
    """What a scorer gave to triples of explanations."""

    scorer: str
    figure: str
    values: Float[np.ndarray, "n 3"]
    """Of the true explanation, the one that is partly true and the wrong one; NaN for none."""
    kinds: tuple[str, ...]
    """In which way the second of each triple is partly true."""

    @property
    def is_right(self) -> Bool[np.ndarray, " n"]:
        """Which triples are ranked true > partly true > wrong; equal or no values are not."""
        true, partly, wrong = self.values.T
        return (true > partly) & (partly > wrong)

    @property
    def share(self) -> Interval:
        """How many are (Clopper and Pearson)."""
        return clopper_pearson(int(self.is_right.sum()), len(self.is_right))

    @property
    def num_unscored(self) -> int:
        """Triples in which an explanation has no value: counted as not ranked rightly."""
        return int(np.isnan(self.values).any(axis=1).sum())

    @property
    def by_kind(self) -> dict[str, Interval]:
        """The share of each way of being partly true."""
        found: dict[str, Interval] = {}
        for kind in dict.fromkeys(self.kinds):
            right = self.is_right[[each == kind for each in self.kinds]]
            found[kind] = clopper_pearson(int(right.sum()), len(right))
        return found


async def ranking_of(
    scorer: Scorer, triples: Sequence[Triple], reader: Reader, seed: int
) -> Ranking:
    """Return what the first figure of a scorer makes of the triples.

    The three explanations of a triple sit the same exam: same fragments, marks and seeds.
    """
    if not triples:
        raise UserError("a ranking was asked of no triples; plant one feature or more.")

    async def first(triple: Triple, explanation: Explanation) -> Score:
        rng = stream(seed, f"explanations/ranking/{scorer.name}/{explanation.feature}")
        return (await scorer.score(explanation, triple.exhibits, reader, rng))[0]

    scores = await asyncio.gather(
        *(
            first(triple, explanation)
            for triple in triples
            for explanation in (triple.true, triple.partly, triple.wrong)
        )
    )
    values = [np.nan if each.value is None else each.value for each in scores]
    sign = 1.0 if scorer.higher_is_better else -1.0
    return Ranking(
        scorer=scorer.name,
        figure=scores[0].figure,
        values=sign * np.array(values, dtype=np.float64).reshape(-1, 3),
        kinds=tuple(triple.kind for triple in triples),
    )


def scorers_agree(
    rankings: Mapping[str, Ranking],
) -> dict[tuple[str, str], float | None]:
    """Return Spearman's correlation, over all explanations, of each two scorers' values.

    The rankings are of the same triples. None where a scorer gives fewer than three values, or
    the same to all; explanations without a value from either are left out.
    """
    found: dict[tuple[str, str], float | None] = {}
    for one, other in combinations(rankings, 2):
        first, second = (rankings[name].values.ravel() for name in (one, other))
        known = ~np.isnan(first) & ~np.isnan(second)
        found[one, other] = rank_correlation(-first[known], second[known])
    return found
