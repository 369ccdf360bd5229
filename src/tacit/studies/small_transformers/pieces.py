"""The pieces of the study's work: stores, fits, and the tables of one transformer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial as partial_of
from pathlib import Path
from typing import cast, get_args

from tacit.activations.tokens import VOCABULARY
from tacit.base.progress import Progress, silent
from tacit.base.seeds import stream
from tacit.data.text import load_text
from tacit.dictionaries import Dictionary
from tacit.metrics.recovery import match
from tacit.studies.side_by_side import run_side_by_side
from tacit.studies.small_transformers.cells import (
    Agreement,
    Cell,
    agreement,
    cells_of,
    shared_atoms,
)
from tacit.studies.small_transformers.dictionaries import (
    Reading,
    fit_folder,
    fitted,
    reading_of,
)
from tacit.studies.small_transformers.examples import Example, examples_of
from tacit.studies.small_transformers.settings import Fit, SmallSettings
from tacit.studies.small_transformers.subjects import (
    RANDOM,
    TRAINED,
    harvest_one,
    some_of,
    store_folder,
    twin_folder,
)
from tacit.studies.small_transformers.tables import cells_path, table_path
from tacit.studies.tables import write_rows

PAIRS: tuple[tuple[str, Fit, Fit], ...] = (
    ("same stream, other start", "main", "other start"),
    ("other documents, same start", "half a", "half b"),
)
"""Dictionaries of one size whose agreement is measured."""


def harvest_all(
    settings: SmallSettings,
    partial: Path,
    subjects: Sequence[tuple[int, int]],
    progress: Progress,
) -> None:
    """Write the stores of transformers, trained and with random weights."""
    corpus = some_of(load_text(settings.source), settings.tokens)
    for each in subjects:
        for kind in (TRAINED, RANDOM):
            harvest_one(settings, corpus, partial, each, kind, progress)


def fit_all(
    settings: SmallSettings,
    partial: Path,
    subjects: Sequence[tuple[int, int]],
    progress: Progress,
) -> None:
    """Fit everything that a subject's dictionaries are fitted to, the longest fits first."""
    wanted = [(each, which) for which in get_args(Fit) for each in subjects]
    pieces = [
        cast(
            Callable[[Progress], object],
            partial_of(fitted, settings, partial, *each, which),
        )
        for each, which in wanted
    ]
    with progress("fit", settings.steps * len(pieces), "steps") as advance:
        run_side_by_side(pieces, advance)


def measure_one(
    settings: SmallSettings, partial: Path, which: tuple[int, int], progress: Progress
) -> None:
    """Write a transformer's tables from its finished fits; they and its stores then go."""
    width, seed = which
    made = {
        each: fitted(settings, partial, width, seed, each, silent) for each in get_args(Fit)
    }
    readings = {
        each: reading_of(settings, partial, width, seed, each) for each in get_args(Fit)
    }
    cells: list[Cell] = []
    for each in get_args(Fit):
        cells += cells_of(settings, readings[each], width, made[each])
    agreements: list[Agreement] = [
        agreement(width, seed, ratio, pair, (made[first][ratio], made[second][ratio]))
        for pair, first, second in PAIRS
        for ratio in settings.control_ratios
    ]
    write_rows(table_path(partial, f"agreement-{width}-{seed}"), agreements)
    examples = _examples(settings, width, cells, readings["main"], made["main"])
    write_rows(table_path(partial, f"examples-{width}-{seed}"), examples)
    write_rows(cells_path(partial, width, seed), cells)
    for each in get_args(Fit):
        shutil.rmtree(fit_folder(partial, width, seed, each))
    for kind in (TRAINED, RANDOM):
        shutil.rmtree(store_folder(partial, width, seed, kind))
    shutil.rmtree(twin_folder(partial, width, seed))
    with progress("measure", 1, "transformers") as advance:
        advance()


def _examples(
    settings: SmallSettings,
    width: int,
    cells: Sequence[Cell],
    reading: Reading,
    made: Mapping[int, Dictionary],
) -> list[Example]:
    """Return examples of features drawn from the size with most shared ones."""
    sizes = [
        (cell.next.shared, -cell.ratio)
        for cell in cells
        if cell.fit == "main" and cell.next
    ]
    ratio = -max(sizes)[1]
    larger = min(other for other in made if other > ratio)
    shared = shared_atoms(match(made[ratio].atoms, made[larger].atoms)).nonzero()[0]
    rng = stream(reading.seed, "studies/small/examples")
    drawn = sorted(rng.permutation(shared)[: settings.examples].tolist())
    vocabulary = json.loads((reading.store.folder / VOCABULARY).read_text())
    return examples_of(reading, width, ratio, made[ratio], drawn, vocabulary)
