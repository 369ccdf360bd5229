"""Explanations without a model: patterns of tokens, learned, told and read.

After "Neuron to Graph" (Foote et al. 2023, arXiv:2305.19911), where a token's part in a pattern
is found by asking the subject; here it is found by contrast with all other excerpts, so that
no subject is needed. Axes: t tokens of a piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float

from tacit.base.records import Gap
from tacit.explanations.exhibits import Excerpt, Exhibits, Piece
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.pattern_growth import Growth, grown
from tacit.explanations.pattern_words import told
from tacit.explanations.patterns import Pattern, Rule, read_rule
from tacit.explanations.reader import Answer, Reader


@final
@dataclass(frozen=True)
class LexicalExplainer(Explainer):
    """Patterns of the activating token and those before it, from ``exhibits.learned``.

    No token behind the activating one is looked at: a causal model cannot either.
    """

    growth: Growth = Growth()
    name = "lexical"
    version = "1"

    async def explain(self, exhibits: Exhibits) -> Explanation | Gap:
        """Return patterns, or why there are none."""
        learned = learnable(exhibits)
        if isinstance(learned, Gap):
            return learned
        patterns = grown(learned, self.growth)
        if len(patterns) == 1 and patterns[0].grades is None:
            return _gap(
                exhibits,
                "no token, nor any of those before it, tells on excerpts left out where it is "
                "active",
            )
        return ruled(self, exhibits, learned, patterns)


@final
class LexicalReader(Reader):
    """Goes by the rule of an explanation: the first pattern that matches a token counts."""

    name = "lexical"

    async def activations(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return the activation of each token's pattern; a Gap each if there is no rule."""
        rule = read_rule(explanation.rule)
        if isinstance(rule, Gap):
            return [Answer(value=rule) for _ in pieces]
        return [Answer(value=values) for values in _predicted(rule, pieces)]

    async def active(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return degrees: 0.5 where the largest activation is what tells pieces apart best."""
        rule = read_rule(explanation.rule)
        if isinstance(rule, Gap):
            return [Answer(value=rule) for _ in pieces]
        return [
            Answer(value=_degree(float(values.max(initial=0)), rule.piece_from))
            for values in _predicted(rule, pieces)
        ]

    async def marked(
        self,
        explanation: Explanation,
        pieces: Sequence[Piece],
        marks: Sequence[Bool[np.ndarray, " _"]],
    ) -> list[Answer]:
        """Return degrees: 0.5 where the marks' mean is what tells tokens apart best."""
        rule = read_rule(explanation.rule)
        if isinstance(rule, Gap):
            return [Answer(value=rule) for _ in pieces]
        return [
            Answer(value=_degree(float(values[where].mean()), rule.token_from))
            for values, where in zip(_predicted(rule, pieces), marks, strict=True)
        ]


def learnable(exhibits: Exhibits) -> list[Excerpt] | Gap:
    """Return the excerpts to learn from, or why there is nothing to learn."""
    learned = [each for each in exhibits.learned if each.known.any()]
    if not any((each.values[each.known] > 0).any() for each in learned):
        return _gap(exhibits, "it is active nowhere in the excerpts to learn from")
    if len(learned) < 2:
        return _gap(exhibits, "one excerpt to learn from leaves none to check a pattern on")
    return learned


def ruled(
    explainer: Explainer,
    exhibits: Exhibits,
    learned: Sequence[Excerpt],
    patterns: tuple[Pattern, ...],
) -> Explanation:
    """Return patterns as an explanation, with the activations from which on it says yes."""
    bare = Rule(patterns=patterns, piece_from=1.0, token_from=1.0)
    predicted = bare.predicted([each.piece.tokens for each in learned])
    known = [values[each.known] for values, each in zip(predicted, learned, strict=True)]
    true = [each.values[each.known] > 0 for each in learned]
    # Pieces chosen for being strong would draw the line too high.
    asked = [number for number, each in enumerate(learned) if each.kind != "top"]
    largest = np.array([known[number].max() for number in asked], dtype=float)
    is_active = np.array([true[number].any() for number in asked], dtype=bool)
    rule = Rule(
        patterns=patterns,
        piece_from=telling(largest, is_active),
        token_from=telling(np.concatenate(known), np.concatenate(true)),
    )
    return Explanation(
        feature=exhibits.feature,
        dictionary=exhibits.dictionary,
        explainer=explainer.name,
        version=explainer.version,
        text=told(patterns),
        rule=rule.plain(),
    )


def telling(values: Float[np.ndarray, " n"], truth: Bool[np.ndarray, " n"]) -> float:
    """Return the value above which to say yes for the largest balanced accuracy.

    Half the largest value where only one answer was seen or all values are equal.
    """
    order = np.argsort(values, kind="stable")
    ranked, true = values[order], truth[order]
    cuts = np.flatnonzero(ranked[1:] > ranked[:-1])
    if not len(cuts) or true.all() or not true.any():
        return float(values.max(initial=0)) / 2 or 1.0
    missed = np.cumsum(true)[cuts] / true.sum()
    spared = np.cumsum(~true)[cuts] / (~true).sum()
    best = cuts[int((spared - missed).argmax())]
    return float(ranked[best] + ranked[best + 1]) / 2


def _predicted(rule: Rule, pieces: Sequence[Piece]) -> list[Float[np.ndarray, " _"]]:
    return rule.predicted([piece.tokens for piece in pieces])


def _degree(value: float, even: float) -> float:
    """Return a degree from 0 to 1 that is 0.5 at ``even``."""
    return value / (value + even)


def _gap(exhibits: Exhibits, reason: str) -> Gap:
    return Gap(name="explanation", reason=reason, of={"feature": exhibits.feature})
