"""Scorers of explanations, tried on planted features whose true explanation is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import ClassVar, final

from tacit.base.seeds import stream
from tacit.calibrations.instrument import Aspect, Instrument, Kind, Trial
from tacit.explanations.exhibits import SCALE
from tacit.explanations.explanation import Explanation
from tacit.explanations.planted import (
    FRAGMENT_TOKENS,
    PROTOCOL,
    WORDS,
    Planted,
    Triple,
    planted,
)
from tacit.explanations.planted_rules import PlantedRule, RuleReader
from tacit.explanations.scorer import Score, Scorer

KINDS = ("half of words", "without context", "too many words")
FEATURES = 12
"""Planted in a text, four of each kind, so that each has another to be wrong about."""
NUM_FRAGMENTS = 2_400
NOISE = 0.1
"""Share of its answers in which the reader errs."""
TrueScores = Callable[[PlantedRule], Mapping[str, float]]


@final
@dataclass(frozen=True, kw_only=True)
class ScorerInstrument(Instrument):
    """A scorer: detects that a true explanation is above chance, and alarms at a wrong one.

    The reader goes by the planted rules and errs in a tenth of its answers, so that the score of
    a true explanation is known in closed form.
    """

    kind: ClassVar[Kind] = "scorer"
    unit: ClassVar[str] = "fragments of each kind"

    world: str = "planted features with a true, a half true and a wrong explanation"
    sizes: tuple[int, ...] = (5, 20, 80)
    lacks: Mapping[Aspect, str] = field(default_factory=dict[Aspect, str])
    make: Callable[[], Scorer]
    metric: str
    """The scorer's figures in the catalogue."""
    figures: tuple[str, ...]
    """Those that are calibrated."""
    true_scores: TrueScores
    """Of a rule: what its true explanation scores, by figure, where that is known."""

    def trial(self, size: int, seed: int) -> Sequence[Trial]:
        """Return the scores of one feature's three explanations."""
        world = planted(
            FEATURES,
            kinds=KINDS,
            num_fragments=NUM_FRAGMENTS,
            protocol=replace(PROTOCOL, scored=size),
            seed=seed,
        )
        kind = KINDS[seed % len(KINDS)]
        triple = next((each for each in world.triples if each.kind == kind), None)
        if triple is None:
            return []
        found = self._scored(world, triple, seed)
        true = self.true_scores(world.rules[triple.exhibits.feature])
        return [self._trial(figure, found, true.get(figure)) for figure in self.figures]

    def _scored(
        self, world: Planted, triple: Triple, seed: int
    ) -> list[Mapping[str, Score]]:
        """Return the scores of the true, the half true and the wrong explanation, by figure."""
        reader, scorer = RuleReader(world.known, noise=NOISE, seed=seed), self.make()

        def scores(explanation: Explanation) -> dict[str, Score]:
            rng = stream(seed, f"calibrations/{scorer.name}/{explanation.feature}")
            rows = asyncio.run(scorer.score(explanation, triple.exhibits, reader, rng))
            return {row.figure: row for row in rows}

        return [scores(each) for each in (triple.true, triple.partly, triple.wrong)]

    def _trial(
        self, figure: str, found: Sequence[Mapping[str, Score]], true: float | None
    ) -> Trial:
        scores = [each[figure] for each in found]
        values = [each.value for each in scores if each.value is not None]
        own, wrong = scores[0], scores[-1]
        return Trial(
            figure=self.metric,
            setting=figure,
            detected=is_above_chance(own),
            false_alarm=is_above_chance(wrong),
            ranked=len(values) == len(scores) and values[0] > values[1] > values[2],
            value=own.value,
            low=own.low,
            high=own.high,
            truth=true,
        )


def is_above_chance(score: Score) -> bool:
    """Return whether a score's whole interval is above chance."""
    return score.low is not None and score.low > score.chance


def true_accuracy(rule: PlantedRule) -> Mapping[str, float]:
    """Return the accuracy of any true explanation: its reader errs, and nothing else does."""
    del rule
    return {"balanced accuracy": 1 - NOISE}


def true_correlation(rule: PlantedRule) -> Mapping[str, float]:
    """Return the correlation over all tokens of any text.

    A share p of tokens is active, with a mean square of 13 / 12 about a mean of 1; the reader
    says ``SCALE`` of these and 0 of others, but for errors that are even between the two.
    """
    p = len(rule.words) / len(WORDS)
    if rule.after:  # nothing stands before the first token of a fragment
        p *= len(rule.after) / len(WORDS) * (1 - 1 / FRAGMENT_TOKENS)
    spread = p * 13 / 12 - p**2
    mean = (1 - NOISE) * SCALE * p + NOISE * SCALE / 2
    square = (1 - NOISE) * SCALE**2 * p + NOISE * SCALE**2 / 3
    together = (1 - NOISE) * SCALE * p * (1 - p)
    return {"any": together / sqrt(spread * (square - mean**2))}
