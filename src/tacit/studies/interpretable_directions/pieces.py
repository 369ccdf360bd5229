"""One subject and seed: its bases, and every table made of them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tacit.base.progress import Progress
from tacit.models.subject import Subject
from tacit.studies.interpretable_directions.apostrophe import DICTIONARY, RANDOM, words_of
from tacit.studies.interpretable_directions.bases import (
    bases_of,
    fit_folder,
    store_of,
    untrained_basis,
    untrained_name,
)
from tacit.studies.interpretable_directions.curves import Curve, curves_of, of_curves
from tacit.studies.interpretable_directions.erasing import erasures_of
from tacit.studies.interpretable_directions.everywhere import (
    TOP_K,
    everywhere_of,
    layers_of,
    store_everywhere,
)
from tacit.studies.interpretable_directions.greedy import greedy_of
from tacit.studies.interpretable_directions.moments import moments_of
from tacit.studies.interpretable_directions.settings import LEARNED, DirectionsSettings
from tacit.studies.interpretable_directions.steering import steered_of
from tacit.studies.interpretable_directions.substituting import substituted_of
from tacit.studies.interpretable_directions.tracing import traced_of
from tacit.studies.tables import short, write_rows

TABLES = ("curves", "erasures", "substituted", "steered", "moments", "words")
"""Of every subject and seed, in the order in which they are written."""
OF_LAYERS = ("moments_elsewhere", "traced", "everywhere", "shared")
"""The same of those of which every layer is looked at."""


def measure_one(
    settings: DirectionsSettings,
    partial: Path,
    unit: tuple[str, int],
    subject: Subject,
    twin: Subject | None,
    progress: Progress,
) -> None:
    """Write the tables of one subject and seed; its fits then go.

    ``twin``: the same architecture with random weights, for the case study's control.
    """
    store = store_of(settings, partial, unit[0], subject, progress)
    bases = bases_of(settings, partial, subject, store, unit, progress)
    curves = curves_of(settings, subject, unit, bases)
    best = best_of(curves, unit)
    if settings.has_greedy(unit):
        chosen = {name: bases[name] for name in (best, "pca")}
        curves += greedy_of(settings, subject, unit, chosen)
    write_rows(table_of(partial, "curves", unit), curves)
    erasures = erasures_of(settings, subject, unit, store, bases[best])
    write_rows(table_of(partial, "erasures", unit), erasures)
    substituted = substituted_of(settings, subject, unit, store, settings.site, bases)
    write_rows(table_of(partial, "substituted", unit), substituted)
    steered = steered_of(settings, subject, unit, store, bases[best])
    write_rows(table_of(partial, "steered", unit), steered)
    moments = moments_of(settings, unit, store, bases)
    write_rows(table_of(partial, "moments", unit), moments)
    arms = {DICTIONARY: (subject, store, bases[best])}
    if twin is not None:
        far = store_of(settings, partial, untrained_name(unit), twin, progress)
        arms[RANDOM] = (twin, far, untrained_basis(settings, partial, far, unit, progress))
    words = words_of(settings, arms, unit, bases["neuron-basis, both sides"])
    write_rows(table_of(partial, "words", unit), words)
    shutil.rmtree(fit_folder(partial, unit[0], unit[1]))


def measure_everywhere(
    settings: DirectionsSettings,
    partial: Path,
    unit: tuple[str, int],
    source: str,
    subject: Subject,
    twin: Subject | None,
    progress: Progress,
) -> None:
    """Write the tables of every layer of one subject and seed.

    ``twin``: the same architecture with random weights, for the control of causal trees.
    """
    store = store_everywhere(settings, partial, unit[0], source, subject, progress)
    found = everywhere_of(settings, partial, subject, store, unit, progress)
    bases = {} if unit[0] in settings.subjects else found.layers.get(settings.site, {})
    moments = moments_of(settings, unit, store, bases) if bases else []
    write_rows(table_of(partial, "moments_elsewhere", unit), moments)
    layers = {site: own[TOP_K] for site, own in found.layers.items()}
    traced = traced_of(settings, subject, unit, store, layers)
    if twin is not None:
        name = untrained_name(unit)
        far = store_everywhere(settings, partial, name, source, twin, progress)
        control = layers_of(settings, partial, twin, far, (name, unit[1]), progress)
        traced += traced_of(settings, twin, unit, far, control, arm="untrained")
    write_rows(table_of(partial, "traced", unit), traced)
    write_rows(table_of(partial, "everywhere", unit), found.substituted)
    write_rows(table_of(partial, "shared", unit), found.shared)


def best_of(curves: Sequence[Curve], unit: tuple[str, int]) -> str:
    """Return the learned dictionary with the smallest area on the prompts for choosing."""
    own = {basis: of_curves(curves, basis, "each prompt")[unit] for basis in LEARNED}
    area = {
        basis: each.chosen_area
        for basis, each in own.items()
        if each.chosen_area is not None
    }
    return min(area, key=lambda basis: area[basis])


def table_of(partial: Path, name: str, unit: tuple[str, int]) -> Path:
    """Return where a table of one subject and seed is."""
    return partial / "artifacts" / f"{name}-{short(unit[0])}-{unit[1]}.parquet"
