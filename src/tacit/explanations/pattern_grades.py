"""How strong a pattern is by the token at one distance.

Axes: n places, c codes of tokens.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from tacit.explanations.pattern_evidence import Evidence, Sums, explained
from tacit.explanations.patterns import Grades


def graded(
    evidence: Evidence,
    places: Int[np.ndarray, " n"],
    mean: float,
    *,
    prior: float,
    material: float,
) -> Grades | None:
    """Return activations by the token at the distance that predicts best, if any does.

    What counts is how well each excerpt is predicted from all others. Tokens that explain less
    than ``material`` of the variance are left out: they have the pattern's ``mean``.
    """
    least = material * evidence.variance
    apart = evidence.mean_elsewhere(places, prior)
    best, found = least, None
    for back in range(len(evidence.codes)):
        sums = evidence.sums(places, back)
        before = apart[sums.excerpt]
        after = sums.means_elsewhere(before, prior)
        gain = float(explained(sums.count, sums.total, before, after).sum())
        if gain > best:
            best, found = gain, (back, sums)
    if found is None:
        return None
    grades = grades_of(evidence, *found, mean, prior=prior, least=least)
    return grades if grades.activations else None


def grades_of(
    evidence: Evidence, back: int, sums: Sums, mean: float, *, prior: float, least: float
) -> Grades:
    """Return the means of tokens that explain more than ``least``, the most telling first."""
    means = sums.means(mean, prior)
    effect = explained(sums.count_of, sums.total_of, mean, means)
    effect[-1] = 0  # no token stands before the start of a piece
    kept = np.flatnonzero(effect > least)
    ranked = kept[np.argsort(-effect[kept], kind="stable")]
    return Grades(
        back=back,
        activations={evidence.words[code]: float(means[code]) for code in ranked},
    )
