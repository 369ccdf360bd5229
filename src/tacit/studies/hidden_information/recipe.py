"""How the study runs: pictures, a shared trunk, runs of every arm, measures; all resumable."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast, final

import numpy as np
import torch

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError
from tacit.base.progress import Progress
from tacit.bottlenecks.images import concept_images
from tacit.bottlenecks.networks import new_bottleneck
from tacit.bottlenecks.training import train
from tacit.bottlenecks.trunks import new_trunk
from tacit.studies.hidden_information.analysis import findings_of
from tacit.studies.hidden_information.arms import ARMS
from tacit.studies.hidden_information.drawing import make_pictures
from tacit.studies.hidden_information.picked import write_picked
from tacit.studies.hidden_information.pieces import measure_all, train_all
from tacit.studies.hidden_information.runs import pretrain
from tacit.studies.hidden_information.settings import PRESETS, HiddenSettings
from tacit.studies.study import Estimate, Findings, Preset, Study

ALWAYS = ("joint", "sequential")
CONCEPTS, IMAGES = 100, 256
"""Of the made-up pictures that a training step is timed on."""
REST = 1.4
"""All work over that of training: drawing, the shared trunk, heads and measures."""


@final
class HiddenInformation(Study):
    """Row 5: universality and hidden information in concept bottlenecks."""

    name: ClassVar[str] = "hidden-information"
    folder: ClassVar[Path] = Path(__file__).parent
    settings: ClassVar[type[Configuration]] = HiddenSettings
    presets: ClassVar[Mapping[Preset, Mapping[str, Any]]] = PRESETS

    def seeds(self, settings: Configuration) -> Sequence[int]:
        """Return the seeds of runs."""
        return cast(HiddenSettings, settings).seeds

    def units(self, settings: Configuration) -> str:
        """Return what intervals are over."""
        own = cast(HiddenSettings, settings)
        return (
            f"Intervals are over {len(own.seeds)} runs of each arm (seeds {min(own.seeds)} to "
            f"{max(own.seeds)}), by Student's t; those of swaps leave out one run at a time. All "
            "runs see one set of pictures and one split, so that they speak of these birds alone."
        )

    def check(self, settings: Configuration, memory_bytes: int) -> None:
        """Raise ``UserError`` where arms or seeds cannot be, or pictures do not fit in memory."""
        own = cast(HiddenSettings, settings)
        unknown = [arm for arm in own.arms if arm not in ARMS]
        missing = [arm for arm in ALWAYS if arm not in own.arms]
        if unknown or missing or len(set(own.arms)) < len(own.arms):
            raise UserError(
                f"arms is {own.arms}; give {' and '.join(ALWAYS)}, and others of {tuple(ARMS)}, "
                "each once."
            )
        if len(set(own.seeds)) < len(own.seeds):
            raise UserError(f"seeds is {own.seeds}; give each once.")
        if own.pictures.folder is None and not own.pictures.birds.twins:
            raise UserError(
                "pictures.birds.twins is false; the study compares twins of drawn birds, so leave "
                "it true."
            )
        needed = _memory_of(own)
        if needed > memory_bytes:
            raise UserError(
                f"the pictures need {needed / 2**30:.1f} GiB and this machine has "
                f"{memory_bytes / 2**30:.1f} to give; lower pictures.birds.images or side."
            )

    def estimate(self, settings: Configuration) -> Estimate:
        """Return time and memory, from one epoch on made-up pictures on one thread."""
        own = cast(HiddenSettings, settings)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as each run trains
        try:
            a_picture = _seconds_a_picture(own)
        finally:
            torch.set_num_threads(threads)
        birds = own.pictures.birds
        learned = birds.classes * birds.images * (1 - birds.test_share)
        runs = len(own.runs_of(has_twins=True))
        seconds = a_picture * learned * own.encoder.num_epochs * runs
        return Estimate(
            seconds=REST * seconds / threads,
            device=f"{threads} threads of this machine's CPU",
            memory_bytes=_memory_of(own),
            units=f"{runs} bottlenecks, {own.encoder.num_epochs} epochs of {learned:,.0f} pictures",
        )

    def measure(self, settings: Configuration, partial: Path, progress: Progress) -> None:
        """Draw, train and measure; what is there is not made again."""
        own = cast(HiddenSettings, settings)
        make_pictures(own, partial, progress)
        pretrain(own, partial, progress)
        train_all(own, partial, progress)
        measure_all(own, partial, progress)
        write_picked(own, partial)

    def analyse(self, settings: Configuration, partial: Path) -> Findings:
        """Return figures, claims and pages; then drop what was only worked with."""
        found = findings_of(cast(HiddenSettings, settings), partial)
        for name in ("work", "birds", "other-birds"):
            shutil.rmtree(partial / name, ignore_errors=True)
        return found


def _memory_of(settings: HiddenSettings) -> int:
    """Return the bytes that pictures take, twice over in each process."""
    own = settings.pictures
    images = own.birds.classes * own.birds.images + own.others.classes * own.others.images
    return 2 * torch.get_num_threads() * 3 * own.side**2 * images


def _seconds_a_picture(settings: HiddenSettings) -> float:
    """Return how long our own trunk takes to learn from one picture."""
    side, rng = settings.pictures.side, np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2 * IMAGES, 3, side, side), dtype=np.uint8)
    concepts = rng.random((2 * IMAGES, CONCEPTS)) < 0.5
    classes = rng.integers(0, 10, 2 * IMAGES)
    rows = np.arange(2 * IMAGES)
    images = concept_images(
        pixels, concepts, classes, train=rows[:IMAGES], validation=rows[IMAGES:]
    )
    arm = ARMS["joint"]
    learning = settings.learning_of(arm)
    brief = learning.encoder.model_copy(update={"num_epochs": 2})
    start = new_bottleneck(
        new_trunk(settings.network.trunk, seed=0),
        settings.shape_of(arm, CONCEPTS, 10),
        seed=0,
    )
    began = time.perf_counter()
    train(start, images, learning.model_copy(update={"encoder": brief}), seed=0)
    return (time.perf_counter() - began) / (2 * IMAGES)
