"""Which rows of an index count, on which side of the split, and what is true of each.

Axes: n rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from tacit.activations.store import HIGH_NORM, LABELLED
from tacit.features.index import Index

Truth = dict[str, Bool[np.ndarray, " n"]]
"""For each label, which rows have it."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of an index that count, split into training and held-out text, with truth."""

    train: Bool[np.ndarray, " n"]
    held_out: Bool[np.ndarray, " n"]
    truth: Truth
    left_out: Mapping[str, str]
    """Labels that cannot be scored, and why."""


def rows_of(index: Index) -> Rows:
    """Return the encoded rows whose truth is known, and the labels that can be scored."""
    site = index.manifest["configuration"]["site"]
    tokens = index.tokens
    usable = ~(
        tokens.column("special").to_numpy() | tokens.column(HIGH_NORM + site).to_numpy()
    )
    if LABELLED in tokens.column_names:
        usable &= tokens.column(LABELLED).to_numpy()
    held = tokens.column("held_out").to_numpy()
    train, held_out = usable & ~held, usable & held
    truth: Truth = {}
    left_out: dict[str, str] = {}
    for name in index.manifest["labels"]:
        column = index.label(name)
        counts = [int(column[part].sum()) for part in (train, held_out)]
        sizes = [int(train.sum()), int(held_out.sum())]
        if any(count in (0, size) for count, size in zip(counts, sizes, strict=True)):
            left_out[name] = (
                f"{counts[0]:,} of {sizes[0]:,} training and {counts[1]:,} of {sizes[1]:,} "
                "held-out tokens have it"
            )
        else:
            truth[name] = column
    return Rows(train=train, held_out=held_out, truth=truth, left_out=left_out)
