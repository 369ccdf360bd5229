"""How the features of a run agree with the labels of its text, beside a random basis."""

from __future__ import annotations

import numpy as np
import torch

from tacit.activations.store import Store
from tacit.base.records import Record
from tacit.base.seeds import stream
from tacit.features.agreement import LabelAgreement, label_agreement
from tacit.features.index import Index
from tacit.metrics.bootstrap import bootstrap_mean
from tacit.verbs.measure import as_result
from tacit.verbs.settings import LearnSettings


def agreement_of(
    index: Index, store: Store, settings: LearnSettings
) -> LabelAgreement | None:
    """Return how features agree with the labels; None when no truth is known."""
    if not index.manifest["labels"]:
        return None
    width = store.width(settings.site)
    rng = stream(settings.seed, "verbs/random basis")
    basis = torch.linalg.qr(torch.from_numpy(rng.standard_normal((width, width))).float())[
        0
    ]
    coordinates = np.zeros((store.num_tokens, width), dtype=np.float32)
    usable = np.flatnonzero(store.usable(settings.site))
    vectors = store.vectors(settings.site, usable)
    coordinates[usable] = ((vectors - vectors.mean(dim=0)) @ basis).numpy()
    return label_agreement(index, coordinates, seed=settings.seed)


def agreement_records(agreement: LabelAgreement, seed: int) -> list[Record]:
    """Return the mean over labels of the best F1 and AUROC, features' and random directions'."""
    rng = stream(seed, "verbs/agreement")
    records: list[Record] = []
    for of, found in (
        ("best features", agreement.by_label),
        ("random basis", agreement.random),
    ):
        for name in ("f1", "auroc"):
            values = np.array([vars(each)[name] for each in found.values()])
            if len(values):
                records.append(as_result(name, bootstrap_mean(values, rng), {"of": of}))
    return records
