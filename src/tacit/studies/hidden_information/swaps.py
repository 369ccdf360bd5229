"""Heads of every run on encoders of every other: what survives of accuracy, and of twins.

Axes: r runs, e images to test on, p pairs of twins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float

from tacit.bottlenecks.swapping import Swaps, swap
from tacit.studies.hidden_information.arms import ARMS
from tacit.studies.hidden_information.pictures import read_pictures
from tacit.studies.hidden_information.runs import head_of, read_said
from tacit.studies.hidden_information.settings import HiddenSettings
from tacit.studies.tables import write_rows

SWAPPED = (
    "joint", "sequential", "own trunk", "one order", "dropout", "low weight", "high weight",
)  # fmt: skip
"""Arms whose heads read the same of concepts, so that one can stand in for another."""


@final
@dataclass(frozen=True, kw_only=True)
class SwapRow:
    """An encoder with a head."""

    encoder: str
    encoder_seed: int
    head: str
    head_seed: int
    accuracy: float
    n: int
    twin_accuracy: float | None
    sign_agreement: float | None
    """Share of pairs of twins that the head reads the right way round."""


def swapped_arms(settings: HiddenSettings) -> list[str]:
    """Return the arms of a run whose heads are swapped."""
    assert all(arm in ARMS for arm in SWAPPED)
    return [arm for arm in SWAPPED if arm in settings.arms]


def write_swaps(settings: HiddenSettings, partial: Path, path: Path) -> None:
    """Write what every head makes of every encoder, on test images."""
    pictures = read_pictures(partial)
    test = pictures.split.test
    runs = [(arm, seed) for arm in swapped_arms(settings) for seed in settings.seeds]
    found = swap(
        [read_said(partial, *run).concept_logits[test] for run in runs],
        [head_of(partial, *run) for run in runs],
        pictures.classes[test],
        twin_of=pictures.twin_of,
    )
    write_rows(path, _rows(runs, found))


def _rows(runs: Sequence[tuple[str, int]], found: Swaps) -> list[SwapRow]:
    twins = found.twins
    return [
        SwapRow(
            encoder=encoder,
            encoder_seed=encoder_seed,
            head=head,
            head_seed=head_seed,
            accuracy=float(found.accuracy[i, j]),
            n=found.right.shape[2],
            twin_accuracy=None if twins is None else float(twins.accuracy[i, j]),
            sign_agreement=None if twins is None else float(twins.agreement[i, j]),
        )
        for i, (encoder, encoder_seed) in enumerate(runs)
        for j, (head, head_seed) in enumerate(runs)
    ]


def cells_of(
    rows: Sequence[SwapRow], figure: str, encoder: str, head: str, seeds: Sequence[int]
) -> Float[np.ndarray, "r r"] | None:
    """Return one figure of the encoders of an arm with heads of another, both ways averaged.

    None where it was not measured. With two arms, entry [i, j] is the mean of encoder i of the
    first with head j of the second, and encoder i of the second with head j of the first.
    """
    table: Mapping[tuple[str, int, str, int], float | None] = {
        (row.encoder, row.encoder_seed, row.head, row.head_seed): vars(row)[figure]
        for row in rows
    }
    ways = ((encoder, head), (head, encoder))
    found = [
        [[table.get((one, i, other, j)) for j in seeds] for i in seeds]
        for one, other in ways
    ]
    held = np.array(found, dtype=np.float64)  # None becomes NaN
    return None if np.isnan(held).any() else held.mean(axis=0)
