"""What measures return: counts, from which intervals are made, before training and after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, Generic, ParamSpec, TypeVar, final

import numpy as np
from jaxtyping import Bool

from tacit.metrics.intervals import Interval, wilson
from tacit.metrics.proportions import difference_of_shares
from tacit.models.subject import Subject

T = TypeVar("T")
P = ParamSpec("P")


@final
@dataclass(frozen=True, kw_only=True)
class Count:
    """How often something was so, of the times that it could have been."""

    successes: int
    n: int

    @property
    def share(self) -> Interval | None:
        """The share with Wilson's interval; None where there was nothing to count."""
        return wilson(self.successes, self.n) if self.n else None

    def less(self, other: Count) -> Interval | None:
        """Return this share less the other (Newcombe); None where either is missing."""
        if not self.n or not other.n:
            return None
        return difference_of_shares(self.successes, self.n, other.successes, other.n)


def count_of(held: Bool[np.ndarray, " n"] | list[bool]) -> Count:
    """Return how many of the trials held."""
    return Count(successes=int(np.sum(held)), n=len(held))


@final
@dataclass(frozen=True, kw_only=True)
class BeforeAfter(Generic[T]):
    """One measure of two policies, on the same requests and draws."""

    before: T
    after: T


def compared(
    measure: Callable[Concatenate[Subject, P], T],
    before: Subject,
    after: Subject,
    *given: P.args,
    **settings: P.kwargs,
) -> BeforeAfter[T]:
    """Return a measure of one policy, taken of two under the same settings and seed."""
    return BeforeAfter(
        before=measure(before, *given, **settings),
        after=measure(after, *given, **settings),
    )
