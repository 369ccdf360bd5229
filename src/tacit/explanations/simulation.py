"""Does an explanation predict the activation of every token?

The score of Bills et al. 2023 on the fragments of Cunningham et al. 2023, arXiv:2309.08600.
Axes: t tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np

from tacit.base.records import Gap
from tacit.explanations.asked import FEWEST, NOTHING, asked, in_order, spent, too_few
from tacit.explanations.exhibits import Excerpt, Exhibits, Kind
from tacit.explanations.explanation import Explanation
from tacit.explanations.reader import Reader
from tacit.explanations.scorer import Score, Scorer
from tacit.metrics.explaining import pooled_pearson
from tacit.metrics.intervals import Interval

FIGURES: Mapping[str, tuple[Kind, ...]] = {
    "top-and-random": ("top", "random"),
    "any": ("any",),
    "top-only": ("top",),
    "random-only": ("random",),
}
"""``any`` is of fragments drawn at random from all text, so that nothing was chosen by the
feature; the others are as published, where a feature is active in every fragment."""


@final
class Simulation(Scorer):
    """Correlation of predicted with true activations over the known tokens of all fragments.

    Range: -1 to 1, higher is better, chance 0. A reader is asked once for each fragment, however
    many figures it serves; what that cost stands at the first figure. Where either side is
    constant there is no value: never 0.
    """

    name = "simulation"

    async def score(
        self,
        explanation: Explanation,
        exhibits: Exhibits,
        reader: Reader,
        rng: np.random.Generator,
    ) -> list[Score]:
        """Return a figure for each of ``FIGURES``."""
        about = asked(self, explanation, exhibits, reader)
        every: set[Kind] = {kind for kinds in FIGURES.values() for kind in kinds}
        excerpts = in_order(exhibits.of(*every))
        answers = await reader.activations(explanation, [each.piece for each in excerpts])
        sides = {
            excerpt.fragment: _known(excerpt, np.asarray(answer.value, dtype=np.float64))
            for excerpt, answer in zip(excerpts, answers, strict=True)
            if excerpt.known.any() and not isinstance(answer.value, Gap)
        }
        rows: list[Score] = []
        for figure, kinds in FIGURES.items():
            used = in_order(exhibits.of(*kinds))
            both = [sides[each.fragment] for each in used if each.fragment in sides]
            rows.append(
                about.row(
                    figure,
                    _correlation(both, rng)
                    if len(both) >= FEWEST
                    else too_few(answers, len(both), FEWEST),
                    n=len(both),
                    gaps=len(used) - len(both),
                    chance=0.0,
                    usage=NOTHING if rows else spent(answers),
                )
            )
        return rows


Sides = tuple[np.ndarray, np.ndarray]
"""Predicted and true activations on the known tokens of a fragment."""


def _known(excerpt: Excerpt, predicted: np.ndarray) -> Sides:
    assert predicted.shape == excerpt.values.shape, "one prediction for each token"
    return predicted[excerpt.known], excerpt.values[excerpt.known].astype(np.float64)


def _correlation(both: Sequence[Sides], rng: np.random.Generator) -> Interval | str:
    predicted, true = zip(*both, strict=True)
    for side, name in ((true, "the feature's activation"), (predicted, "the prediction")):
        if np.ptp(np.concatenate(side)) == 0:
            return f"{name} is the same on every token, so that nothing correlates with it"
    return pooled_pearson(predicted, true, rng) or "what varies is lost in rounding"
