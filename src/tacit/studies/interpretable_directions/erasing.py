"""Erasing concepts from a site by every method: what is lost, what it costs, what a probe finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

from tacit.activations.store import Store
from tacit.activations.windows import windows_in
from tacit.base.seeds import stream
from tacit.data.stories.tasks import pairs_of
from tacit.dictionaries import Dictionary
from tacit.interventions.erasure import Eraser, feature_erasers, probe, projections
from tacit.metrics.loss import kl_divergence
from tacit.models.prompt_pairs import PromptPairs, last_logits, read_pairs
from tacit.models.subject import Subject
from tacit.studies.interpretable_directions.settings import DirectionsSettings

NOTHING = "nothing"
"""Name of the arm in which nothing is erased."""


@final
@dataclass(frozen=True, kw_only=True)
class Concept:
    """What is erased: true of the token itself or of the one that follows."""

    truth: str
    at: str | None = None
    """Label of the rows that are asked; None: all."""
    is_next: bool = False
    task: str | None = None
    """Prompts that cannot be answered without it."""


CONCEPTS: Mapping[str, Concept] = {
    "gender": Concept(
        truth="female_pronoun", at="next_pronoun", is_next=True, task="pronoun"
    ),
    "number": Concept(
        truth="plural_verb", at="next_verb_number", is_next=True, task="agreement"
    ),
    "quotation": Concept(truth="in_quotation"),
}


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """One method's erasure of one concept, of one subject and seed."""

    subject: str
    seed: int
    concept: str
    eraser: str
    features: list[int]
    accuracy: float | None
    """Of the task, of prompts as many as the study scores; None where there is no task."""
    edit: float
    """Mean length of the change over held-out tokens."""
    other_kl: float
    """Mean KL(clean || edited) of the next token over held-out text, in nats."""
    linear: float
    linear_low: float
    linear_high: float
    mlp: float
    chance: float
    rows: int
    """Held-out rows that probes are scored on."""


def erasures_of(
    settings: DirectionsSettings,
    subject: Subject,
    unit: tuple[str, int],
    store: Store,
    dictionary: Dictionary,
) -> list[Erasure]:
    """Return every method's erasure of every concept that the store's labels know."""
    known = {
        name: each for name, each in CONCEPTS.items() if {each.truth} <= set(store.labels)
    }
    return [
        erasure
        for name, concept in known.items()
        for erasure in _erasures_of_concept(
            settings, subject, unit, store, dictionary, name, concept
        )
    ]


def _erasures_of_concept(
    settings: DirectionsSettings,
    subject: Subject,
    unit: tuple[str, int],
    store: Store,
    dictionary: Dictionary,
    name: str,
    concept: Concept,
) -> list[Erasure]:
    """Return every method's erasure of one concept, and nothing erased."""
    train, far = (
        rows_of_concept(settings, store, concept, held_out=side) for side in (0, 1)
    )
    rng = stream(unit[1], f"studies/directions/erasure/{name}")
    erasers = {
        NOTHING: Eraser(name=NOTHING, erase=lambda rows: rows),
        **projections(*train),
        **feature_erasers(dictionary, *train, rng, few=settings.few),
    }
    task = concept.task
    prompts = task and read_pairs(subject, pairs_of(task, 4 * settings.prompts, unit[1]))
    found = []
    for eraser in erasers.values():
        length, cost = _cost(settings, subject, store, eraser)
        told = [(eraser.erase(rows), truth) for rows, truth in (train, far)]
        probes = probe(told[0], told[1])
        found.append(
            Erasure(
                subject=unit[0],
                seed=unit[1],
                concept=name,
                eraser=eraser.name,
                features=list(eraser.features),
                accuracy=_accuracy(settings, subject, prompts, eraser) if prompts else None,
                edit=length,
                other_kl=cost,
                linear=probes["linear"].accuracy,
                linear_low=probes["linear"].low,
                linear_high=probes["linear"].high,
                mlp=probes["mlp"].accuracy,
                chance=probes["linear"].chance,
                rows=len(far[0]),
            )
        )
    return found


def rows_of_concept(
    settings: DirectionsSettings, store: Store, concept: Concept, *, held_out: int
) -> tuple[Tensor, Tensor]:
    """Return rows of one side, evenly over the text, and which have the concept."""
    truth = store.label(concept.truth)
    asked = store.usable(settings.site) & (store.column("held_out") == bool(held_out))
    if concept.at is not None:
        asked &= store.label(concept.at)
    if concept.is_next:
        context = store.column("context")
        truth = np.append(truth[1:], False)
        asked[:-1] &= context[1:] == context[:-1]
        asked[-1] = False
    rows = np.flatnonzero(asked)
    step = max(1, -(-len(rows) // settings.concept_rows))
    rows = rows[::step]
    return store.vectors(settings.site, rows).float(), torch.from_numpy(truth[rows])


@torch.no_grad()
def _cost(
    settings: DirectionsSettings, subject: Subject, store: Store, eraser: Eraser
) -> tuple[float, float]:
    """Return the edit's mean length and the mean KL on held-out text."""
    windows = windows_in(store, settings.site, held_out=True, max_windows=settings.windows)
    lengths, divergences = [], []
    for first in range(0, len(windows.ids), 16):
        ids = torch.from_numpy(windows.ids[first : first + 16])
        where = torch.from_numpy(windows.usable[first : first + 16])
        site = settings.site
        clean = subject.run(ids, sites=(site,), logits=True)
        edits = {site: eraser.edit(where)}
        edited = subject.run(ids, sites=(site,), edits=edits, logits=True)
        assert clean.logits is not None and edited.logits is not None
        moved = (edited.activations[site] - clean.activations[site])[where]
        lengths.append(moved.norm(dim=1))
        before, after = (
            each.logits[where].float().log_softmax(-1)
            for each in (clean, edited)
            if each.logits is not None
        )
        divergences.append(kl_divergence(before, after))
    return float(torch.cat(lengths).mean()), float(torch.cat(divergences).mean())


def _accuracy(
    settings: DirectionsSettings, subject: Subject, prompts: PromptPairs, eraser: Eraser
) -> float:
    """Return how often the right word is likelier, the concept erased at every position."""
    edits = {settings.site: eraser.edit()}
    logits = last_logits(subject, prompts.clean, edits=edits)
    rows = torch.arange(len(prompts))
    right = logits[rows, prompts.answer] > logits[rows, prompts.other]
    return float(right.double().mean())
