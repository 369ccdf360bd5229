"""How the features of a run agree with the labels of its text, beside a random basis."""

from __future__ import annotations

import numpy as np
import torch

from tacit.activations.store import Store
from tacit.base.records import Gap, Record
from tacit.base.seeds import stream
from tacit.features.agreement import LabelAgreement, label_agreement
from tacit.features.index import Index
from tacit.features.truth import rows_of
from tacit.metrics.bootstrap import bootstrap_mean
from tacit.metrics.results import as_result
from tacit.verbs.settings import LearnSettings


def agreement_of(
    index: Index, store: Store, settings: LearnSettings
) -> LabelAgreement | Gap:
    """Return how features agree with the labels, or why that cannot be said of this text."""
    if not rows_of(index).truth:
        reason = (
            "no truth is known for this text's tokens"
            if not index.manifest["labels"]
            else "no label is both there and absent in training and in held-out text"
        )
        return Gap(name="f1", reason=reason, of={"of": "best features"})
    width = store.width(settings.site)
    rng = stream(settings.seed, "verbs/random basis")
    drawn = torch.from_numpy(rng.standard_normal((width, width))).float()
    basis = torch.linalg.qr(drawn).Q
    coordinates = np.zeros((store.num_tokens, width), dtype=np.float32)
    usable = np.flatnonzero(store.usable(settings.site))
    vectors = store.vectors(settings.site, usable)
    trained = torch.from_numpy(~store.column("held_out")[usable])
    coordinates[usable] = ((vectors - vectors[trained].mean(dim=0)) @ basis).numpy()
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
            else:
                reason = "no feature fires often enough to be matched with a label"
                records.append(Gap(name=name, reason=reason, of={"of": of}))
    return records
