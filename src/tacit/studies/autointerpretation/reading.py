"""The stores of every subject, and of its architecture with random weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.base.progress import Progress
from tacit.base.seeds import stream
from tacit.data.documents import Corpus
from tacit.data.text import load_text
from tacit.models.load import load_subject
from tacit.models.subject import Subject
from tacit.models.untrained import untrained
from tacit.studies.autointerpretation.places import Place, store_folder
from tacit.studies.autointerpretation.settings import EMBEDDING, AutointerpretationSettings


def harvest_all(
    settings: AutointerpretationSettings,
    partial: Path,
    places: list[Place],
    progress: Progress,
) -> None:
    """Write the stores that places are read from; those that are there are not made again."""
    for name, _ in settings.subjects:
        missing = {
            place.store_name: place
            for place in places
            if place.subject == name and not store_folder(partial, place).exists()
        }
        if not missing:
            continue
        subject = load_subject(name)
        corpus = some_of(load_text(settings.text_of(name)), settings.documents)
        for place in missing.values():
            _harvest(settings, partial, place, subject, corpus, progress)


def some_of(corpus: Corpus, documents: int) -> Corpus:
    """Return at most so many documents, drawn at random, in the corpus' order."""
    rng = stream(0, "studies/autointerpretation/documents")
    chosen = rng.permutation(len(corpus.documents))[:documents]
    return replace(
        corpus, documents=tuple(corpus.documents[number] for number in sorted(chosen))
    )


def _harvest(
    settings: AutointerpretationSettings,
    partial: Path,
    place: Place,
    subject: Subject,
    corpus: Corpus,
    progress: Progress,
) -> None:
    is_trained = place.arm == "trained"
    sites = [*settings.sites, *([EMBEDDING] if settings.embedding else [])]
    harvest(
        subject if is_trained else untrained(subject, place.seed),
        corpus,
        sites if is_trained else settings.control_sites,
        store_folder(partial, place),
        settings=HarvestSettings(max_tokens=settings.tokens),
        progress=progress,
    )
