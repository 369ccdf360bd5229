"""All figures of a run's dictionaries, each beside the others."""

from __future__ import annotations

from collections.abc import Mapping

from tacit.activations.store import Store
from tacit.base.progress import Progress
from tacit.base.records import Record
from tacit.dictionaries.dictionary import Dictionary
from tacit.models.subject import Subject
from tacit.verbs.measure import Coordinates, fidelity, kept_loss
from tacit.verbs.settings import LearnSettings


def figures(
    subject: Subject,
    store: Store,
    dictionaries: Mapping[str, tuple[Dictionary, Coordinates]],
    settings: LearnSettings,
    progress: Progress,
) -> list[Record]:
    """Return fidelity, sparsity and kept loss of every dictionary of a run."""
    records: list[Record] = []
    with progress("fidelity", len(dictionaries), "dictionaries") as advance:
        for dictionary, of in dictionaries.values():
            records += fidelity(dictionary, store, of, seed=settings.seed)
            advance()
    return records + kept_loss(
        subject,
        store,
        dictionaries,
        seed=settings.seed,
        max_windows=settings.loss_windows,
        progress=progress,
    )
