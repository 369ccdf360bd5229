"""What a label's feature should bring about: tokens that are mostly of that label.

Axes: m rows that are looked at, f atoms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Int

from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.enough import FEWEST_TRAINING
from tacit.evaluations.evidence import Evidence, Live
from tacit.evaluations.read_windows import next_truth

FEWEST_TIMES = 5
"""Training rows of a token before it counts as a label's own."""
OWN_SHARE = 2 / 3
"""Share of them that have the label."""
COVERED = 0.4
"""Share of a label's training rows that are its own tokens: others are no matter of tokens."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Behaviour:
    """Writing a label's own tokens, and the training rows at which the next one has the label."""

    name: str
    wanted: frozenset[int]
    rows: Int[np.ndarray, " m"]
    has_it: Bool[np.ndarray, " m"]

    def is_shown(self, written: list[int]) -> bool:
        """Return whether any token written is of the label."""
        return not self.wanted.isdisjoint(written)


def behaviour_of(evidence: Evidence, live: Live, concept: Concept) -> Behaviour | str:
    """Return what a binary concept of tokens should bring about, or why nothing."""
    wanted = own_tokens(evidence, live, concept)
    with_it = evidence.rows[evidence.train & (concept.truth == 1)]
    covered = np.isin(live.store.column("token")[with_it], list(wanted))
    if covered.sum() <= COVERED * len(with_it):
        return (
            f"tokens that are mostly of it are {covered.sum():,} of the {len(with_it):,} "
            "training rows that have it: it is no matter of tokens"
        )
    truth = next_truth(evidence, live, concept)
    rows = np.flatnonzero(evidence.train & (truth != UNKNOWN))
    has_it = truth[rows] == 1
    if min(has_it.sum(), (~has_it).sum()) < FEWEST_TRAINING:
        return f"{has_it.sum()} of {len(rows)} training rows stand before it"
    return Behaviour(name=concept.name, wanted=wanted, rows=rows, has_it=has_it)


def own_tokens(evidence: Evidence, live: Live, concept: Concept) -> frozenset[int]:
    """Return the tokens that are mostly of a label in training text."""
    keep = evidence.train & concept.is_known
    tokens = live.store.column("token")[evidence.rows[keep]]
    times = np.bincount(tokens)
    with_it = np.bincount(tokens, weights=concept.truth[keep] == 1)
    own = (times >= FEWEST_TIMES) & (with_it >= OWN_SHARE * times)
    return frozenset(np.flatnonzero(own).tolist())


def telling_atom(
    evidence: Evidence, rows: Int[np.ndarray, " m"], has_it: Bool[np.ndarray, " m"]
) -> int | None:
    """Return the atom whose activation correlates most with having it; None if none does."""
    codes = evidence.codes[rows].maximum(0)  # a feature is pushed the way it is active
    mean = codes.sum(axis=0) / len(rows)
    squares = codes.multiply(codes).sum(axis=0) / len(rows)
    spread = np.sqrt(np.maximum(squares - mean**2, 0))
    ahead = codes[has_it].sum(axis=0) / has_it.sum() - mean
    alike = np.divide(ahead, spread, out=np.zeros(len(ahead)), where=spread > 0)
    best = int(alike.argmax())
    return best if alike[best] > 0 else None
