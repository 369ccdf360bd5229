"""The transformers: shipped or trained, the same with random weights, and their stores."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, replace
from functools import partial as partial_of
from pathlib import Path

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.base.folders import whole_folder
from tacit.base.manifest import describe
from tacit.base.progress import Progress
from tacit.data.documents import Corpus
from tacit.models.load import load_subject
from tacit.models.shipped import SHIPPED, shipped_folder
from tacit.studies.side_by_side import run_side_by_side
from tacit.studies.small_transformers.settings import SmallSettings
from tacit.training.lesson import Lesson, lesson_of
from tacit.training.recipes import RECIPES, Recipe
from tacit.training.train_subject import build, save, train_subject

TRAINED, RANDOM = "trained", "random weights"
"""The two transformers of one width and seed: as trained, and as it began."""
CHARACTERS = 16
"""Read for every token wanted, so that windows come from many documents."""
EMBEDDING = "embed"
"""Site of the token embeddings."""


@dataclass(frozen=True, kw_only=True)
class HeldOutLoss:
    """How well one transformer predicts documents that it never saw, beside what frequencies do."""

    width: int
    seed: int
    parameters: int
    nats: float
    low: float
    high: float
    """95 % interval over documents."""
    unigram: float
    trigram: float
    documents: int
    """Held-out ones."""


def folder_of(settings: SmallSettings, partial: Path, width: int, seed: int) -> Path:
    """Return where a trained transformer is: with Tacit, if its recipe is one of ours."""
    recipe = settings.subject.recipe(settings.source, width, seed)
    if is_shipped(recipe):
        return shipped_folder(recipe.name)
    return partial / "subjects" / recipe.name


def is_shipped(recipe: Recipe) -> bool:
    """Return whether this very recipe's transformer comes with Tacit."""
    return recipe.name in SHIPPED and RECIPES.get(recipe.name) == recipe


def train_all(settings: SmallSettings, partial: Path, progress: Progress) -> None:
    """Train every transformer that is neither shipped nor there, one a thread."""
    missing = [
        (width, seed)
        for width, seed in settings.subjects
        if not (folder_of(settings, partial, width, seed) / "training.json").exists()
    ]
    if not missing:
        return
    lesson = lesson_of(settings.subject.recipe(settings.source, *missing[0]))
    _ = lesson.baselines  # once, before threads ask for it
    pieces = [partial_of(_train, settings, lesson, partial, each) for each in missing]
    total = settings.subject.steps * len(pieces)
    with progress("train transformers", total, "steps") as advance:
        run_side_by_side(pieces, advance)


def _train(
    settings: SmallSettings,
    lesson: Lesson,
    partial: Path,
    which: tuple[int, int],
    progress: Progress,
) -> None:
    recipe = settings.subject.recipe(settings.source, *which)
    final = partial / "subjects" / recipe.name
    manifest = describe("subject", {"recipe": recipe.name}, passed=[], seed=recipe.seed)
    with (
        whole_folder(final, manifest) as folder,
        progress("train", recipe.schedule.num_steps, "steps") as advance,
    ):
        work = folder / "training"
        train_subject(recipe, folder, lesson=lesson, work=work, report=lambda *_: advance())
        shutil.rmtree(work)


def losses_of(settings: SmallSettings, partial: Path) -> list[HeldOutLoss]:
    """Return the held-out loss of every transformer."""
    found = []
    for width, seed in settings.subjects:
        facts = json.loads(
            (folder_of(settings, partial, width, seed) / "training.json").read_text()
        )
        held = facts["held_out"]
        low, high = held["interval"]
        found.append(
            HeldOutLoss(
                width=width,
                seed=seed,
                parameters=facts["parameters"],
                nats=held["nats_per_token"],
                low=low,
                high=high,
                unigram=held["unigram_nats_per_token"],
                trigram=held["trigram_nats_per_token"],
                documents=held["num_documents"],
            )
        )
    return found


def twin_folder(partial: Path, width: int, seed: int) -> Path:
    """Return where a transformer with random weights is."""
    return partial / "subjects" / f"random-{width}-{seed}"


def random_twin(settings: SmallSettings, partial: Path, width: int, seed: int) -> Path:
    """Return the folder of the same transformer before training, with the same tokenizer."""
    folder = twin_folder(partial, width, seed)
    if not (folder / "config.json").exists():
        recipe = settings.subject.recipe(settings.source, width, seed)
        trained = load_subject(folder_of(settings, partial, width, seed))
        save(build(recipe), trained.tokenizer, folder)
    return folder


def some_of(corpus: Corpus, tokens: int) -> Corpus:
    """Return whole documents, drawn by their names, with characters enough for so many tokens."""
    kept, characters = [], 0
    for document in sorted(
        corpus.documents, key=lambda each: hashlib.sha256(each.name.encode()).digest()[8:]
    ):
        kept.append(document)
        characters += len(document.text)
        if characters >= CHARACTERS * tokens:
            break
    return replace(corpus, documents=tuple(kept))


def store_folder(partial: Path, width: int, seed: int, kind: str) -> Path:
    """Return where one transformer's store is."""
    return partial / "stores" / f"{width}-{seed}-{kind.replace(' ', '-')}"


def harvest_one(
    settings: SmallSettings,
    corpus: Corpus,
    partial: Path,
    which: tuple[int, int],
    kind: str,
    progress: Progress,
) -> None:
    """Write the store of one transformer, where it is not there yet."""
    width, seed = which
    final = store_folder(partial, width, seed, kind)
    if final.exists():
        return
    sites = [settings.site]
    if kind == TRAINED:
        sites.append(EMBEDDING)
        folder = folder_of(settings, partial, width, seed)
    else:
        corpus = replace(corpus, labeller=None)  # nobody asks what its features mean
        folder = random_twin(settings, partial, width, seed)
    subject, reading = load_subject(folder), HarvestSettings(max_tokens=settings.tokens)
    harvest(subject, corpus, sites, final, settings=reading, progress=progress)
