"""Where it is known what a feature stands for, does its explanation say so?

Axes: r rows of the token table, n fragments, t tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import numpy as np
from jaxtyping import Bool, Float

from tacit.base.records import Gap
from tacit.explanations.asked import FEWEST, asked, in_order, spent, too_few
from tacit.explanations.exhibits import Exhibits
from tacit.explanations.explanation import Explanation
from tacit.explanations.reader import Reader
from tacit.explanations.scorer import Score, Scorer
from tacit.metrics.bootstrap import bootstrap_rows, bootstrap_sums
from tacit.metrics.intervals import Interval

F1, AUROC = "F1", "AUROC"
Sides = list[Float[np.ndarray, " _"]]
Labels = list[Bool[np.ndarray, " _"]]
"""One array of tokens for each fragment."""


@final
class KnownTruth(Scorer):
    """F1 and AUROC of the predicted activations for a label that is known of every token.

    F1 counts a token as said where its prediction is above 0. Chance: what saying yes of every
    token scores for F1, 0.5 for AUROC. What a feature does is not looked at: on features that
    were planted, or are known to stand for a label (``features.agreement``), it says whether the
    words are right.
    """

    name = "known truth"

    def __init__(self, truth: Mapping[int, Bool[np.ndarray, " r"]]) -> None:
        """Make the scorer; ``truth`` has, for each known feature, which rows have its label."""
        self.truth = truth

    async def score(
        self,
        explanation: Explanation,
        exhibits: Exhibits,
        reader: Reader,
        rng: np.random.Generator,
    ) -> list[Score]:
        """Return both figures, over all fragments to score on."""
        about = asked(self, explanation, exhibits, reader)
        if exhibits.feature not in self.truth:
            reason = f"it is not known what feature {exhibits.feature} stands for"
            return [
                about.row(figure, reason, n=0, gaps=0, chance=0.5) for figure in (F1, AUROC)
            ]
        excerpts = in_order(exhibits.scored)
        answers = await reader.activations(explanation, [each.piece for each in excerpts])
        predicted: Sides = []
        labels: Labels = []
        for excerpt, answer in zip(excerpts, answers, strict=True):
            if not isinstance(answer.value, Gap):
                predicted.append(np.asarray(answer.value, dtype=np.float64))
                labels.append(self.truth[exhibits.feature][excerpt.piece.rows])
        rate = float(np.concatenate(labels).mean()) if labels else 0.0
        reason = None
        if len(labels) < FEWEST:
            reason = too_few(answers, len(labels), FEWEST)
        elif rate in (0, 1):
            reason = f"{'every' if rate else 'no'} token of these fragments has the label"
        num, gaps = len(labels), len(answers) - len(labels)
        return [
            about.row(
                F1,
                reason or _f1(predicted, labels, rng),
                n=num,
                gaps=gaps,
                chance=2 * rate / (1 + rate),
                usage=spent(answers),
            ),
            about.row(
                AUROC,
                reason or _auroc(predicted, labels, rng),
                n=num,
                gaps=gaps,
                chance=0.5,
            ),
        ]


def _f1(predicted: Sides, labels: Labels, rng: np.random.Generator) -> Interval:
    said = [each > 0 for each in predicted]
    sums = [
        (2 * int((one & two).sum()), int(one.sum()) + int(two.sum()))
        for one, two in zip(said, labels, strict=True)
    ]
    return bootstrap_sums(np.array(sums), lambda totals: totals[:, 0] / totals[:, 1], rng)


def _auroc(predicted: Sides, labels: Labels, rng: np.random.Generator) -> Interval:
    """Return ``metrics.auroc`` over all tokens, its interval over fragments drawn whole.

    Counted once for each two fragments: by how many of the second's tokens without the label
    those of the first with it are above, ties counting half.
    """
    n = len(labels)
    every, label = np.concatenate(predicted), np.concatenate(labels)
    own = np.repeat(np.arange(n), [len(each) for each in labels])[label]
    wins = np.zeros((n, n))
    for number, (values, has_it) in enumerate(zip(predicted, labels, strict=True)):
        below = np.sort(values[~has_it])
        ranks = [np.searchsorted(below, every[label], side) for side in ("left", "right")]
        wins[:, number] = np.bincount(own, (ranks[0] + ranks[1]) / 2, minlength=n)
    sizes = np.array([(each.sum(), (~each).sum()) for each in labels], dtype=np.float64)

    def auroc(samples: Float[np.ndarray, "r n 1"]) -> Float[np.ndarray, " r"]:
        drawn = samples[:, :, 0].astype(np.int64)
        times = np.stack([np.bincount(each, minlength=n) for each in drawn]).astype(float)
        pairs = (times @ sizes).prod(axis=1)
        return ((times @ wins) * times).sum(axis=1) / pairs

    return bootstrap_rows(np.arange(n, dtype=np.float64)[:, None], auroc, rng)
