"""Every basis of one place: sparse coding with its bias and without, and what it must beat.

Published bases keep what is above zero of a row's products with their directions. Those of the
k largest keep as many a row as sparse coding does on average, so that sparsity alone is matched.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import torch

from tacit.activations.store import Store
from tacit.activations.streaming import Stream, rows_for
from tacit.base.progress import Progress
from tacit.dictionaries import (
    ICA,
    NMF,
    PCA,
    Dictionary,
    InputContract,
    Method,
    NeuronBasis,
    RandomDirections,
    ReluL1,
    TopK,
    fit,
)
from tacit.dictionaries.selections import Relu, TopKPositive
from tacit.studies.autointerpretation.codes import l0_of
from tacit.studies.autointerpretation.places import Place
from tacit.studies.autointerpretation.settings import AutointerpretationSettings

SPARSE, TOP_K = "sparse-coding", "top-k"
LEARNED = (SPARSE, TOP_K)
BASELINES = ("neurons", "random", "pca", "ica", "nmf")
UNCENTRED = BASELINES[:2]
NO_BIAS, LARGEST = ", no bias", ", k largest"
BASES = (
    *(name + form for name in LEARNED for form in ("", NO_BIAS)),
    *(name + form for name in BASELINES for form in ("", LARGEST)),
)
"""Those of every site of a trained subject."""
CONTROL_BASES = (*LEARNED, *BASELINES[:4])
"""Those measured with random weights and on token embeddings."""
ICA_ITERATIONS = 100


@final
@dataclass(frozen=True, kw_only=True)
class Basis:
    """One basis of a place."""

    name: str
    dictionary: Dictionary
    ratio: float
    """Atoms over dimensions."""
    sparse_l0: float
    """Mean number of active atoms of sparse coding there, which those of the k largest share."""
    share: float = 1.0
    """Of the steps that others were trained for."""
    is_swept: bool = False

    @property
    def file_name(self) -> str:
        """Name that its files bear."""
        name = self.name.replace(", ", "-").replace(" ", "-")
        return f"{name}-{self.ratio:g}-{self.share:g}" if self.is_swept else name


def bases_of(
    settings: AutointerpretationSettings,
    partial: Path,
    store: Store,
    place: Place,
    key: str,
    names: Sequence[str],
    progress: Progress,
) -> list[Basis]:
    """Return bases of a place by their names, fitted to training rows; a stopped fit goes on."""
    width = store.width(place.site)
    atoms = atoms_of(settings.ratio_at(place.site), width)
    components = settings.component_rows
    first: dict[str, Method] = {
        SPARSE: sparse_coding(settings, place.site, atoms),
        "neurons": NeuronBasis(),
        "pca": PCA(),
        "ica": ICA(num_vectors=components, max_iterations=ICA_ITERATIONS),
        "nmf": NMF(num_vectors=components),
    }
    first = {name: method for name, method in first.items() if name in names}
    fits = Fits(settings, store, place, fit_folder(partial, key), progress)
    made = fits.fitted("first", first)
    sparse_l0 = l0_of(made[SPARSE], store, place.site)
    k = min(max(1, round(sparse_l0)), width, atoms)
    matched: dict[str, Method] = {
        TOP_K: TopK(num_atoms=atoms, k=k),
        "random": RandomDirections(num_atoms=atoms, k=k),
    }
    made |= fits.fitted("matched", matched)
    found = forms_of(made, k)
    return [
        Basis(
            name=name,
            dictionary=found[name],
            ratio=found[name].num_atoms / width,
            sparse_l0=sparse_l0,
        )
        for name in names
    ]


def forms_of(made: Mapping[str, Dictionary], k: int) -> dict[str, Dictionary]:
    """Return every fitted basis plain, and without its bias or with the k largest alone."""
    found = {name: made[name] for name in LEARNED}
    found |= {name + NO_BIAS: directions_alone(made[name]) for name in LEARNED}
    for name in (each for each in BASELINES if each in made):
        # As published, the first two know no mean.
        own = directions_alone(made[name]) if name in UNCENTRED else made[name]
        found[name] = replace(own, selection=Relu())
        found[name + LARGEST] = replace(own, selection=TopKPositive(k=k))
    return found


def swept_of(
    settings: AutointerpretationSettings,
    partial: Path,
    store: Store,
    place: Place,
    key: str,
    progress: Progress,
) -> list[Basis]:
    """Return sparse coding of other sizes, and trained for shorter."""
    width, own = store.width(place.site), settings.ratio_at(place.site)
    fits = Fits(settings, store, place, fit_folder(partial, key), progress)
    sizes: dict[str, Method] = {
        f"{ratio:g}": sparse_coding(settings, place.site, atoms_of(ratio, width))
        for ratio in settings.sizes
    }
    made = fits.fitted("sizes", sizes) if sizes else {}
    found = [(made[f"{ratio:g}"], ratio, 1.0) for ratio in settings.sizes]
    for share in settings.shares:
        method = {SPARSE: sparse_coding(settings, place.site, atoms_of(own, width))}
        shorter = fits.fitted(f"share-{share:g}", method, share=share)
        found.append((shorter[SPARSE], own, share))
    return [
        Basis(
            name=SPARSE,
            dictionary=dictionary,
            ratio=ratio,
            share=share,
            sparse_l0=l0_of(dictionary, store, place.site),
            is_swept=True,
        )
        for dictionary, ratio, share in found
    ]


def sparse_coding(settings: AutointerpretationSettings, site: str, atoms: int) -> ReluL1:
    """Return the published method: tied, started about zero, dead atoms left alone."""
    return ReluL1(
        num_atoms=atoms,
        penalty=settings.penalty_at(site),
        tied=True,
        centre="none",
        scaled=settings.scaled,
        revive_every_steps=None,
    )


def atoms_of(ratio: float, width: int) -> int:
    """Return the atoms of a dictionary; two at the least."""
    return max(2, round(ratio * width))


def directions_alone(dictionary: Dictionary) -> Dictionary:
    """Return what is above zero of a row's products with the atoms: no bias and no centre."""
    return replace(
        dictionary,
        encoder=dictionary.atoms.clone(),
        encoder_bias=torch.zeros_like(dictionary.encoder_bias),
        centre=torch.zeros_like(dictionary.centre),
        selection=Relu(),
    )


@final
@dataclass(frozen=True)
class Fits:
    """Fits one place's dictionaries; what was stopped goes on."""

    settings: AutointerpretationSettings
    store: Store
    place: Place
    folder: Path
    progress: Progress

    def fitted(
        self, name: str, methods: Mapping[str, Method], *, share: float = 1.0
    ) -> dict[str, Dictionary]:
        """Return dictionaries by name, over one reading of the training rows."""
        site, seed = self.place.site, self.place.seed
        blocks = Stream(
            store=self.store,
            sites=(site,),
            rows=rows_for(self.store, [site], held_out=False),
            seed=seed,
            block_rows=self.settings.batch,
        )
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        made = fit(
            methods,
            blocks,
            [seed],
            steps=max(1, round(share * self.settings.steps)),
            folder=folder,
            contract=InputContract(site=site),
            progress=self.progress,
        )
        return {key: each.dictionary for key, each in zip(methods, made, strict=True)}


def fit_folder(partial: Path, key: str) -> Path:
    """Return where the fits of a place keep their state."""
    return partial / "fits" / key


def forget_fits(partial: Path, key: str) -> None:
    """Remove the state of fits that are no longer needed."""
    shutil.rmtree(fit_folder(partial, key), ignore_errors=True)
