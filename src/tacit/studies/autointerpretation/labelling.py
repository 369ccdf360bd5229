"""Which labels tell where a feature is active: an explanation by truth, exact and without a reader.

Axes: n rows of the token table, d width, k directions.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.label_scorer import scores_of_directions
from tacit.explanations.labelled import LabelExplainer
from tacit.explanations.literals import held_out_f1, literals_of
from tacit.features.index import Index
from tacit.features.truth import rows_of
from tacit.studies.autointerpretation.codes import Coded, Fired
from tacit.studies.autointerpretation.places import Place
from tacit.studies.autointerpretation.rows import LabelRow

EQUALLY_DENSE = "random, equally dense"
"""The control: directions cut where they are as dense as the features of sparse coding."""


def label_explainer_of(index: Index, seed: int) -> LabelExplainer | None:
    """Return the explainer by labels; None where the text has none to tell by."""
    return LabelExplainer(index, seed=seed) if rows_of(index).truth else None


def labelled_of(
    explainer: LabelExplainer, place: Place, basis: str, fired: Mapping[int, Fired]
) -> list[LabelRow]:
    """Return some features of a basis, each with the labels that tell it and their F1."""
    labels, found = explainer.labels, []
    for feature, (rows, values) in fired.items():
        active = np.zeros(len(labels.context), dtype=bool)
        active[rows] = True
        rate = float(active[labels.rows.held_out].mean())
        chance = 2 * rate / (1 + rate)
        said = explainer.explanation_of(feature, rows, values)
        told = None
        if not isinstance(said, Gap):
            rng = stream(place.seed, f"studies/autointerpretation/labels/{basis}/{feature}")
            told = held_out_f1(labels, literals_of(said.rule), active, rng)
        found.append(
            LabelRow(
                subject=place.subject,
                seed=place.seed,
                site=place.site,
                basis=basis,
                feature=feature,
                density=float(active[labels.rows.train | labels.rows.held_out].mean()),
                f1=chance if told is None else told.value,
                chance=chance,
                is_told=told is not None,
                text=said.reason if isinstance(said, Gap) else said.text,
            )
        )
    return found


def control_of(
    explainer: LabelExplainer, place: Place, coded: Coded, fired: Mapping[int, Fired]
) -> list[LabelRow]:
    """Return as many random directions, each as dense as one of the features."""
    counted = explainer.labels.rows.train
    densities = [
        float(np.isin(np.flatnonzero(counted), rows).mean()) for rows, _ in fired.values()
    ]
    known = np.array([each for each in densities if 0 < each < 1])
    if not len(known):
        return []
    random = _coordinates(coded, place, len(known))
    rng = stream(place.seed, "studies/autointerpretation/labels/control")
    scores = scores_of_directions(explainer, random, known, rng)
    return [
        LabelRow(
            subject=place.subject,
            seed=place.seed,
            site=place.site,
            basis=EQUALLY_DENSE,
            feature=number,
            density=density,
            f1=score.chance if score.value is None else score.value,
            chance=score.chance,
            is_told=score.value is not None,
            text=score.reason or "",
        )
        for number, (density, score) in enumerate(zip(known.tolist(), scores, strict=True))
    ]


def _coordinates(coded: Coded, place: Place, num: int) -> Float[np.ndarray, "n k"]:
    """Return every row's products with random directions."""
    store = coded.store
    rng = stream(place.seed, f"studies/autointerpretation/labels/{place.site}")
    directions = rng.standard_normal((store.width(place.site), num)).astype(np.float32)
    rows = np.arange(store.num_tokens)
    return store.vectors(place.site, rows).numpy() @ directions
