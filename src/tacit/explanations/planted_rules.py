"""Rules that say exactly where a planted feature is active, and a reader that goes by them.

Axes: r rows of the token table, t tokens of a piece.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Int

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.exhibits import SCALE, Piece
from tacit.explanations.explanation import Explanation
from tacit.explanations.reader import Answer, Reader

KEY = "planted"
"""Under which a rule stands in an explanation."""


@final
@dataclass(frozen=True, kw_only=True)
class PlantedRule:
    """Where a feature is active: on tokens of which all that is named holds."""

    words: tuple[str, ...] = ()
    """The token is one of these."""
    after: tuple[str, ...] = ()
    """The token before it, in the same fragment, is one of these."""
    labels: tuple[str, ...] = ()
    """The token has one of these labels."""

    @property
    def text(self) -> str:
        """The rule in words."""
        said = [f"the word {_any_of(self.words)}"] if self.words else []
        said += [f"directly after {_any_of(self.after)}"] if self.after else []
        said += [f"a token labelled {_any_of(self.labels)}"] if self.labels else []
        return ", ".join(said)

    def to_json(self) -> dict[str, Any]:
        """Return the rule as an explanation holds it."""
        return {KEY: asdict(self)}

    def shares_with(self, other: PlantedRule) -> bool:
        """Return whether both name a word or a label that activates the feature."""
        return bool(set(self.words + self.labels) & set(other.words + other.labels))


@final
@dataclass(frozen=True, kw_only=True)
class Known:
    """What a planted rule may speak of: the words of token ids, and the labels of rows."""

    vocabulary: tuple[str, ...]
    labels: Mapping[str, Bool[np.ndarray, " r"]]

    def holds(
        self,
        rule: PlantedRule,
        ids: Int[np.ndarray, " n"],
        rows: Int[np.ndarray, " n"],
        opens: Bool[np.ndarray, " n"],
    ) -> Bool[np.ndarray, " n"]:
        """Return where a rule holds; ``opens`` are first tokens, rows below 0 have no label."""
        found = np.ones(len(ids), dtype=bool)
        if rule.words:
            found &= self._are(rule.words)[ids]
        if rule.after:
            found &= ~opens
            found[1:] &= self._are(rule.after)[ids[:-1]]
        if rule.labels:
            has_one = np.logical_or.reduce([self.labels[each] for each in rule.labels])
            found &= (rows >= 0) & has_one[rows]
        return found

    def _are(self, words: tuple[str, ...]) -> Bool[np.ndarray, " v"]:
        return np.array([word.strip() in words for word in self.vocabulary], dtype=bool)


@final
class RuleReader(Reader):
    """Goes by a planted rule, and errs as often as it is told to.

    Of activations, a share ``noise`` of the tokens gets any number up to ``SCALE``; of the other
    two questions, such a share of the answers is turned about. Each explanation meets errors of
    its own, the same whenever it is asked the same.
    """

    name = "rule"

    def __init__(self, known: Known, *, noise: float = 0.0, seed: int = 0) -> None:
        """Make the reader."""
        if not 0 <= noise <= 1:
            raise UserError(f"noise of {noise} was asked for; give a share from 0 to 1.")
        self.known = known
        self.noise = noise
        self.seed = seed

    async def activations(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return ``SCALE`` where the rule holds and 0 elsewhere, but for the noise."""
        rng = self._errors("activations", explanation)

        def read(holds: list[np.ndarray]) -> list[np.ndarray]:
            said = SCALE * np.concatenate(holds).astype(float)
            errs = rng.random(len(said)) < self.noise
            said[errs] = rng.uniform(0, SCALE, int(errs.sum()))
            return _split(said, pieces)

        return self._answers(explanation, pieces, read)

    async def active(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return 1 where the rule holds anywhere, else 0; turned about by the noise."""
        rng = self._errors("active", explanation)

        def read(holds: list[np.ndarray]) -> list[float]:
            errs = rng.random(len(holds)) < self.noise
            return [float(each.any() != err) for each, err in zip(holds, errs, strict=True)]

        return self._answers(explanation, pieces, read)

    async def marked(
        self,
        explanation: Explanation,
        pieces: Sequence[Piece],
        marks: Sequence[Bool[np.ndarray, " _"]],
    ) -> list[Answer]:
        """Return 1 where the rule holds of half of the marks or more; turned about likewise."""
        rng = self._errors("marked", explanation)

        def read(holds: list[np.ndarray]) -> list[float]:
            errs = rng.random(len(holds)) < self.noise
            return [
                float((2 * (each & here).sum() >= here.sum()) != err)
                for each, here, err in zip(holds, marks, errs, strict=True)
            ]

        return self._answers(explanation, pieces, read)

    def _errors(self, question: str, explanation: Explanation) -> np.random.Generator:
        of = f"{explanation.feature}/{explanation.explainer}/{explanation.text}"
        return stream(self.seed, f"explanations/rule-reader/{question}/{of}")

    def _answers(
        self,
        explanation: Explanation,
        pieces: Sequence[Piece],
        read: Callable[[list[np.ndarray]], Sequence[float] | Sequence[np.ndarray]],
    ) -> list[Answer]:
        """Return what is read off where the rule holds, for all pieces at once."""
        if KEY not in explanation.rule:
            reason = f"the explanation by {explanation.explainer} has no planted rule"
            gap = Gap(name="reader", reason=reason, of={"feature": explanation.feature})
            return [Answer(value=gap) for _ in pieces]
        if not pieces:
            return []
        rule = PlantedRule(
            **{name: tuple(named) for name, named in explanation.rule[KEY].items()}
        )
        ids = np.concatenate([piece.ids for piece in pieces])
        rows = np.concatenate([piece.rows for piece in pieces])
        opens = np.concatenate([np.arange(len(piece.ids)) == 0 for piece in pieces])
        holds = self.known.holds(rule, ids, rows, opens)
        return [Answer(value=each) for each in read(_split(holds, pieces))]


def _split(values: np.ndarray, pieces: Sequence[Piece]) -> list[np.ndarray]:
    """Return the values of each piece's tokens."""
    return np.split(values, np.cumsum([len(piece.ids) for piece in pieces])[:-1])


def _any_of(names: tuple[str, ...]) -> str:
    return " or ".join(names)
