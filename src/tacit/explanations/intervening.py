"""Does a feature make the subject write what its explanation says?

Axes: n prefixes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np

from tacit.activations.tokens import vocabulary_of
from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary
from tacit.explanations.asked import FEWEST, asked, degrees, spent, too_few
from tacit.explanations.exhibits import Exhibits, Piece
from tacit.explanations.explanation import Explanation
from tacit.explanations.reader import Reader
from tacit.explanations.scorer import Score, Scorer
from tacit.interventions.edits import check_feature
from tacit.interventions.steering import Steered, steering_sweep
from tacit.interventions.ways import Prefixes, Push
from tacit.metrics.bootstrap import bootstrap_sums
from tacit.metrics.explaining import mean_credit, told_apart
from tacit.metrics.intervals import Interval
from tacit.models.subject import Subject

FIGURE = "two-alternative accuracy"
PRICE = "price in nats a token"
NOWHERE = -1
"""Stands for the row of a token that no table holds."""


@final
class Intervening(Scorer):
    """Accuracy of "which of two continuations was written under the feature?", chance 0.5.

    The subject continues each prefix twice with one seed, left alone and with the feature's
    direction added at every position; a reader is asked of each continuation by itself how far
    it activates the feature. The higher one is its choice, a tie counts half. Beside it stands
    the price: by how much the steered text is the unedited subject's less likely one.
    """

    name = "intervention"

    def __init__(
        self,
        subject: Subject,
        dictionary: Dictionary,
        prefixes: Prefixes,
        *,
        times: float = 2.0,
        max_new_tokens: int = 16,
    ) -> None:
        """Make the scorer; a feature is added at ``times`` its largest activation seen.

        ``prefixes``: token ids of texts on which no feature has a hold, such as BOS alone.

        Raises:
            UserError: where it is not known which site the dictionary reads.
        """
        if dictionary.contract.site is None:
            raise UserError(
                f"steering by the {dictionary.method} dictionary was asked for; it does not say "
                "which site it reads. Give one with that in its contract."
            )
        self.subject = subject
        self.dictionary = dictionary
        self.site = dictionary.contract.site
        self.prefixes = prefixes
        self.times = times
        self.max_new_tokens = max_new_tokens
        self.vocabulary = vocabulary_of(subject)
        self._last: tuple[tuple[object, ...], tuple[Steered, Steered]] | None = None

    async def score(
        self,
        explanation: Explanation,
        exhibits: Exhibits,
        reader: Reader,
        rng: np.random.Generator,
    ) -> list[Score]:
        """Return the accuracy, over the pairs answered on both sides, and the price."""
        about = asked(self, explanation, exhibits, reader)
        plain, steered = self._written(exhibits, rng)
        pieces = [self._piece(ids) for one in (steered, plain) for ids in one.written]
        order = rng.permutation(len(pieces))
        given = await reader.active(explanation, [pieces[each] for each in order])
        answers = [given[each] for each in np.argsort(order)]
        said = degrees(answers)
        pairs = [
            (one, other)
            for one, other in zip(said[: plain.n], said[plain.n :], strict=True)
            if one is not None and other is not None
        ]
        return [
            about.row(
                FIGURE,
                mean_credit(told_apart(*np.array(pairs).T))
                if len(pairs) >= FEWEST
                else too_few(answers, len(pairs), FEWEST),
                n=len(pairs),
                gaps=plain.n - len(pairs),
                chance=0.5,
                usage=spent(answers),
            ),
            about.row(PRICE, _price(plain, steered, rng), n=plain.n, gaps=0, chance=0.0),
        ]

    def _written(
        self, exhibits: Exhibits, rng: np.random.Generator
    ) -> tuple[Steered, Steered]:
        """Return what the subject writes left alone and steered, seed by seed."""
        seeds = rng.integers(2**31, size=len(self.prefixes)).tolist()
        # Several explanations of one feature are often scored in turn, by one exam.
        key = (exhibits.feature, exhibits.largest, *seeds)
        if self._last is None or self._last[0] != key:
            self._last = key, self._swept(exhibits, seeds)
        return self._last[1]

    def _swept(self, exhibits: Exhibits, seeds: list[int]) -> tuple[Steered, Steered]:
        check_feature(self.dictionary, exhibits.feature)
        atom = self.dictionary.atoms[exhibits.feature]
        push = Push(
            name=f"feature {exhibits.feature}",
            site=self.site,
            direction=atom * self.dictionary.scale * exhibits.largest,
        )
        plain, steered = steering_sweep(
            self.subject,
            self.prefixes,
            [push],
            [self.times],
            lambda written: bool(written),
            max_new_tokens=self.max_new_tokens,
            seeds=seeds,
        )
        return plain, steered

    def _piece(self, ids: Sequence[int]) -> Piece:
        return Piece(
            tokens=tuple(self.vocabulary[each] for each in ids),
            ids=np.array(ids, dtype=np.int64),
            rows=np.full(len(ids), NOWHERE),
        )


def _price(plain: Steered, steered: Steered, rng: np.random.Generator) -> Interval:
    """Return the rise in the unedited subject's loss, in nats a token, prefixes drawn in pairs."""
    columns = [each for one in (steered, plain) for each in (one.losses, one.num_tokens)]
    return bootstrap_sums(
        np.stack(columns, axis=1),
        lambda sums: sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3],
        rng,
    )
