"""A subject by hand that repeats the word before the current one, and dictionaries of it.

Its text is pairs of letters that alternate, so that (``copied``, a) at ``resid.0`` is all that
makes it write an ``a``: the truth of which atom to clamp, and of which to steer by.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch.nn.functional import normalize

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.store import Store
from tacit.base.seeds import stream
from tacit.data.text import load_text
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.selections import Relu
from tacit.evaluations.concepts import Concept
from tacit.evaluations.evidence import Evidence, Live, codes_of
from tacit.models.circuits.attention_only import LETTERS
from tacit.models.circuits.circuit import Circuit

SITE = "resid.0"
TURNED = 0.8
"""Cosine of a good dictionary's atoms with the true directions."""
SILENT = {"perfect": 0.01, "good": 0.3, "random": 0.3}
"""What an activation must exceed: more than what other directions leave along an atom."""
NUM_WORDS = 28


def copied_store(circuit: Circuit, folder: Path, *, times: int = 2) -> Store:
    """Return a store of every pair of letters, alternating, in so many documents each."""
    text = folder / "text"
    text.mkdir(parents=True)
    for time in range(times):
        for first, second in combinations(LETTERS, 2):
            pair = (first, second) if time % 2 else (second, first)
            words = " ".join(pair[place % 2] for place in range(NUM_WORDS))
            (text / f"{first}{second}{time}.txt").write_text(words)
    settings = HarvestSettings(contexts_per_shard=64)
    return harvest(
        circuit.subject, load_text(text), [SITE], folder / "store", settings=settings
    )


def copied_evidence(
    circuit: Circuit, store: Store, quality: Literal["perfect", "good", "random"]
) -> Evidence:
    """Return a dictionary of known quality; the label ``is a`` is having the token a."""
    rows = np.flatnonzero(store.usable(SITE))
    activations = store.vectors(SITE, rows)
    dictionary = _dictionary(circuit, quality)
    token = store.column("token")[rows]
    document = store.column("document")[rows].astype(np.int64)
    concepts = tuple(
        Concept(
            name=f"is {letter}",
            classes=("no", "yes"),
            truth=(token == circuit.subject.tokenize(letter).ids[0]).astype(np.int64),
            kind="label",
        )
        for letter in LETTERS
    )
    return Evidence(
        basis="dictionary",
        dictionary=dictionary,
        activations=activations,
        codes=codes_of(dictionary, activations),
        document=document,
        held_out=document % 3 == 0,
        concepts=concepts,
        rows=rows,
        live=Live(subject=circuit.subject, store=store, site=SITE, folder=store.folder),
    )


def with_subject(evidence: Evidence, **changes: object) -> Evidence:
    """Return evidence whose subject is another in some fields."""
    assert evidence.live is not None
    subject = replace(evidence.live.subject, **changes)
    return replace(evidence, live=replace(evidence.live, subject=subject))


def _dictionary(circuit: Circuit, quality: str) -> Dictionary:
    true = circuit.directions
    rng = stream(0, f"tests/copied/{circuit.directions[0, 0]:.6f}")
    drawn = torch.from_numpy(rng.standard_normal(tuple(true.shape))).float()
    along = (drawn * true).sum(dim=1, keepdim=True) * true
    atoms = {
        "perfect": true,
        "good": TURNED * true + (1 - TURNED**2) ** 0.5 * normalize(drawn - along, dim=1),
        "random": normalize(drawn, dim=1),
    }[quality]
    return Dictionary(
        atoms=atoms,
        encoder=atoms.clone(),
        encoder_bias=torch.full((len(atoms),), -SILENT[quality]),
        centre=torch.zeros(atoms.shape[1]),
        scale=1.0,
        selection=Relu(),
        method="by hand",
        seed=0,
    )
