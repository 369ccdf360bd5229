"""The published case: one feature for the apostrophe, beside neurons and random weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from tacit.activations.store import Store
from tacit.activations.streaming import rows_for
from tacit.activations.windows import windows_in
from tacit.dictionaries import Dictionary
from tacit.interventions.cases import BINS, NeverActive, case_of
from tacit.metrics.purity import mean_rise
from tacit.models.subject import Subject
from tacit.studies.interpretable_directions.settings import DirectionsSettings

LABEL, FOLLOWS = "apostrophe", "possessive_s"
ROWS = 20_000
DICTIONARY, BEST_NEURON, NEAREST_NEURON, RANDOM = (
    "best feature",
    "best neuron",
    "the feature's nearest neuron",
    "random weights",
)


@dataclass(frozen=True, kw_only=True)
class Word:
    """The case of one feature, of one subject and seed."""

    subject: str
    seed: int
    arm: str
    feature: int
    f1: float
    """Of being active as a sign of the word, on training rows, by which it was chosen."""
    purity: float | None
    """Share of the word in the four highest tenths of activation, held out; None where the
    feature is never active there."""
    positions: int
    """Held-out positions where the feature is active."""
    word: list[int]
    others: list[int]
    """The same of each tenth of activation: the word's tokens, and all others."""
    follows: float | None
    """Mean rise in nats of the loss of what follows the word when the feature is ablated, over
    positions that stand before it."""
    other_rise: float | None
    """The same over all other positions where it is active."""


def words_of(
    settings: DirectionsSettings,
    subjects: Mapping[str, tuple[Subject, Store, Dictionary]],
    unit: tuple[str, int],
    neurons: Dictionary,
) -> list[Word]:
    """Return the cases; ``subjects`` are those of ``DICTIONARY`` and, maybe, of ``RANDOM``."""
    subject, store, dictionary = subjects[DICTIONARY]
    if not {LABEL, FOLLOWS} <= set(store.labels):
        return []
    feature, f1 = _best(settings, store, dictionary)
    nearest = int(dictionary.atoms[feature].abs().argmax())
    # The second half of the two sides are the opposites.
    nearest += len(neurons.atoms) // 2 * int(dictionary.atoms[feature, nearest] < 0)
    asked = {
        DICTIONARY: (subject, store, dictionary, feature, f1),
        BEST_NEURON: (subject, store, neurons, *_best(settings, store, neurons)),
        NEAREST_NEURON: (
            subject,
            store,
            neurons,
            nearest,
            float(_scores(settings, store, neurons)[nearest]),
        ),
    }
    if RANDOM in subjects:
        asked[RANDOM] = (
            *subjects[RANDOM],
            *_best(settings, subjects[RANDOM][1], subjects[RANDOM][2]),
        )
    return [_word(settings, unit, arm, *each) for arm, each in asked.items()]


def _scores(
    settings: DirectionsSettings, store: Store, dictionary: Dictionary
) -> torch.Tensor:
    """Return every feature's F1 as a sign of the word, on training rows."""
    rows = rows_for(store, [settings.site], held_out=False)
    rows = rows[:: max(1, -(-len(rows) // ROWS))]
    truth = torch.from_numpy(store.label(LABEL)[rows])
    active = (
        dictionary.encode(store.vectors(settings.site, rows).float()).dense() > 0
    ).double()
    hits = active[truth].sum(dim=0)
    return 2 * hits / (active.sum(dim=0) + truth.sum()).clamp(min=1)


def _best(
    settings: DirectionsSettings, store: Store, dictionary: Dictionary
) -> tuple[int, float]:
    scores = _scores(settings, store, dictionary)
    return int(scores.argmax()), float(scores.max())


def _word(
    settings: DirectionsSettings,
    unit: tuple[str, int],
    arm: str,
    subject: Subject,
    store: Store,
    dictionary: Dictionary,
    feature: int,
    f1: float,
) -> Word:
    windows = windows_in(store, settings.site, held_out=True, max_windows=settings.windows)
    empty = Word(
        subject=unit[0],
        seed=unit[1],
        arm=arm,
        feature=feature,
        f1=f1,
        purity=None,
        positions=0,
        word=[0] * BINS,
        others=[0] * BINS,
        follows=None,
        other_rise=None,
    )
    try:
        case = case_of(subject, windows, settings.site, dictionary, feature)
    except NeverActive:
        return empty
    tokens, following = (_tokens(store, label) for label in (LABEL, FOLLOWS))
    counts = case.histogram()
    inside = sum((counts[t] for t in counts if t in tokens), np.zeros(BINS, dtype=np.int64))
    every = sum(counts.values(), np.zeros(BINS, dtype=np.int64))
    before = np.isin(case.tokens, list(tokens)) & np.isin(case.next_tokens, list(following))
    return replace(
        empty,
        purity=case.purity(list(tokens)),
        positions=len(case.values),
        word=inside.tolist(),
        others=(every - inside).tolist(),
        follows=mean_rise(case.rises, before),
        other_rise=mean_rise(case.rises, ~before),
    )


def _tokens(store: Store, label: str) -> set[int]:
    return set(np.unique(store.column("token")[store.label(label)]).tolist())
