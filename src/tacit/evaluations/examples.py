"""Which rows is a probe fitted to and judged on, as what are they read, and how many does it take?

Axes: n rows, m rows to draw from, k rows drawn, d width, g groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int

from tacit.base.records import Gap
from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.enough import balanced_rows, documents_of
from tacit.evaluations.evidence import Evidence


def of_rows_and_documents(evidence: Evidence) -> Iterator[Evidence]:
    """Yield the evidence of what rows have, and of what documents have with a row for each.

    A document's activations and codes are the means of its rows', so that what atoms add to it is
    the mean of what they add to them.
    """
    of_rows = tuple(each for each in evidence.concepts if not each.is_of_documents)
    if of_rows:
        yield replace(evidence, concepts=of_rows)
    if len(of_rows) < len(evidence.concepts):
        yield documents_of(evidence)


def against_rest(concept: Concept) -> list[Concept]:
    """Return each class of a concept against all others; one of two classes as it is."""
    if concept.is_binary:
        return [concept]
    return [
        Concept(
            name=f"{concept.name}: {name}",
            classes=("no", "yes"),
            truth=np.where(concept.is_known, concept.truth == number, UNKNOWN),
            kind=concept.kind,
        )
        for number, name in enumerate(concept.classes)
    ]


def drawn_from_each(
    group: Int[np.ndarray, " n"],
    rows: Int[np.ndarray, " m"],
    most: int,
    rng: np.random.Generator,
    *,
    alike: bool = False,
) -> Int[np.ndarray, " k"]:
    """Return at most ``most`` rows, an equal share of them for each group, in their order.

    A group that is smaller than its share gives all that it has; if ``alike``, the others then
    give no more than it.
    """
    counts = np.unique(group[rows], return_counts=True)[1]
    known = np.full(len(group), UNKNOWN)
    known[rows] = group[rows]
    return balanced_rows(known, len(counts) * _share(counts, most, alike=alike), rng)


def num_not_drawn(
    group: Int[np.ndarray, " n"],
    rows: Int[np.ndarray, " m"],
    most: int,
    *,
    alike: bool = False,
) -> int:
    """Return how many rows ``drawn_from_each`` leaves out."""
    counts = np.unique(group[rows], return_counts=True)[1]
    return int((counts - np.minimum(counts, _share(counts, most, alike=alike))).sum())


def not_read(count: int) -> list[Gap]:
    """Return the note that so many rows were not drawn, if there are any."""
    reason = f"{count:,} rows of commoner classes, summed over probes, were not drawn"
    return [Gap(name="rows of probes", reason=reason)] if count else []


def _share(counts: Int[np.ndarray, " g"], most: int, *, alike: bool) -> int:
    share = max(1, most // len(counts))
    return min(share, int(counts.min())) if alike else share


def vectors_of(evidence: Evidence, rows: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m d"]:
    """Return the activations of some rows."""
    return evidence.activations[torch.from_numpy(rows)].float().numpy()
