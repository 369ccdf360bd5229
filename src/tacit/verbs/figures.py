"""All figures of a run's dictionaries, each beside the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tacit.activations.store import Store
from tacit.base.progress import Progress
from tacit.base.records import Record
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.loss import Losses
from tacit.models.subject import Subject
from tacit.verbs.fidelity import Coordinates, Encoded, fidelity
from tacit.verbs.kept_loss import kept_loss
from tacit.verbs.settings import LearnSettings


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The records of a run's dictionaries, and the sums by document that they came from."""

    records: list[Record]
    encoded: Mapping[str, Encoded]
    losses: Losses | None
    """None where the subject predicts no next token."""


def figures(
    subject: Subject,
    store: Store,
    dictionaries: Mapping[str, tuple[Dictionary, Coordinates]],
    settings: LearnSettings,
    progress: Progress,
) -> Figures:
    """Return fidelity, sparsity and kept loss of every dictionary of a run."""
    records: list[Record] = []
    encoded: dict[str, Encoded] = {}
    with progress("fidelity", len(dictionaries), "dictionaries") as advance:
        for name, (dictionary, of) in dictionaries.items():
            found = fidelity(dictionary, store, of, seed=settings.seed)
            records += found.records
            encoded[name] = found.usable
            advance()
    kept = kept_loss(
        subject,
        store,
        dictionaries,
        seed=settings.seed,
        max_windows=settings.loss_windows,
        progress=progress,
    )
    return Figures(records=records + kept.records, encoded=encoded, losses=kept.usable)
