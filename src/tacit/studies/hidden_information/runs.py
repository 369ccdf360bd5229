"""One run: a bottleneck of an arm and a seed, trained, and what it says of every image.

Axes: n images, c concepts and slots, m classes, f features of the trunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int

from tacit.base.files import written_aside
from tacit.base.progress import Progress, silent
from tacit.bottlenecks.backbones import read_backbone, rebuilt_backbone
from tacit.bottlenecks.files import load_bottleneck, load_trunk, save_bottleneck, save_trunk
from tacit.bottlenecks.heads import train_heads
from tacit.bottlenecks.images import augmented
from tacit.bottlenecks.networks import Bottleneck, ClassHead, new_bottleneck, new_head
from tacit.bottlenecks.pretraining import pretrain_trunk
from tacit.bottlenecks.reading import class_logits_of, passed
from tacit.bottlenecks.stages import TrainSettings
from tacit.bottlenecks.training import train
from tacit.bottlenecks.trunks import Trunk, drawn_from, new_trunk
from tacit.studies.hidden_information.arms import ARMS
from tacit.studies.hidden_information.pictures import Pictures, read_others, read_pictures
from tacit.studies.hidden_information.settings import HiddenSettings

TRUNK_SEED = 0
"""Of the trunk that runs share, as the published runs shared ImageNet's."""
ORDER_SEED = 0
"""Of the order of images in the arm where all runs share one."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Said:
    """What a run says of every image."""

    concept_logits: Float[np.ndarray, "n c"]
    class_logits: Float[np.ndarray, "n m"]
    features: Float[np.ndarray, "n f"]
    """Of the trunk, before concepts."""
    varied_accuracy: float
    """Share of training images classed rightly when varied as in training, with dropout."""


def pretrain(settings: HiddenSettings, partial: Path, progress: Progress) -> None:
    """Make the trunk that runs share, where it is not there yet."""
    if settings.network.backbone is not None or (partial / "work" / "trunk").exists():
        return
    fresh = new_trunk(settings.network.trunk, seed=TRUNK_SEED)
    threads = torch.get_num_threads()
    # As every run: numbers do not depend on the machine, and threads that wait for one another
    # cost minutes where something else runs beside.
    torch.set_num_threads(1)
    try:
        learned = pretrain_trunk(
            fresh,
            read_others(partial),
            settings.pretraining,
            seed=TRUNK_SEED,
            augment=settings.augment,
            progress=progress,
        )
    finally:
        torch.set_num_threads(threads)
    save_trunk(learned.trunk, partial / "work" / "trunk")


def run_path(partial: Path, arm: str, seed: int) -> Path:
    """Return where a run's network is kept; beside it, ``.npz``, what it says."""
    return partial / "work" / f"{arm.replace(' ', '-')}-{seed}"


def train_run(
    settings: HiddenSettings,
    partial: Path,
    arm: str,
    seed: int,
    progress: Progress = silent,
) -> None:
    """Train one run and keep what it says, where that is not there yet."""
    path = run_path(partial, arm, seed)
    if said_path(path).exists():
        return
    pictures, chosen = read_pictures(partial), ARMS[arm]
    shape = settings.shape_of(chosen, len(pictures.concepts), len(pictures.names))
    start = new_bottleneck(_trunk(settings, partial, arm, seed), shape, seed=seed)
    classes = pictures.coin_classes() if chosen.is_cueless else pictures.classes
    images, learning = pictures.to_learn(classes), settings.learning_of(chosen)
    order = seed if chosen.order == "own" else ORDER_SEED
    model = train(start, images, learning, seed=order, progress=progress).model
    save_bottleneck(model, path)
    _write_said(said_path(path), model, pictures, learning, classes)


def said_path(path: Path) -> Path:
    """Return where a run's readings are kept."""
    return path.with_name(f"{path.name}.npz")


def read_said(partial: Path, arm: str, seed: int) -> Said:
    """Return what a run said."""
    with np.load(said_path(run_path(partial, arm, seed))) as held:
        arrays = {name: held[name] for name in held.files}
    return Said(**{**arrays, "varied_accuracy": float(arrays["varied_accuracy"])})


def head_of(partial: Path, arm: str, seed: int) -> ClassHead:
    """Return a run's class head."""
    return load_bottleneck(run_path(partial, arm, seed)).head


def independent_head(settings: HiddenSettings, pictures: Pictures, seed: int) -> ClassHead:
    """Return a class head that has learned from annotations alone."""
    shape = settings.shape_of(
        ARMS["sequential"], len(pictures.concepts), len(pictures.names)
    )
    head = new_head(shape, seed=seed)
    images = pictures.to_learn(pictures.classes)
    train_heads(
        [head],
        [images.concepts],
        images.classes,
        [settings.head],
        seeds=[seed],
        train_rows=images.train_rows,
        validation_rows=images.validation_rows,
    )
    return head


def _trunk(settings: HiddenSettings, partial: Path, arm: str, seed: int) -> Trunk:
    """Return the trunk that a run begins with: the shared one, or one of its own."""
    network = settings.network
    is_own = ARMS[arm].trunk == "own"
    if network.backbone is not None:
        pretrained = read_backbone(network.backbone)
        with drawn_from(seed, "hidden/backbone"):
            return rebuilt_backbone(pretrained.facts()) if is_own else pretrained
    if is_own:
        return new_trunk(network.trunk, seed=seed)
    return load_trunk(partial / "work" / "trunk")


def _write_said(
    path: Path,
    model: Bottleneck,
    pictures: Pictures,
    learning: TrainSettings,
    classes: Int[np.ndarray, " n"],
) -> None:
    pixels = torch.from_numpy(pictures.pixels)
    features = passed(model.encoder.trunk, pixels)
    with torch.no_grad():
        concept_logits = model.encoder.from_features(features).numpy()
    said = {
        "concept_logits": concept_logits,
        "class_logits": class_logits_of(model.head, concept_logits),
        "features": features.numpy(),
        "varied_accuracy": np.array(_varied_accuracy(model, pictures, learning, classes)),
    }
    with written_aside(path) as aside, aside.open("wb") as file:
        np.savez(file, allow_pickle=False, **said)


def _varied_accuracy(
    model: Bottleneck,
    pictures: Pictures,
    learning: TrainSettings,
    classes: Int[np.ndarray, " n"],
) -> float:
    """Return the share of training images told rightly as they are seen in training."""
    noise = torch.Generator().manual_seed(ORDER_SEED)
    rows = torch.from_numpy(pictures.split.train)
    right = 0
    with torch.no_grad():
        for few in rows.split(256):
            pixels = torch.from_numpy(pictures.pixels[few.numpy()])
            told = model(augmented(pixels, learning.augment, noise), noise)[1]
            right += int((told.argmax(dim=1).numpy() == classes[few.numpy()]).sum())
    return right / len(rows)
