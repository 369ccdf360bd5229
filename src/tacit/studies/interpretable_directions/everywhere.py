"""Every layer of a subject on a text of its own.

What the reconstruction costs there, how many atoms are live, and how many two dictionaries share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.store import Store, open_store
from tacit.activations.streaming import Stream, rows_for
from tacit.base.progress import Progress
from tacit.base.seeds import stream
from tacit.data.text import load_text
from tacit.dictionaries import Dictionary, Method, ReluL1, TopK, fit
from tacit.metrics.recovery import close_share
from tacit.models.subject import Subject
from tacit.studies.interpretable_directions.arms import at_penalty
from tacit.studies.interpretable_directions.bases import fit_folder
from tacit.studies.interpretable_directions.settings import DirectionsSettings
from tacit.studies.interpretable_directions.substituting import Substituted, substituted_of
from tacit.studies.tables import short

LAYERS, OUTPUTS = "resid.*", "mlp_out.*"
TOP_K = "top-k"
OVERCOMPLETE = 4
"""Atoms a dimension of the dictionaries of MLP outputs, as published."""
APART = 10_000
"""Added to a seed: no unit has it, so those dictionaries began elsewhere and saw other rows."""
FITS = 3
"""Fits of each subject and seed."""
NEXT_PENALTY, OTHER_SEED, RANDOM = "the next penalty", "another seed", "random directions"


@dataclass(frozen=True, kw_only=True)
class Shared:
    """How many atoms of ReLU with L1 come close to one of another dictionary of their size."""

    subject: str
    seed: int
    site: str
    other: str
    penalty: float
    other_penalty: float | None
    share: float
    """Of atoms with a cosine above .9 with some atom of the other, as published: not one to one."""
    atoms: int


@dataclass(frozen=True, kw_only=True)
class Everywhere:
    """The tables of one subject and seed."""

    substituted: list[Substituted]
    shared: list[Shared]
    layers: Mapping[str, Mapping[str, Dictionary]]
    """Dictionaries of each layer by name."""


def store_everywhere(
    settings: DirectionsSettings,
    partial: Path,
    name: str,
    source: str,
    subject: Subject,
    progress: Progress,
) -> Store:
    """Return every layer's activations on the subject's own text."""
    folder = partial / "stores" / f"everywhere-{short(name)}"
    if folder.exists():
        return open_store(folder)
    corpus = load_text(source)
    corpus = replace(corpus, documents=corpus.documents[: settings.documents])
    sites = subject.site_map.expand([LAYERS, OUTPUTS])
    limit = HarvestSettings(max_tokens=settings.everywhere_tokens)
    return harvest(subject, corpus, sites, folder, settings=limit, progress=progress)


def everywhere_of(
    settings: DirectionsSettings,
    partial: Path,
    subject: Subject,
    store: Store,
    unit: tuple[str, int],
    progress: Progress,
) -> Everywhere:
    """Return one subject and seed's figures at every layer and every MLP's output."""
    layers = tuple(subject.site_map.expand([LAYERS]))
    outputs = tuple(subject.site_map.expand([OUTPUTS]))
    own = _fitted(settings, partial, store, unit, layers, of_layers(settings), progress)
    width = store.width(outputs[0])
    wide = {at_penalty(0): ReluL1(num_atoms=OVERCOMPLETE * width, penalty=0.0)}
    wide["relu-l1"] = ReluL1(num_atoms=OVERCOMPLETE * width, penalty=settings.penalty)
    own |= _fitted(settings, partial, store, unit, outputs, wide, progress)
    substituted = [
        row
        for site, bases in own.items()
        for row in substituted_of(settings, subject, unit, store, site, bases)
    ]
    apart = (unit[0], unit[1] + APART)
    plain = {"relu-l1": of_layers(settings)["relu-l1"]}
    others = _fitted(settings, partial, store, apart, layers, plain, progress)
    shared = [
        row
        for site in layers
        for row in _shared(settings, unit, site, own[site], others[site]["relu-l1"])
    ]
    return Everywhere(
        substituted=substituted,
        shared=shared,
        layers={site: own[site] for site in layers},
    )


def layers_of(
    settings: DirectionsSettings,
    partial: Path,
    subject: Subject,
    store: Store,
    unit: tuple[str, int],
    progress: Progress,
) -> dict[str, Dictionary]:
    """Return the top-k dictionary of every layer alone."""
    layers = tuple(subject.site_map.expand([LAYERS]))
    method = {TOP_K: of_layers(settings)[TOP_K]}
    found = _fitted(settings, partial, store, unit, layers, method, progress)
    return {site: own[TOP_K] for site, own in found.items()}


def of_layers(settings: DirectionsSettings) -> dict[str, Method]:
    """Return what is fitted to every layer."""
    atoms = settings.atoms
    return {
        TOP_K: TopK(num_atoms=atoms, k=settings.active),
        "relu-l1": ReluL1(num_atoms=atoms, penalty=settings.penalty),
        **{
            at_penalty(each): ReluL1(num_atoms=atoms, penalty=each)
            for each in settings.penalties
        },
    }


def _fitted(
    settings: DirectionsSettings,
    partial: Path,
    store: Store,
    unit: tuple[str, int],
    sites: tuple[str, ...],
    methods: Mapping[str, Method],
    progress: Progress,
) -> dict[str, dict[str, Dictionary]]:
    """Return dictionaries by site and name, all fitted over one reading."""
    blocks = Stream(
        store=store,
        sites=sites,
        rows=rows_for(store, sites, held_out=False),
        seed=unit[1],
        block_rows=settings.batch,
    )
    made = fit(
        methods,
        blocks,
        [unit[1]],
        steps=settings.everywhere_steps,
        folder=fit_folder(partial, f"{unit[0]}-{sites[0]}", unit[1]),
        progress=progress,
    )
    found: dict[str, dict[str, Dictionary]] = {site: {} for site in sites}
    for each in made:
        found[each.site][each.name] = each.dictionary
    return found


def _shared(
    settings: DirectionsSettings,
    unit: tuple[str, int],
    site: str,
    bases: Mapping[str, Dictionary],
    elsewhere: Dictionary,
) -> list[Shared]:
    """Return what ReLU with L1 has in common with its neighbours, and with chance."""
    atoms = bases["relu-l1"].atoms
    rng = stream(unit[1], f"studies/directions/shared/{site}")
    drawn = torch.from_numpy(rng.standard_normal(atoms.shape)).to(atoms)
    larger = [each for each in settings.penalties if each > settings.penalty]
    asked: dict[str, tuple[float | None, Tensor]] = {
        OTHER_SEED: (settings.penalty, elsewhere.atoms),
        RANDOM: (None, drawn),
    }
    if larger:
        asked[NEXT_PENALTY] = (min(larger), bases[at_penalty(min(larger))].atoms)
    return [
        Shared(
            subject=unit[0],
            seed=unit[1],
            site=site,
            other=other,
            penalty=settings.penalty,
            other_penalty=penalty,
            share=close_share(atoms, directions),
            atoms=len(atoms),
        )
        for other, (penalty, directions) in asked.items()
    ]
