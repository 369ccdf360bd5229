"""Drawing a set of birds into a folder that appears whole, class by class, on several cores."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tacit.base.folders import is_complete, whole_folder
from tacit.base.manifest import describe, hardware
from tacit.base.progress import Progress, silent
from tacit.data.birds.annotators import habits
from tacit.data.birds.chunks import Chunk, draw_chunk
from tacit.data.birds.layout import ROOT, Found, write_layout
from tacit.data.birds.picture import pillow
from tacit.data.birds.plan import make_plan
from tacit.data.birds.settings import BirdSettings
from tacit.data.birds.truth import BirdTruth, read_truth, write_truth

KIND = "birds"
WORK = "work"
FEW = 300
"""Images that are drawn before another process would have started."""


def draw_birds(
    folder: Path | str,
    settings: BirdSettings | None = None,
    *,
    workers: int | None = None,
    passed: tuple[str, ...] = (),
    replace: bool = False,
    progress: Progress = silent,
) -> BirdTruth:
    """Draw birds into ``folder`` in the layout of CUB-200-2011, and return the truth of them.

    A stop leaves the classes that are complete, and the same settings resume; a set that is
    there with the same settings is left as it is. ``workers``: processes, by default one a core;
    the bytes do not depend on them.

    Raises:
        UserError: if Pillow is missing, the folder holds something else, or the species cannot
            all differ.
    """
    pillow()
    settings = settings or BirdSettings()
    folder, plan = Path(folder), make_plan(settings)
    ways = habits(settings.num_species, settings.noise, settings.seed)
    manifest = describe(
        KIND, settings.model_dump(mode="json"), passed=list(passed), seed=settings.seed
    )
    if not replace and is_complete(folder, manifest):
        return read_truth(folder)
    with whole_folder(folder, manifest, replace=replace) as partial:
        work = partial / WORK
        work.mkdir(exist_ok=True)
        images = partial / ROOT / "images"
        chunks = [
            Chunk(settings, plan, ways, label, images, work / f"{label:03d}.npz")
            for label in range(settings.classes)
        ]
        _draw(chunks, workers, progress)
        found: list[Found] = [dict(np.load(chunk.done)) for chunk in chunks]
        write_layout(partial, plan, found, quirks=settings.quirks)
        write_truth(partial, plan)
        shutil.rmtree(work)
    return read_truth(folder)


def _draw(chunks: list[Chunk], workers: int | None, progress: Progress) -> None:
    """Draw the classes that are not drawn yet."""
    each = chunks[0].settings.images
    left = [chunk for chunk in chunks if not chunk.done.exists()]
    with progress("draw", len(chunks) * each, "birds") as advance:
        advance((len(chunks) - len(left)) * each, earlier=True)
        for drawn in _each_drawn(left, _processes(workers, len(left) * each)):
            advance(drawn)


def _processes(workers: int | None, images: int) -> int:
    if workers is not None:
        return workers
    return 1 if images <= FEW else int(hardware()["cores"])


def _each_drawn(chunks: list[Chunk], processes: int) -> Iterator[int]:
    """Draw every class, here or in processes, and yield the images of each as it is done."""
    if processes == 1 or len(chunks) < 2:
        yield from map(draw_chunk, chunks)
        return
    # Started afresh: a copy of a process that has used threads may wait for them forever.
    fresh = multiprocessing.get_context("spawn")
    with fresh.Pool(min(processes, len(chunks)), _begin) as pool:
        yield from pool.imap_unordered(draw_chunk, chunks, chunksize=1)


def _begin() -> None:
    """Leave Ctrl-C to the process that waits for this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
