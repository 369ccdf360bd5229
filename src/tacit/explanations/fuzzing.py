"""Does an explanation tell which tokens of a fragment activate the feature?

The fuzzing of Paulo et al. 2024, arXiv:2410.13928, with some of the wrong marks made harder.
Axes: t tokens of a piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from jaxtyping import Bool, Int

from tacit.base.errors import UserError
from tacit.explanations.asked import FEWEST, YES, asked, degrees, in_order, spent, too_few
from tacit.explanations.exhibits import Excerpt, Exhibits, Piece
from tacit.explanations.explanation import Explanation
from tacit.explanations.reader import Reader
from tacit.explanations.scorer import Score, Scorer
from tacit.metrics.explaining import mean_credit

FIGURE = "balanced accuracy"
Marks = Bool[np.ndarray, " t"]


@final
class Fuzzing(Scorer):
    """Balanced accuracy of "do the marked tokens activate it?", chance 0.5.

    Each active fragment is asked about twice: with its active tokens marked, and with as many
    where the feature is silent. Where over half of its tokens are active, as many are marked as
    are silent. Two answers on one fragment may fail together, so ``n`` and the interval are of
    fragments; one without both answers, or with no token to mark wrongly, is left out whole and
    counted among the gaps.
    """

    name = "fuzzing"

    def __init__(self, *, alike: float = 0.5) -> None:
        """Make the scorer; ``alike`` is the share of fragments with wrong marks of the same words.

        Those go first to words that activate the feature elsewhere in the text scored. At 0,
        which is usual, an explanation that names a word and forgets its context looks true.
        """
        if not 0 <= alike <= 1:
            raise UserError(f"a share of {alike} was asked for; give one from 0 to 1.")
        self.alike = alike

    async def score(
        self,
        explanation: Explanation,
        exhibits: Exhibits,
        reader: Reader,
        rng: np.random.Generator,
    ) -> list[Score]:
        """Return the one figure."""
        about = asked(self, explanation, exhibits, reader)
        excerpts = in_order(exhibits.of("top", "random"))
        words = _active_words(excerpts)
        questions: list[tuple[Piece, Marks]] = []
        for each in excerpts:
            both = _marks(each, words, self.alike, rng)
            questions += [(each.piece, marks) for marks in both or ()]
        # In an order that says nothing; back in pairs, the right marks first.
        order = rng.permutation(len(questions))
        given = await reader.marked(
            explanation,
            [questions[each][0] for each in order],
            [questions[each][1] for each in order],
        )
        answers = [given[each] for each in np.argsort(order)]
        said = degrees(answers)
        credits = [
            ((right >= YES) + (wrong < YES)) / 2
            for right, wrong in zip(said[::2], said[1::2], strict=True)
            if right is not None and wrong is not None
        ]
        return [
            about.row(
                FIGURE,
                mean_credit(np.array(credits))
                if len(credits) >= FEWEST
                else too_few(answers, len(credits), FEWEST),
                n=len(credits),
                gaps=len(excerpts) - len(credits),
                chance=0.5,
                usage=spent(answers),
            )
        ]


def _active_words(excerpts: Sequence[Excerpt]) -> Int[np.ndarray, " w"]:
    """Return the ids of tokens that activate the feature anywhere in these fragments."""
    none = [np.empty(0, dtype=np.int64)]
    found = [each.piece.ids[_is_active(each)] for each in excerpts]
    return np.unique(np.concatenate(none + found))


def _is_active(excerpt: Excerpt) -> Marks:
    return (excerpt.values > 0) & excerpt.known


def _marks(
    excerpt: Excerpt,
    words: Int[np.ndarray, " w"],
    alike: float,
    rng: np.random.Generator,
) -> tuple[Marks, Marks] | None:
    """Return right and wrong marks, equally many; None where every known token is active."""
    active = _is_active(excerpt)
    silent = excerpt.known & ~active
    num = min(int(active.sum()), int(silent.sum()))
    if not num:
        return None
    late = rng.random(len(active))
    right = _first(active, late, num)
    if rng.random() < alike:
        late = late - np.isin(excerpt.piece.ids, words)
    return right, _first(silent, late, num)


def _first(where: Marks, late: np.ndarray, num: int) -> Marks:
    """Return marks on the ``num`` least late of the tokens where they may stand."""
    marks = np.zeros(len(where), dtype=bool)
    marks[np.argsort(np.where(where, late, np.inf))[:num]] = True
    return marks
