"""What a reader was asked in one scoring, and how its answers become rows.

Pieces are asked for in the order of the text, each once, so that neither the order in which
excerpts were drawn nor a piece's place among the others tells anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool

from tacit.base.records import Gap
from tacit.explanations.exhibits import Excerpt, Exhibits
from tacit.explanations.explanation import Explanation, check_same_dictionary
from tacit.explanations.reader import Answer, Reader
from tacit.explanations.scorer import Score, Scorer
from tacit.metrics.explaining import balanced_accuracy
from tacit.metrics.intervals import Interval, clopper_pearson
from tacit.models.spending import Usage

YES = 0.5
"""An answer of this or more says that it is so."""
FEWEST = 3
"""Fragments of a kind; with fewer an accuracy is not worth an interval."""
NOTHING = Usage()


@final
@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who was asked about which explanation, for which scorer: what its rows have in common."""

    explanation: Explanation
    reader: str
    scorer: str

    def row(
        self,
        figure: str,
        found: Interval | str,
        *,
        n: int,
        gaps: int,
        chance: float,
        usage: Usage = NOTHING,
    ) -> Score:
        """Return a figure, or why there is none."""
        told = found if isinstance(found, Interval) else None
        return Score(
            feature=self.explanation.feature,
            explainer=self.explanation.explainer,
            reader=self.reader,
            scorer=self.scorer,
            figure=figure,
            value=told.value if told else None,
            low=told.low if told else None,
            high=told.high if told else None,
            chance=chance,
            n=n,
            gaps=gaps,
            reason=told.reason if told else str(found),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            dollars=usage.dollars,
        )

    def balanced(
        self,
        figure: str,
        answers: Sequence[Answer],
        true: Bool[np.ndarray, " n"],
        rng: np.random.Generator,
    ) -> Score:
        """Return the balanced accuracy of yes-or-no answers, ``n`` the answers that count.

        Where gaps left more answers of one kind, as many of the other count, drawn at random:
        of two kinds of equal number the interval is exact.
        """
        given = np.array([not isinstance(each.value, Gap) for each in answers], dtype=bool)
        kinds = [np.flatnonzero(given & (true == kind)) for kind in (True, False)]
        num = min(len(kind) for kind in kinds)
        if num < FEWEST:
            found: Interval | str = too_few(answers, 2 * num, 2 * FEWEST)
        else:
            kept = np.concatenate([rng.choice(kind, num, replace=False) for kind in kinds])
            said = np.array([_value(answers[each]) >= YES for each in kept])
            accuracy = balanced_accuracy(said, true[kept])
            found = clopper_pearson(round(accuracy * 2 * num), 2 * num)
        return self.row(
            figure,
            found,
            n=2 * num,
            gaps=int((~given).sum()),
            chance=0.5,
            usage=spent(answers),
        )


def asked(
    scorer: Scorer, explanation: Explanation, exhibits: Exhibits, reader: Reader
) -> Asked:
    """Return the coordinates of a scoring, the explanation being of this feature."""
    check_same_dictionary(explanation, exhibits)
    return Asked(explanation=explanation, reader=reader.name, scorer=scorer.name)


def in_order(excerpts: Iterable[Excerpt]) -> list[Excerpt]:
    """Return each fragment once, in the order of the text."""
    found = {each.fragment: each for each in excerpts}
    return [found[number] for number in sorted(found)]


def spent(answers: Iterable[Answer]) -> Usage:
    """Return what the answers cost together."""
    return sum((each.usage for each in answers), start=NOTHING)


def degrees(answers: Sequence[Answer]) -> list[float | None]:
    """Return to which degree each answer says yes; None where it says nothing."""
    return [None if isinstance(each.value, Gap) else _value(each) for each in answers]


def too_few(answers: Iterable[Answer], left: int, needed: int) -> str:
    """Return why there is no figure, with what the reader first failed to answer."""
    gaps = [each.value.reason for each in answers if isinstance(each.value, Gap)]
    first = f"; {len(gaps)} had no answer, the first: {gaps[0]}" if gaps else ""
    return f"{left} fragments are left, and {needed} are needed{first}"


def _value(answer: Answer) -> float:
    assert isinstance(answer.value, int | float), "asked for a degree, not activations"
    return float(answer.value)
