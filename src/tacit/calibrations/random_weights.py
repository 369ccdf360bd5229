"""What instruments that read a model say of one that has learned nothing.

Axes: n rows, d width.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import ClassVar, final

import numpy as np
import torch

from tacit.activations.harvest import harvest
from tacit.base.seeds import stream
from tacit.calibrations.agreeing import agreement_with, is_above_random
from tacit.calibrations.instrument import Aspect, Instrument, Kind, Trial
from tacit.calibrations.probing import probed
from tacit.data.documents import Corpus
from tacit.data.text import load_text
from tacit.dictionaries import RowBlocks, TopK, fit
from tacit.evaluations.concepts import Concept
from tacit.evaluations.evidence import Evidence, codes_of
from tacit.evaluations.planted_evidence import HELD_OUT_ONE_IN
from tacit.models.load import load_subject
from tacit.models.subject import Subject
from tacit.models.untrained import untrained

SUBJECT, SITE = "stories", "resid.2"
LABELS = ("female_name", "about_female")
"""Of a token itself, and of what stood before it."""
ATOMS, ACTIVE, STEPS, BATCH = 256, 8, 200, 512


@final
@dataclass(frozen=True, kw_only=True)
class RandomWeights(Instrument):
    """Probes and label agreement on a small language model, and on it with random weights.

    Power: how often they find labels in the trained model. False alarms: how often they find
    them where nothing was learned; a label of tokens can be read off random weights too, and what
    is told of it there is no finding about a model.
    """

    kind: ClassVar[Kind] = "probe"
    unit: ClassVar[str] = "documents"

    world: str = "the model stories, and the same with weights drawn at random"
    sizes: tuple[int, ...] = (40,)
    lacks: Mapping[Aspect, str] = field(
        default_factory=lambda: {
            "interval_coverage": "the true value on a model is not known",
            "calibration_bias": "the true value on a model is not known",
            "ranked_rightly": "there are two models, not three",
        }
    )

    def trial(self, size: int, seed: int) -> Sequence[Trial]:
        """Return what is found in the trained model and in one of random weights, on one text."""
        text = _drawn(size, seed)
        subject = load_subject(SUBJECT)
        trained, blank = (
            _said(_evidence(each, text, seed), seed)
            for each in (subject, untrained(subject, seed))
        )
        return [
            Trial(
                figure=figure,
                setting=setting,
                detected=found[0],
                false_alarm=blank.get((figure, setting), (False, None))[0],
                value=found[1],
            )
            for (figure, setting), found in trained.items()
        ]


@cache
def _corpus() -> Corpus:
    return load_text(SUBJECT)


def _drawn(num_documents: int, seed: int) -> Corpus:
    documents = _corpus().documents
    rng = stream(seed, "calibrations/random weights/text")
    chosen = rng.choice(len(documents), num_documents, replace=False)
    return replace(_corpus(), documents=tuple(documents[place] for place in chosen))


def _evidence(subject: Subject, text: Corpus, seed: int) -> Evidence:
    """Return rows of the model's site, and a dictionary that was fitted to those not held out."""
    with tempfile.TemporaryDirectory() as folder:
        store = harvest(subject, text, [SITE], Path(folder) / "store")
        rows = np.flatnonzero(store.usable(SITE))
        vectors = store.vectors(SITE, rows).float()
        document = store.column("document")[rows].astype(np.int64)
        concepts = tuple(
            Concept(
                name=name,
                classes=("no", "yes"),
                truth=store.label(name)[rows].astype(np.int64),
                kind="label",
            )
            for name in store.labels
        )
    held_out = document % HELD_OUT_ONE_IN == 0
    train = vectors[torch.from_numpy(~held_out)]
    blocks = RowBlocks(rows={SITE: train}, block_rows=min(BATCH, len(train)), seed=seed)
    (fitted,) = fit([TopK(num_atoms=ATOMS, k=ACTIVE)], blocks, [seed], steps=STEPS)
    return Evidence(
        basis="dictionary",
        dictionary=fitted.dictionary,
        activations=vectors,
        codes=codes_of(fitted.dictionary, vectors),
        document=document,
        held_out=held_out,
        concepts=concepts,
        rows=rows,
    )


def _said(evidence: Evidence, seed: int) -> dict[tuple[str, str], tuple[bool, float]]:
    """Return, by figure and setting, whether something is found, and the figure."""
    held_out = torch.from_numpy(evidence.held_out)
    found: dict[tuple[str, str], tuple[bool, float]] = {}
    for name in LABELS:
        truth = torch.from_numpy(evidence.concept(name).has_it)
        sides = [
            (evidence.activations[part], truth[part]) for part in (~held_out, held_out)
        ]
        own = evidence.document[evidence.held_out]
        told = probed(sides[0], sides[1], own, seed).get("linear")
        if told is not None:
            key = ("probe_accuracy", f"linear, {name}")
            found[key] = (not told.is_at_chance, told.accuracy)
    agreement = agreement_with(evidence, seed)
    if agreement is not None:
        mean = float(np.mean([each.f1 for each in agreement.by_label.values()]))
        found["f1", "best features"] = (is_above_random(agreement, seed), mean)
    return found
