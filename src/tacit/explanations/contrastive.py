"""Does an explanation tell a feature from those nearest to it?"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, zip_longest
from typing import Literal, final

import numpy as np

from tacit.explanations.asked import FEWEST, asked, in_order
from tacit.explanations.exhibits import Exhibits, Piece, piece_of
from tacit.explanations.explanation import Explanation
from tacit.explanations.fragments import Firings, Fragments
from tacit.explanations.neighbours import Neighbours
from tacit.explanations.reader import Reader
from tacit.explanations.scorer import Score, Scorer

FIGURE = "balanced accuracy"


@final
class Contrastive(Scorer):
    """Detection where the silent fragments activate neighbours of the feature; chance 0.5."""

    name = "contrastive"

    def __init__(
        self,
        fragments: Fragments,
        firings: Callable[[int], Firings],
        neighbours: Neighbours,
        *,
        apart: Literal["documents", "fragments"] = "documents",
    ) -> None:
        """Make the scorer.

        ``firings``: of any feature, as ``partial(fragments.firings, index)``. ``apart``: as in
        the ``Protocol`` that the exhibits were drawn by; with ``documents`` the fragments come
        from held-out text alone.
        """
        self.fragments = fragments
        self.firings = firings
        self.neighbours = neighbours
        self.apart = apart
        self._hard: dict[tuple[int, int], list[int]] = {}

    async def score(
        self,
        explanation: Explanation,
        exhibits: Exhibits,
        reader: Reader,
        rng: np.random.Generator,
    ) -> list[Score]:
        """Return the one figure, on as many random active fragments as there are hard ones."""
        about = asked(self, explanation, exhibits, reader)
        active = in_order(exhibits.of("random"))
        # Several explanations of one feature are scored in turn.
        key = exhibits.feature, len(active)
        if key not in self._hard:
            self._hard[key] = self.hard(*key)
        hard = self._hard[key]
        if len(hard) < FEWEST:
            reason = f"{len(hard)} fragments activate its neighbours and not it"
            return [about.row(FIGURE, reason, n=0, gaps=0, chance=0.5)]
        pieces: dict[int, Piece] = {
            active[each].fragment: active[each].piece
            for each in rng.permutation(len(active))[: len(hard)]
        }
        is_active = set(pieces)
        pieces |= {number: piece_of(self.fragments, number) for number in hard}
        order = sorted(pieces)
        answers = await reader.active(explanation, [pieces[each] for each in order])
        true = np.array([each in is_active for each in order], dtype=bool)
        return [about.balanced(FIGURE, answers, true, rng)]

    def hard(self, feature: int, num: int) -> list[int]:
        """Return up to ``num`` fragments that activate a feature's neighbours but not it.

        Those that activate a neighbour most, taken from one neighbour after the other.
        """
        may_serve = np.ones(len(self.fragments), dtype=bool)
        may_serve[self.firings(feature).active] = False
        if self.apart == "documents":
            may_serve &= self.fragments.held_out
        by_neighbour: list[list[int]] = []
        for each in self.neighbours.of(feature):
            fired = self.firings(each)
            order = fired.active[np.argsort(-fired.largest, kind="stable")]
            by_neighbour.append(order[may_serve[order]][:num].tolist())
        in_turn = chain.from_iterable(zip_longest(*by_neighbour))
        found = dict.fromkeys(each for each in in_turn if each is not None)
        return list(found)[:num]
