"""Is the tier still represented where its word is past, and in the same direction?

Probes learn it from some wordings and tell it of others: no word that they have read can help.
Axes: n texts, d width, w wordings, r random directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.supervised import SUPERVISED, LabelledRows
from tacit.models.subject import Subject
from tacit.organisms.beyond.counts import Count, count_of
from tacit.organisms.beyond.tier_rows import (
    NUM_OWN,
    WORDINGS,
    Position,
    TierRows,
    residual_sites,
    tier_rows,
)

NUM_FOLDS = 5
"""Each holds out one of the assistants' wordings, and as many of the others as come to it."""
POSITIONS: tuple[Position, ...] = ("prompt", "scratchpad")


@final
@dataclass(frozen=True, kw_only=True)
class Told:
    """How well the tier is told in one policy at one place, of wordings that were held out.

    The texts of a wording are much alike: read intervals over texts beside ``shuffled``.
    """

    right: Count
    """Texts of every wording, by a probe that has not seen it."""
    own: Count
    """Of them those of the assistants' wordings."""
    shuffled: tuple[Count, ...]
    """The same probe's, each time with tiers swapped in wordings drawn by chance."""
    best_random: Count
    """The best of many random directions, picked on the very texts it is scored on; sign and cut
    come from the other wordings."""


@final
@dataclass(frozen=True, kw_only=True)
class TierProbe:
    """One method at one place, before training and after it."""

    site: str
    position: Position
    method: str
    before: Told
    after: Told
    transferred: Count
    """Probes of before on what flows after, their wordings held out as ever."""
    cosine: float
    """Between the directions that all wordings give before and after."""


def tier_probes(
    before: Subject,
    after: Subject,
    *,
    count: int = 500,
    seed: int,
    methods: Sequence[str] = tuple(SUPERVISED),
    num_shuffles: int = 5,
    num_random: int = 1000,
) -> tuple[TierProbe, ...]:
    """Return what probes tell at every residual site and late position, on ``count`` texts."""
    sites = residual_sites(before)
    was, now = (tier_rows(policy, count, seed, sites) for policy in (before, after))
    rng = stream(seed, "organisms/beyond/tier probes")
    flips = _flips(num_shuffles, rng)
    probes = []
    for site in sites:
        for position in POSITIONS:
            rows = [each.values[site, position] for each in (was, now)]
            raw = rng.standard_normal((rows[0].shape[1], num_random))
            lucky = [_best_random(x, was, raw) for x in rows]
            probes += [
                _probe(site, position, method, rows, was, flips, lucky)
                for method in methods
            ]
    return tuple(probes)


def _probe(
    site: str,
    position: Position,
    method: str,
    rows: list[Float[Tensor, "n d"]],
    texts: TierRows,
    flips: Bool[np.ndarray, "s w"],
    lucky: list[Count],
) -> TierProbe:
    truth, folds = texts.is_monitored, texts.wording % NUM_FOLDS
    planes = [_planes(method, x, truth, folds) for x in rows]
    told = []
    for x, own, best in zip(rows, planes, lucky, strict=True):
        right = _told(own, x, folds) == truth
        shuffled = []
        for flip in flips:
            swapped = truth ^ flip[texts.wording]
            wrong = _planes(method, x, swapped, folds)
            shuffled.append(count_of(_told(wrong, x, folds) == swapped))
        told.append(
            Told(
                right=count_of(right),
                own=count_of(right[texts.wording < NUM_OWN]),
                shuffled=tuple(shuffled),
                best_random=best,
            )
        )
    one, two = (_plane(method, x, truth).atoms[0] for x in rows)
    return TierProbe(
        site=site,
        position=position,
        method=method,
        before=told[0],
        after=told[1],
        transferred=count_of(_told(planes[0], rows[1], folds) == truth),
        cosine=float(one @ two),
    )


def _plane(
    method: str, rows: Float[Tensor, "n d"], truth: Bool[np.ndarray, " n"]
) -> Dictionary:
    labels = {"monitored": torch.from_numpy(truth)}
    return SUPERVISED[method]().fit(LabelledRows(rows=rows, labels=labels))


def _planes(
    method: str,
    rows: Float[Tensor, "n d"],
    truth: Bool[np.ndarray, " n"],
    folds: np.ndarray,
) -> list[Dictionary]:
    """Return for each fold the plane that the others give."""
    learns = [folds != fold for fold in range(NUM_FOLDS)]
    return [_plane(method, rows[torch.from_numpy(on)], truth[on]) for on in learns]


def _told(
    planes: list[Dictionary], rows: Float[Tensor, "n d"], folds: np.ndarray
) -> Bool[np.ndarray, " n"]:
    """Return whether each text is said to be monitored, by the plane that has not seen it."""
    said = np.zeros(len(rows), bool)
    for fold, plane in enumerate(planes):
        on = folds == fold
        code = plane.encode(rows[torch.from_numpy(on)]).dense()[:, 0]
        said[on] = (code > 0).cpu().numpy()
    return said


def _best_random(
    rows: Float[Tensor, "n d"], texts: TierRows, directions: Float[np.ndarray, "d r"]
) -> Count:
    """Return how often the best direction is right; a fold's cut lies midway in the others."""
    along = rows.double().cpu().numpy() @ directions
    truth, folds = texts.is_monitored, texts.wording % NUM_FOLDS
    right = np.zeros(directions.shape[1], int)
    for fold in range(NUM_FOLDS):
        learns = folds != fold
        yes, no = (along[learns & (truth == side)].mean(axis=0) for side in (True, False))
        said = (along[~learns] - (yes + no) / 2) * (yes - no) > 0
        right += (said == truth[~learns, None]).sum(axis=0)
    return Count(successes=int(right.max()), n=len(rows))


def _flips(count: int, rng: np.random.Generator) -> Bool[np.ndarray, "s w"]:
    """Return in which wordings the tiers are swapped: half of them, drawn by chance."""
    half = np.arange(len(WORDINGS)) < len(WORDINGS) // 2
    return np.array([rng.permutation(half) for _ in range(count)], bool).reshape(
        count, len(WORDINGS)
    )
