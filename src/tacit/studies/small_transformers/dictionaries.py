"""The dictionaries of one transformer: what each fit reads, and the fit.

Axes: n rows, d width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tacit.activations.store import Store, open_store
from tacit.activations.streaming import Stream, rows_for
from tacit.base.progress import Progress
from tacit.base.seeds import stream
from tacit.dictionaries import Dictionary, RowBlocks, fit
from tacit.dictionaries.blocks import Blocks
from tacit.studies.small_transformers.settings import Fit, SmallSettings
from tacit.studies.small_transformers.subjects import (
    EMBEDDING,
    RANDOM,
    TRAINED,
    store_folder,
)

TWIN = 10_000
"""Added to a seed for dictionaries with another start."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one fit of one transformer reads."""

    store: Store
    site: str
    fit: Fit
    seed: int

    @property
    def width(self) -> int:
        """Width of the rows."""
        return self.store.width(self.site)

    def blocks(self, batch: int) -> Blocks:
        """Return the shuffled blocks of the training rows."""
        rows = rows_for(self.store, [self.site], held_out=False)
        if self.fit == "shuffled":
            mixed = {self.site: self._mixed(rows)}
            return RowBlocks(rows=mixed, block_rows=batch, seed=self.seed)
        if self.fit in ("half a", "half b"):
            even = self.store.column("document")[rows] % 2 == 0
            rows = rows[even if self.fit == "half a" else ~even]
        return Stream(
            store=self.store,
            sites=(self.site,),
            rows=rows,
            seed=self.seed,
            block_rows=batch,
        )

    def held_out(self, most: int) -> Float[Tensor, "n d"]:
        """Return rows of held-out text, evenly over it, treated as the training rows are."""
        rows = rows_for(self.store, [self.site], held_out=True)
        step = max(1, len(rows) // most)
        rows = rows[::step][:most]
        return (
            self._mixed(rows)
            if self.fit == "shuffled"
            else self.store.vectors(self.site, rows)
        )

    def _mixed(self, rows: np.ndarray) -> Float[Tensor, "n d"]:
        """Return the rows with every dimension shuffled for itself: each one's values stay."""
        x = self.store.vectors(self.site, rows)
        rng = stream(self.seed, f"studies/small/shuffled/{len(rows)}")
        for column in range(x.shape[1]):
            x[:, column] = x[torch.from_numpy(rng.permutation(len(x))), column]
        return x


def reading_of(
    settings: SmallSettings, partial: Path, width: int, seed: int, which: Fit
) -> Reading:
    """Return what a fit reads."""
    kind = RANDOM if which == "random" else TRAINED
    return Reading(
        store=open_store(store_folder(partial, width, seed, kind)),
        site=EMBEDDING if which == "embedding" else settings.site,
        fit=which,
        seed=seed,
    )


def fitted(
    settings: SmallSettings,
    partial: Path,
    width: int,
    seed: int,
    which: Fit,
    progress: Progress,
) -> Mapping[int, Dictionary]:
    """Return a fit's dictionaries by their size over the width; finished ones are read back."""
    reading = reading_of(settings, partial, width, seed, which)
    methods = {
        f"r{ratio}": settings.method(
            ratio * reading.width, settings.penalty_of(which, ratio)
        )
        for ratio in settings.ratios_of(which)
    }
    made = fit(
        methods,
        reading.blocks(settings.batch),
        [seed + TWIN if which == "other start" else seed],
        steps=settings.steps,
        folder=fit_folder(partial, width, seed, which),
        progress=progress,
    )
    return {
        ratio: each.dictionary
        for ratio, each in zip(settings.ratios_of(which), made, strict=True)
    }


def fit_folder(partial: Path, width: int, seed: int, which: Fit) -> Path:
    """Return where a fit keeps its state and its dictionaries, made if need be."""
    folder = partial / "fits" / f"{width}-{seed}-{which.replace(' ', '-')}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
