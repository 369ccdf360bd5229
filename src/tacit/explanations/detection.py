"""Does an explanation tell in which fragments the feature is active?

The detection of Paulo et al. 2024, arXiv:2410.13928, on fragments that were not chosen for
being strong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np

from tacit.explanations.asked import asked, in_order
from tacit.explanations.exhibits import Excerpt, Exhibits
from tacit.explanations.explanation import Explanation
from tacit.explanations.reader import Reader
from tacit.explanations.scorer import Score, Scorer

FIGURE = "balanced accuracy"


@final
class Detection(Scorer):
    """Balanced accuracy of "active anywhere in this fragment?", chance 0.5.

    As many random fragments where the feature is active as where it is silent.
    """

    name = "detection"

    async def score(
        self,
        explanation: Explanation,
        exhibits: Exhibits,
        reader: Reader,
        rng: np.random.Generator,
    ) -> list[Score]:
        """Return the one figure."""
        about = asked(self, explanation, exhibits, reader)
        chosen = equally_many(exhibits.of("random"), exhibits.of("silent"), rng)
        pieces = [each.piece for each in chosen]
        answers = await reader.active(explanation, pieces)
        is_active = np.array([each.kind == "random" for each in chosen], dtype=bool)
        return [about.balanced(FIGURE, answers, is_active, rng)]


def equally_many(
    some: Sequence[Excerpt], others: Sequence[Excerpt], rng: np.random.Generator
) -> list[Excerpt]:
    """Return equal numbers of both, drawn from the larger kind, in the order of the text."""
    kinds = [in_order(some), in_order(others)]
    num = min(len(kind) for kind in kinds)
    kept = [kind[each] for kind in kinds for each in rng.permutation(len(kind))[:num]]
    return in_order(kept)
