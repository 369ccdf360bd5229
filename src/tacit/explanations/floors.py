"""What an explanation must beat: another feature's, and tokens without any context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.exhibits import Exhibits
from tacit.explanations.explanation import Explainer, Explanation, check_same_dictionary
from tacit.explanations.lexical import learnable, ruled
from tacit.explanations.pattern_evidence import Evidence
from tacit.explanations.pattern_grades import grades_of
from tacit.explanations.patterns import Pattern


@final
@dataclass(frozen=True)
class UnigramExplainer(Explainer):
    """The mean activation of each token, whatever stands before it.

    Means are drawn a little to the overall mean, which makes the floor higher.
    """

    prior: float = 0.5
    """Places' worth of the overall mean in every mean."""
    name = "unigram"
    version = "1"

    async def explain(self, exhibits: Exhibits) -> Explanation | Gap:
        """Return every token's mean, or why there is none."""
        learned = learnable(exhibits)
        if isinstance(learned, Gap):
            return learned
        evidence = Evidence(learned, reach=0)
        mean = float(evidence.value.mean())
        sums = evidence.sums(np.arange(len(evidence.value)), 0)
        grades = grades_of(evidence, 0, sums, mean, prior=self.prior, least=0.0)
        pattern = Pattern(slots=(), activation=mean, grades=grades, share=1.0)
        return ruled(self, exhibits, learned, (pattern,))


@final
class RandomExplainer(Explainer):
    """The explanation of another feature; each is given away once.

    What a correlation is above chance for reasons that have nothing to do with the feature, such
    as common tokens that nothing is active on, this floor has too.
    """

    name = "random"
    version = "1"

    def __init__(self, explanations: Sequence[Explanation], seed: int) -> None:
        """Pair explanations of one dictionary, at most one a feature, at random."""
        by_feature = {each.feature: each for each in explanations}
        if len(by_feature) < 2 or len(by_feature) < len(explanations):
            raise UserError(
                f"{len(explanations)} explanations of {len(by_feature)} features were given to "
                "exchange; give two or more, each of another feature."
            )
        order = stream(seed, "explanations/floors/random").permutation(sorted(by_feature))
        self._given = {
            int(feature): by_feature[int(other)]
            for feature, other in zip(order, np.roll(order, 1), strict=True)
        }

    async def explain(self, exhibits: Exhibits) -> Explanation | Gap:
        """Return another feature's explanation under this feature's number."""
        other = self._given.get(exhibits.feature)
        if other is None:
            return Gap(
                name="explanation",
                reason="it has no explanation of its own to exchange",
                of={"feature": exhibits.feature},
            )
        given = replace(
            other, feature=exhibits.feature, explainer=self.name, version=self.version
        )
        check_same_dictionary(given, exhibits)
        return given
