"""The store of a subject and the bases of one seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.store import Store, open_store
from tacit.activations.streaming import Stream, rows_for
from tacit.base.progress import Progress
from tacit.data.text import load_text
from tacit.dictionaries import Dictionary, fit
from tacit.dictionaries.bases import halves
from tacit.models.load import load_subject
from tacit.studies.interpretable_directions.settings import BASES, DirectionsSettings


def short(name: str) -> str:
    """Return a subject's name as a file may bear it."""
    tail = name.rstrip("/").rpartition("/")[2]
    return (
        tail if tail == name else f"{tail}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
    )


def store_of(
    settings: DirectionsSettings, partial: Path, name: str, progress: Progress
) -> Store:
    """Return a subject's activations, harvested where they are not there yet."""
    folder = partial / "stores" / short(name)
    if folder.exists():
        return open_store(folder)
    corpus = load_text(settings.source)
    corpus = replace(corpus, documents=corpus.documents[: settings.documents])
    return harvest(
        load_subject(name),
        corpus,
        [settings.site],
        folder,
        settings=HarvestSettings(),
        progress=progress,
    )


def fit_folder(partial: Path, name: str, seed: int) -> Path:
    """Return where the fits of a seed keep their state, made if need be."""
    folder = partial / "fits" / f"{short(name)}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def bases_of(
    settings: DirectionsSettings,
    partial: Path,
    store: Store,
    unit: tuple[str, int],
    progress: Progress,
) -> Mapping[str, Dictionary]:
    """Return every basis of one subject and seed, by ``BASES``; finished fits are read back."""
    name, seed = unit
    rows = rows_for(store, [settings.site], held_out=False)
    blocks = Stream(
        store=store,
        sites=(settings.site,),
        rows=rows,
        seed=seed,
        block_rows=settings.batch,
    )
    methods = settings.methods()
    made = fit(
        methods,
        blocks,
        [seed],
        steps=settings.steps,
        folder=fit_folder(partial, name, seed),
        progress=progress,
    )
    found = {key: each.dictionary for key, each in zip(methods, made, strict=True)}
    sides = {f"{key}, both sides": halves(found[key]) for key in found if key not in BASES}
    both = {"pca, both sides": halves(found["pca"]), **sides}
    return {key: (found | both)[key] for key in BASES}
