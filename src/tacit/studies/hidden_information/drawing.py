"""How the pictures of a run come about: drawn, or read from a folder, then kept as arrays.

Axes: k concepts, r images that vote.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Int

from tacit.base.errors import UserError
from tacit.base.files import write_atomically, written_aside
from tacit.base.progress import Progress
from tacit.data.birds import BirdSettings, BirdTruth, draw_birds, read_truth
from tacit.data.cub import (
    ConceptLabels,
    Cub,
    check_varied,
    concepts_by_rule,
    instance_labels,
    majority_labels,
    published_concepts,
    read_cub,
    read_pixels,
    split,
)
from tacit.studies.hidden_information.pictures import (
    SPLIT_SEED,
    arrays_path,
    facts_path,
    pixels_path,
)
from tacit.studies.hidden_information.settings import HiddenSettings, PictureSettings


def make_pictures(settings: HiddenSettings, partial: Path, progress: Progress) -> None:
    """Draw or read all pictures of a run, where that is not done yet."""
    own = settings.pictures
    if not facts_path(partial, "main").exists():
        folder = own.folder or drawn(own.birds, partial / "birds", progress)
        _write_main(own, folder, partial)
    if settings.network.backbone is None and not facts_path(partial, "others").exists():
        _write_others(own, drawn(own.others, partial / "other-birds", progress), partial)


def drawn(settings: BirdSettings, folder: Path, progress: Progress) -> Path:
    """Return a folder of drawn birds, drawn if it is not there."""
    draw_birds(folder, settings, progress=progress)
    return folder


def _write_main(settings: PictureSettings, folder: Path, partial: Path) -> None:
    cub = read_cub(folder)
    parts = split(cub, validation_share=settings.validation_share, seed=SPLIT_SEED)
    voting = np.concatenate([parts.train, parts.validation])
    columns = _columns(settings, cub, voting)
    labels = instance_labels(cub, columns)
    if settings.labels == "majority":
        present = majority_labels(cub, voting, columns)
        labels = ConceptLabels.of_classes(present, cub.labels)
    named = cub.attributes
    check_varied(labels.take(parts.train), columns, named)
    truth = read_truth(folder) if settings.folder is None else None
    arrays = {
        "classes": cub.labels,
        "annotated": labels.values,
        "known": labels.known,
        "train": parts.train,
        "validation": parts.validation,
        "test": parts.test,
        **({} if truth is None else _of_truth(truth, columns)),
    }
    facts = {
        "names": cub.classes,
        "concepts": [named[column] for column in columns],
        "mended": dict(cub.mended),
    }
    pixels = read_pixels(cub, np.arange(len(cub.labels)), settings.side)
    _write(partial, "main", pixels, arrays, facts)


def _columns(
    settings: PictureSettings, cub: Cub, voting: Int[np.ndarray, " r"]
) -> Int[np.ndarray, " k"]:
    """Return the attributes that serve as concepts.

    Raises:
        UserError: where the rule leaves none.
    """
    if settings.published:
        return published_concepts(cub)
    found = concepts_by_rule(cub, voting, min_classes=settings.least_classes)
    present = majority_labels(cub, voting, found).sum(axis=0)
    kept = found[present <= len(cub.classes) - settings.least_classes]
    if not len(kept):
        raise UserError(
            f"no attribute is in {settings.least_classes} classes or more and missing in as many; "
            "lower pictures.least_classes or give more classes."
        )
    return kept


def _of_truth(truth: BirdTruth, columns: Int[np.ndarray, " k"]) -> Mapping[str, np.ndarray]:
    return {
        "rendered": truth.rendered[:, columns],
        "cue": truth.cue,
        "nuisance": truth.nuisance,
        "twin_of": truth.twin_of,
        "kind_of": np.unique([str(kind) for kind in truth.cue_kind], return_inverse=True)[
            1
        ],
    }


def _write_others(settings: PictureSettings, folder: Path, partial: Path) -> None:
    cub = read_cub(folder)
    parts = split(cub, validation_share=settings.validation_share, seed=SPLIT_SEED)
    # Nothing is measured on these images, so that those of the test are learned from too.
    arrays = {
        "classes": cub.labels,
        "train": np.concatenate([parts.train, parts.test]),
        "validation": parts.validation,
    }
    pixels = read_pixels(cub, np.arange(len(cub.labels)), settings.side)
    _write(partial, "others", pixels, arrays, {"names": cub.classes})


def _write(
    partial: Path,
    name: str,
    pixels: np.ndarray,
    arrays: Mapping[str, np.ndarray],
    facts: Mapping[str, object],
) -> None:
    """Write pixels, arrays and facts; the facts come last and say that all is there."""
    partial.joinpath("work").mkdir(exist_ok=True)
    for path, save in (
        (pixels_path(partial, name), lambda file: np.save(file, pixels)),
        (
            arrays_path(partial, name),
            lambda file: np.savez(file, allow_pickle=False, **arrays),
        ),
    ):
        with written_aside(path) as aside, aside.open("wb") as file:
            save(file)
    write_atomically(facts_path(partial, name), json.dumps(facts) + "\n")
