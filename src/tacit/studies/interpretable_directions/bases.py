"""The store of a subject and the bases of one seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.store import Store, open_store
from tacit.activations.streaming import Stream, rows_for
from tacit.base.progress import Progress
from tacit.data.stories.tasks import pairs_of
from tacit.data.text import load_text
from tacit.dictionaries import Dictionary, DifferenceOfMeans, LabelledRows, fit
from tacit.dictionaries.bases import halves
from tacit.models.prompt_pairs import read_pairs
from tacit.models.subject import Subject
from tacit.studies.interpretable_directions.arms import methods_of
from tacit.studies.interpretable_directions.settings import BY_LABEL, DirectionsSettings
from tacit.studies.tables import short

SPLIT = ("neuron-basis", "orthonormal")
"""Signed bases of which only the two sides are measured."""


def store_of(
    settings: DirectionsSettings,
    partial: Path,
    name: str,
    subject: Subject,
    progress: Progress,
) -> Store:
    """Return a subject's activations, harvested where they are not there yet."""
    folder = partial / "stores" / short(name)
    if folder.exists():
        return open_store(folder)
    corpus = load_text(settings.source)
    corpus = replace(corpus, documents=corpus.documents[: settings.documents])
    return harvest(
        subject,
        corpus,
        [settings.site],
        folder,
        settings=HarvestSettings(),
        progress=progress,
    )


def fit_folder(partial: Path, name: str, seed: int) -> Path:
    """Return where the fits of a seed keep their state, made if need be."""
    folder = partial / "fits" / f"{short(name)}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def bases_of(
    settings: DirectionsSettings,
    partial: Path,
    subject: Subject,
    store: Store,
    unit: tuple[str, int],
    progress: Progress,
) -> Mapping[str, Dictionary]:
    """Return every basis of one subject and seed, by name; finished fits are read back."""
    name, seed = unit
    blocks = Stream(
        store=store,
        sites=(settings.site,),
        rows=rows_for(store, [settings.site], held_out=False),
        seed=seed,
        block_rows=settings.batch,
    )
    methods = methods_of(settings, unit)
    made = fit(
        methods,
        blocks,
        [seed],
        steps=settings.steps,
        folder=fit_folder(partial, name, seed),
        progress=progress,
    )
    found = {key: each.dictionary for key, each in zip(methods, made, strict=True)}
    for key in ("pca", *SPLIT):
        found[f"{key}, both sides"] = halves(found[key])
    found[BY_LABEL] = difference_of_means(settings, subject, seed)
    return {key: value for key, value in found.items() if key not in SPLIT}


def untrained_basis(
    settings: DirectionsSettings,
    partial: Path,
    store: Store,
    unit: tuple[str, int],
    progress: Progress,
) -> Dictionary:
    """Return the top-k dictionary of the same architecture with random weights."""
    rows = rows_for(store, [settings.site], held_out=False)
    blocks = Stream(
        store=store,
        sites=(settings.site,),
        rows=rows,
        seed=unit[1],
        block_rows=settings.batch,
    )
    method = methods_of(settings, unit)["top-k"]
    folder = fit_folder(partial, untrained_name(unit), unit[1])
    steps = settings.steps
    made = fit([method], blocks, [unit[1]], steps=steps, folder=folder, progress=progress)
    return made[0].dictionary


def untrained_name(unit: tuple[str, int]) -> str:
    """Return the name of a subject's architecture with random weights."""
    return f"untrained-{short(unit[0])}-{unit[1]}"


@torch.no_grad()
def difference_of_means(
    settings: DirectionsSettings, subject: Subject, seed: int
) -> Dictionary:
    """Return one direction for each answer of the task, between its mean and that of the rest.

    Read at the last position, in both runs of prompts that are neither for choosing nor scored.
    """
    pairs = pairs_of(settings.task, 6 * settings.prompts, seed)[2 * settings.prompts :]
    prompts = read_pairs(subject, pairs)
    rows, words = [], []
    for ids, answer in (
        (prompts.clean, prompts.answer),
        (prompts.counterfactual, prompts.other),
    ):
        value = subject.run(ids, sites=(settings.site,)).activations[settings.site]
        rows.append(value[prompts.at("last").to(value.device)].float())
        words.append(answer)
    said = torch.cat(words)
    labels = {
        subject.tokenizer.decode([word]): said == word for word in said.unique().tolist()
    }
    return DifferenceOfMeans().fit(LabelledRows(rows=torch.cat(rows), labels=labels))
