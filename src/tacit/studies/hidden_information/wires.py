"""Heads that learn anew while encoders are shuffled under them, and what they then rely on.

The encoders stay as they were. Axes: n images, c concepts, m classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tacit.base.progress import Progress, silent
from tacit.bottlenecks.crossing import CrossStage, cross
from tacit.bottlenecks.files import load_bottleneck
from tacit.bottlenecks.heads import train_heads
from tacit.bottlenecks.networks import Bottleneck, carried, new_bottleneck
from tacit.bottlenecks.reading import class_logits_of, passed
from tacit.bottlenecks.swapping import swap
from tacit.studies.hidden_information.arms import ARMS, EXTREMES
from tacit.studies.hidden_information.pictures import Pictures, read_pictures
from tacit.studies.hidden_information.runs import read_said, run_path
from tacit.studies.hidden_information.setting_concepts import accuracy_when_set
from tacit.studies.hidden_information.settings import HiddenSettings
from tacit.studies.tables import write_rows

WIRES: dict[str, tuple[str, str]] = {
    "crossed": ("joint", "joint"),
    "mixed": EXTREMES,
}
"""Arms of the two encoders that heads are shuffled over."""
AGAIN = "again"
"""Heads that learn as long on their own encoder."""


@final
@dataclass(frozen=True, kw_only=True)
class WireRow:
    """A head that learned anew, read on one of its encoders."""

    wires: str
    seed: int
    encoder: str
    accuracy: float
    before: float
    """Of the encoder's own first head."""
    twin_accuracy: float | None
    set_accuracy: float
    """With every concept set to its truth."""
    n: int


def write_wires(
    settings: HiddenSettings,
    partial: Path,
    path: Path,
    seed: int,
    progress: Progress = silent,
) -> None:
    """Write what heads make of shuffled encoders, the seed's own and the next seed's."""
    pictures = read_pictures(partial)
    seeds = settings.seeds
    following = seeds[(seeds.index(seed) + 1) % len(seeds)]
    rows = _again(settings, partial, pictures, seed)
    for wires, arms in WIRES.items():
        if all(arm in settings.arms for arm in arms):
            pair = [(arms[0], seed), (arms[1], following)]
            rows += _crossed(settings, partial, pictures, wires, pair, progress)
    write_rows(path, rows)


def _crossed(
    settings: HiddenSettings,
    partial: Path,
    pictures: Pictures,
    wires: str,
    pair: Sequence[tuple[str, int]],
    progress: Progress,
) -> list[WireRow]:
    models = [load_bottleneck(run_path(partial, *run)) for run in pair]
    starts = [
        new_bottleneck(model.encoder.trunk, model.settings, seed=seed)
        for model, (_, seed) in zip(models, pair, strict=True)
    ]
    found = cross(
        models,
        pictures.to_learn(pictures.classes),
        [CrossStage(moves="heads", descent=settings.head, is_fresh=True)],
        settings.learning_of(ARMS["joint"]),
        seed=pair[0][1],
        starts=starts,
        progress=progress,
    )
    return [
        _row(partial, pictures, wires, pair[0][1], run, model)
        for run, model in zip(pair, found.models, strict=True)
    ]


def _again(
    settings: HiddenSettings, partial: Path, pictures: Pictures, seed: int
) -> list[WireRow]:
    """Return the control: a fresh head that learns as long on one encoder alone."""
    model = load_bottleneck(run_path(partial, "joint", seed))
    fresh = new_bottleneck(model.encoder.trunk, model.settings, seed=seed)
    model.head.load_state_dict(fresh.head.state_dict())
    images = pictures.to_learn(pictures.classes)
    train_heads(
        [model.head],
        [carried(passed(model.encoder, images.pixels), model.settings.carries)],
        images.classes,
        [settings.head],
        seeds=[seed],
        train_rows=images.train_rows,
        validation_rows=images.validation_rows,
    )
    return [_row(partial, pictures, AGAIN, seed, ("joint", seed), model)]


def _row(
    partial: Path,
    pictures: Pictures,
    wires: str,
    seed: int,
    run: tuple[str, int],
    model: Bottleneck,
) -> WireRow:
    said, test = read_said(partial, *run), pictures.split.test
    classes = pictures.classes[test]
    found = swap(
        [said.concept_logits[test]], [model.head], classes, twin_of=pictures.twin_of
    )
    before = said.class_logits[test].argmax(axis=1) == classes
    return WireRow(
        wires=wires,
        seed=seed,
        encoder=run[0],
        accuracy=float(found.accuracy[0, 0]),
        before=float(before.mean()),
        twin_accuracy=None if found.twins is None else float(found.twins.accuracy[0, 0]),
        set_accuracy=accuracy_when_set(
            pictures,
            said.concept_logits,
            lambda logits: class_logits_of(model.head, logits),
        ),
        n=len(test),
    )
