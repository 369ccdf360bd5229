"""Which features fire in enough fragments to be explained and scored?

Axes: e firings, f features.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from tacit.explanations.exhibits import Protocol, what_lacks
from tacit.explanations.fragments import Fragments
from tacit.features.index import Index

FIRINGS_AT_ONCE = 1 << 22
"""Firings held at once, so that an index of any size can be counted."""


def explainable(index: Index, fragments: Fragments, protocol: Protocol) -> list[int]:
    """Return the features, in rising order, that ``exhibits_of`` has fragments of."""
    found = []
    for first, last in _ranges(index.features.column("count").to_numpy()):
        for feature, (seen, unseen) in enumerate(
            _by_side(index, fragments, first, last, protocol), start=first
        ):
            if what_lacks(seen, unseen, protocol) is None:
                found.append(feature)
    return found


def _ranges(counts: Int[np.ndarray, " f"]) -> Iterator[tuple[int, int]]:
    """Yield ranges of features that fire so often together, or are one."""
    part = np.cumsum(counts) // FIRINGS_AT_ONCE
    edges = np.flatnonzero(np.diff(part)) + 1
    yield from zip([0, *edges.tolist()], [*edges.tolist(), len(counts)], strict=True)


def _by_side(
    index: Index, fragments: Fragments, first: int, last: int, protocol: Protocol
) -> list[tuple[int, int]]:
    """Return in how many fragments to explain by, and to score on, each feature is active."""
    fired = index.query(
        "SELECT feature, row FROM by_feature WHERE feature >= ? AND feature < ? AND value > 0",
        first,
        last,
    )
    number = fragments.number_of(fired["row"])
    stands = number >= 0
    pairs = np.unique(
        (fired["feature"][stands] - first).astype(np.int64) * len(fragments)
        + number[stands]
    )
    feature, number = np.divmod(pairs, len(fragments))
    every = np.bincount(feature, minlength=last - first)
    if protocol.apart == "documents":
        unseen = np.bincount(
            feature, weights=fragments.held_out[number], minlength=last - first
        ).astype(int)
    else:
        unseen = every // 2  # the strongest are dealt out in turn
    return list(zip((every - unseen).tolist(), unseen.tolist(), strict=True))
