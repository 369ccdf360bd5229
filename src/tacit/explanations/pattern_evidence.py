"""Activations of a feature by the token at each distance, with and without each excerpt.

Axes: n places, c codes of tokens, p pairs of a code and an excerpt in which it stands,
e excerpts, m sums of any kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from tacit.explanations.exhibits import Excerpt
from tacit.explanations.patterns import laid_out


@final
@dataclass(frozen=True, kw_only=True)
class Sums:
    """Number of places and sum of activations, by token at one distance and by pair.

    The last code stands for "before the start of the piece": no token.
    """

    code: Int[np.ndarray, " p"]
    excerpt: Int[np.ndarray, " p"]
    count: Float[np.ndarray, " p"]
    total: Float[np.ndarray, " p"]
    count_of: Float[np.ndarray, " c"]
    total_of: Float[np.ndarray, " c"]

    def means(self, general: float, prior: float) -> Float[np.ndarray, " c"]:
        """Return each token's mean, drawn to the general one by ``prior`` places' worth."""
        return (self.total_of + prior * general) / (self.count_of + prior)

    def means_elsewhere(
        self, general: Float[np.ndarray, " p"] | float, prior: float
    ) -> Float[np.ndarray, " p"]:
        """Return the same for each pair from all other excerpts."""
        total = self.total_of[self.code] - self.total
        count = self.count_of[self.code] - self.count
        start = self.code == len(self.count_of) - 1
        return np.where(start, general, (total + prior * general) / (count + prior))


def explained(
    count: Float[np.ndarray, " m"],
    total: Float[np.ndarray, " m"],
    before: Float[np.ndarray, " m"] | float,
    after: Float[np.ndarray, " m"] | float,
) -> Float[np.ndarray, " m"]:
    """Return how much the squared error falls where ``after`` is predicted, not ``before``."""
    return 2 * total * (after - before) - count * (np.square(after) - np.square(before))


@final
class Evidence:
    """The places of some excerpts; those of unknown activation are context alone."""

    def __init__(self, excerpts: Sequence[Excerpt], reach: int) -> None:
        """Lay out excerpts, with ``reach`` tokens before each place."""
        text = laid_out([each.piece.tokens for each in excerpts])
        known = np.concatenate([each.known for each in excerpts])
        lengths = [len(each.known) for each in excerpts]
        self.words = text.words
        self.num_excerpts = len(excerpts)
        self.value = np.concatenate([each.values for each in excerpts])[known].astype(float)
        self.excerpt = np.repeat(np.arange(len(excerpts)), lengths)[known]
        self.codes = [
            np.where(codes < 0, len(text.words), codes)
            for codes in (text.before(back)[known] for back in range(reach + 1))
        ]
        self._pairs = [self._paired(codes) for codes in self.codes]
        self.variance = float(np.square(self.value - self.value.mean()).sum())
        """Sum of squares about the mean, over all places."""

    def sums(self, places: Int[np.ndarray, " n"], back: int) -> Sums:
        """Return the sums over some places, by the token at one distance."""
        number, code_of, excerpt_of = self._pairs[back]
        own, num = number[places], len(code_of)
        count = np.bincount(own, minlength=num).astype(float)
        total = np.bincount(own, self.value[places], num)
        there = count > 0
        code, count, total = code_of[there], count[there], total[there]
        num_codes = len(self.words) + 1
        return Sums(
            code=code,
            excerpt=excerpt_of[there],
            count=count,
            total=total,
            count_of=np.bincount(code, count, num_codes),
            total_of=np.bincount(code, total, num_codes),
        )

    def mean(self, places: Int[np.ndarray, " n"], general: float, prior: float) -> float:
        """Return the mean over some places, drawn to a more general one."""
        total = self.value[places].sum() + prior * general
        return float(total / (len(places) + prior))

    def mean_elsewhere(
        self, places: Int[np.ndarray, " n"], prior: float
    ) -> Float[np.ndarray, " e"]:
        """Return the mean over some places without each excerpt, drawn to their own mean."""
        own = self.excerpt[places]
        total = np.bincount(own, self.value[places], self.num_excerpts)
        count = np.bincount(own, minlength=self.num_excerpts)
        drawn = prior * total.sum() / len(places)
        return (total.sum() - total + drawn) / (len(places) - count + prior)

    def _paired(
        self, codes: Int[np.ndarray, " n"]
    ) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " p"], Int[np.ndarray, " p"]]:
        """Return the pair of every place, and each pair's code and excerpt."""
        pairs, number = np.unique(
            codes * self.num_excerpts + self.excerpt, return_inverse=True
        )
        return number, pairs // self.num_excerpts, pairs % self.num_excerpts
