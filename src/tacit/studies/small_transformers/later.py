"""The later counts: features that dictionaries at two penalties of one Pythia have in common."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.store import open_store
from tacit.activations.streaming import Stream, rows_for
from tacit.base.progress import Progress
from tacit.data.text import load_text
from tacit.dictionaries import ReluL1, fit
from tacit.metrics.recovery import count_close
from tacit.models.load import load_subject
from tacit.studies.small_transformers.dictionaries import TWIN
from tacit.studies.small_transformers.settings import SmallSettings
from tacit.studies.tables import read_rows, write_rows


@dataclass(frozen=True, kw_only=True)
class LaterCount:
    """One published count."""

    claim: str
    model: int
    """Place in ``later.models``."""
    site: str
    ratio: int
    """Atoms over width."""
    alphas: tuple[float, float]
    """Of the published loss, mean squared error plus alpha times the summed activations."""
    published: int


COUNTS = (
    LaterCount(claim="later-layer-2-twice", model=0, site="resid.2", ratio=2,
               alphas=(1.58e-3, 2.15e-3), published=383),
    LaterCount(claim="later-layer-4-four-times", model=0, site="resid.4", ratio=4,
               alphas=(1.58e-3, 2.15e-3), published=787),
    LaterCount(claim="later-layer-2-six-times", model=0, site="resid.2", ratio=6,
               alphas=(1.39e-3, 2.68e-3), published=1_502),
    LaterCount(claim="later-160m-layer-8", model=1, site="mlp_out.8", ratio=4,
               alphas=(1e-3, 8e-4), published=514),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What one seed's pair of dictionaries gives."""

    claim: str
    seed: int
    atoms: int
    shared: int
    """Atoms of the first whose best cosine in the second exceeds .9, several sharing one if so."""


def counted_path(partial: Path) -> Path:
    """Return where the counts are kept."""
    return partial / "artifacts" / "later.parquet"


def read_counts(partial: Path) -> list[Counted]:
    """Return the counts of a run; none where no model was named."""
    path = counted_path(partial)
    return read_rows(path, Counted) if path.exists() else []


def count_all(settings: SmallSettings, partial: Path, progress: Progress) -> None:
    """Count for every claim and seed, where that is not done yet."""
    if settings.later.models is None or counted_path(partial).exists():
        return
    found: list[Counted] = []
    for number, name in enumerate(settings.later.models):
        counts = [each for each in COUNTS if each.model == number]
        folder = partial / "later" / str(number)
        _harvest(settings, name, counts, folder / "store", progress)
        for count in counts:
            found += _counted(settings, count, folder, progress)
    write_rows(counted_path(partial), found)
    shutil.rmtree(partial / "later")


def _harvest(
    settings: SmallSettings,
    name: str,
    counts: Sequence[LaterCount],
    folder: Path,
    progress: Progress,
) -> None:
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    later, subject = settings.later, load_subject(name)
    sites = sorted({count.site for count in counts})
    for site in sites:
        subject.width(site)  # an unknown site is told before the text is read
    reading = HarvestSettings(
        max_tokens=later.tokens,
        context_tokens=later.context_tokens,
        high_norm_factor=None,  # the published runs left nothing out
    )
    harvest(
        subject, load_text(later.source), sites, folder, settings=reading, progress=progress
    )


def _counted(
    settings: SmallSettings, count: LaterCount, folder: Path, progress: Progress
) -> list[Counted]:
    """Return the count of every seed, from two dictionaries on one stream, each with its start."""
    store, later = open_store(folder / "store"), settings.later
    width = store.width(count.site)
    found = []
    for seed in settings.seeds:
        blocks = Stream(
            store=store,
            sites=(count.site,),
            rows=rows_for(store, [count.site], held_out=False),
            seed=seed,
            block_rows=later.batch,
        )
        first, second = (
            fit(
                [_method(settings, count, width, alpha)],
                blocks,
                [own],
                steps=later.steps,
                folder=_made(folder / f"{count.claim}-{own}"),
                progress=progress,
            )[0]
            for alpha, own in zip(count.alphas, (seed, seed + TWIN), strict=True)
        )
        atoms = first.dictionary.atoms
        found.append(
            Counted(
                claim=count.claim,
                seed=seed,
                atoms=len(atoms),
                shared=count_close(atoms, second.dictionary.atoms),
            )
        )
    return found


def _method(settings: SmallSettings, count: LaterCount, width: int, alpha: float) -> ReluL1:
    """Return the published loss at one alpha, on raw rows, tied, with nothing added to it."""
    return ReluL1(
        num_atoms=count.ratio * width,
        penalty=alpha * width,
        tied=True,
        learning_rate=settings.later.learning_rate,
        clip=None,
        centre="none",
        scaled=False,
        revive_every_steps=None,
    )


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
