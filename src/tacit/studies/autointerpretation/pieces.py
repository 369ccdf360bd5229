"""One place of the study: its bases, and the tables of their features."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np

from tacit.activations.store import Store, open_store
from tacit.base.progress import Progress
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.floors import RandomExplainer, UnigramExplainer
from tacit.explanations.fragments import fragments_of
from tacit.explanations.lexical import LexicalReader
from tacit.explanations.reader import Reader
from tacit.features.build import build_index
from tacit.features.index import Index
from tacit.studies.autointerpretation.bases import (
    BASES,
    CONTROL_BASES,
    SPARSE,
    Basis,
    bases_of,
    forget_fits,
    swept_of,
)
from tacit.studies.autointerpretation.codes import Coded, coded
from tacit.studies.autointerpretation.instruments import Instruments
from tacit.studies.autointerpretation.labelling import (
    control_of,
    label_explainer_of,
    labelled_of,
)
from tacit.studies.autointerpretation.places import (
    SWEEP,
    Place,
    is_control,
    site_of,
    store_folder,
    table_of,
)
from tacit.studies.autointerpretation.rows import FIGURES, BasisRow, FeatureRow, LabelRow
from tacit.studies.autointerpretation.scoring import Drawn, Told, drawn, told_of
from tacit.studies.autointerpretation.settings import AutointerpretationSettings
from tacit.studies.tables import write_rows

TABLES = ("features", "labels", "bases")
"""Of every place, in the order in which they are written."""
NUM_FLOORS = 2


@final
@dataclass(frozen=True, kw_only=True)
class Bench:
    """What the bases of one place are measured with."""

    settings: AutointerpretationSettings
    partial: Path
    place: Place
    """With the site that is read, also where sizes are swept."""
    key: str
    instruments: Instruments
    progress: Progress

    def told(
        self, chosen: Drawn, basis: Basis, explainer: Explainer, reader: Reader
    ) -> dict[int, Told]:
        """Return the chosen features of a basis, explained and scored."""
        name = f"{self.key}-{basis.file_name}.jsonl"
        return told_of(
            chosen,
            explainer,
            reader,
            self.instruments.budget,
            self.partial / "ledgers" / name,
            self.place.seed,
            self.progress,
        )


def measure_place(
    settings: AutointerpretationSettings,
    partial: Path,
    place: Place,
    instruments: Instruments,
    progress: Progress,
) -> None:
    """Write the tables of one place; its fits then go."""
    store = open_store(store_folder(partial, place))
    at = replace(place, site=site_of(settings, place))
    if place.site == SWEEP:
        bases = swept_of(settings, partial, store, at, place.key, progress)
    else:
        names = CONTROL_BASES if is_control(place) else BASES
        bases = bases_of(settings, partial, store, at, place.key, names, progress)
    index = build_index(
        bases[0].dictionary, store, partial / "indexes" / place.key, replace=True
    )
    bench = Bench(
        settings=settings,
        partial=partial,
        place=at,
        key=place.key,
        instruments=instruments,
        progress=progress,
    )
    has_labels = place.site != SWEEP and not is_control(place)
    tables = _tables_of(bench, store, index, bases, has_labels=has_labels)
    for name, rows in zip(TABLES, tables, strict=True):
        write_rows(table_of(partial, name, place), rows)
    forget_fits(partial, place.key)
    shutil.rmtree(index.folder)


def features_at(settings: AutointerpretationSettings, place: Place) -> int:
    """Return how many features, floors among them, are explained at a place."""
    if place.site == SWEEP:
        return settings.features * (len(settings.sizes) + len(settings.shares))
    num = len(CONTROL_BASES if is_control(place) else BASES)
    return settings.features * (num + NUM_FLOORS)


def _tables_of(
    bench: Bench, store: Store, index: Index, bases: Sequence[Basis], *, has_labels: bool
) -> tuple[list[FeatureRow], list[LabelRow], list[BasisRow]]:
    """Return the rows of every basis of a place."""
    fragments, place = fragments_of(index), bench.place
    by_label = label_explainer_of(index, place.seed) if has_labels else None
    features: list[FeatureRow] = []
    labels: list[LabelRow] = []
    rows: list[BasisRow] = []
    for basis in bases:
        one = coded(basis.dictionary, store, place.site, fragments)
        chosen = drawn(bench.settings, one, place, basis.name)
        features += _explained(bench, basis, one, chosen)
        if by_label is not None:
            labels += labelled_of(by_label, place, basis.name, chosen.fired)
            if basis.name == SPARSE:
                labels += control_of(by_label, place, one, chosen.fired)
        rows.append(_basis_row(place, basis, one, chosen))
    return features, labels, rows


def _explained(bench: Bench, basis: Basis, one: Coded, chosen: Drawn) -> list[FeatureRow]:
    """Return a basis' features as they are explained, and under both floors where it is first."""
    explainer, reader = bench.instruments.explainer, bench.instruments.reader
    told = bench.told(chosen, basis, explainer, reader)
    rows = _feature_rows(bench.place, basis, one, explainer, told)
    if basis.name != SPARSE or basis.is_swept:
        return rows
    said = [e.explanation for e in told.values() if isinstance(e.explanation, Explanation)]
    if len(said) > 1:
        exchanged = RandomExplainer(said, bench.place.seed)
        told = bench.told(chosen, basis, exchanged, reader)
        rows += _feature_rows(bench.place, basis, one, exchanged, told)
    single = UnigramExplainer()
    told = bench.told(chosen, basis, single, LexicalReader())
    return rows + _feature_rows(bench.place, basis, one, single, told)


def _feature_rows(
    place: Place,
    basis: Basis,
    one: Coded,
    explainer: Explainer,
    told: Mapping[int, Told],
) -> list[FeatureRow]:
    density, skew, kurtosis = (
        each.numpy()
        for each in (one.firing.density(), one.moments.skew(), one.moments.kurtosis())
    )
    return [
        FeatureRow(
            subject=place.subject,
            seed=place.seed,
            arm=place.arm,
            site=place.site,
            basis=basis.name,
            explainer=explainer.name,
            atoms=basis.dictionary.num_atoms,
            ratio=basis.ratio,
            share=basis.share,
            is_swept=basis.is_swept,
            feature=feature,
            density=float(density[feature]),
            skew=_finite(skew[feature]),
            kurtosis=_finite(kurtosis[feature]),
            num_active=int(one.num_active[feature]),
            **{column: each.scores[name] for name, column in FIGURES.items()},
            says_nothing=each.says_nothing,
            unanswered=each.unanswered,
            text=each.text,
        )
        for feature, each in told.items()
    ]


def _basis_row(place: Place, basis: Basis, one: Coded, chosen: Drawn) -> BasisRow:
    return BasisRow(
        subject=place.subject,
        seed=place.seed,
        arm=place.arm,
        site=place.site,
        basis=basis.name,
        atoms=basis.dictionary.num_atoms,
        ratio=basis.ratio,
        share=basis.share,
        is_swept=basis.is_swept,
        l0=one.firing.mean_l0(),
        sparse_l0=basis.sparse_l0,
        fvu=one.fvu(),
        enough=chosen.enough,
        left_out=chosen.left_out,
        scored=len(chosen.exhibits),
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
