"""Do sparse dictionaries of the concept layer, or of the layer before it, find the cue?

Nobody labels the cue: what finds it has looked at activations alone, and only then is its best atom
chosen, on images to train on. Axes: n images, d width, f atoms, t images to train on, e to test on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from tacit.base.progress import Progress, silent
from tacit.base.seeds import stream
from tacit.dictionaries import PCA, Method, RandomDirections, RowBlocks, TopK, fit
from tacit.metrics.labels import auroc
from tacit.studies.hidden_information.pictures import Pictures, read_pictures
from tacit.studies.hidden_information.runs import Said, read_said
from tacit.studies.hidden_information.settings import DictionarySettings, HiddenSettings
from tacit.studies.tables import write_rows

SITES = ("concepts", "trunk")
OUTPUTS, PROBE = "outputs", "probe"
"""The site's own outputs, one by one, and the ceiling: a probe that is told the cue."""


@final
@dataclass(frozen=True, kw_only=True)
class CueRow:
    """How well the best atom of a dictionary tells the cue on images that did not choose it."""

    arm: str
    seed: int
    site: str
    finder: str
    auroc: float
    """Mean over kinds of cue; chance is one half."""
    shuffled: float
    """The same where the cue is shuffled over images first: what choosing alone gives."""
    atoms: int
    n: int


def write_cues(
    settings: HiddenSettings,
    partial: Path,
    path: Path,
    arm: str,
    seed: int,
    progress: Progress = silent,
) -> None:
    """Write how well each finder tells the cue at each site of one run."""
    pictures, said = read_pictures(partial), read_said(partial, arm, seed)
    assert pictures.cue is not None, "cues are looked for where they were drawn"
    rows: list[CueRow] = []
    for site in SITES:
        values = _scaled(said, site, pictures.split.train)
        codes = _codes(settings.dictionaries, values, pictures, seed, progress)
        for finder, found in codes.items():
            rows.append(_row(pictures, found, arm, seed, site, finder))
        rows.append(_row(pictures, _probed(values, pictures), arm, seed, site, PROBE))
    write_rows(path, rows)


def _scaled(
    said: Said, site: str, train: Int[np.ndarray, " t"]
) -> Float[np.ndarray, "n d"]:
    """Return a site's outputs, each with a mean of 0 and a spread of 1; silent ones left out."""
    values = said.concept_logits if site == "concepts" else said.features
    spread = values[train].std(axis=0)
    kept = spread > 0
    return (values[:, kept] - values[train][:, kept].mean(axis=0)) / spread[kept]


def _codes(
    settings: DictionarySettings,
    values: Float[np.ndarray, "n d"],
    pictures: Pictures,
    seed: int,
    progress: Progress,
) -> dict[str, Float[np.ndarray, "n f"]]:
    """Return what each finder makes of every image."""
    width = values.shape[1]
    train = torch.from_numpy(values[pictures.split.train].astype(np.float32))
    atoms = settings.ratio * width
    methods: dict[str, Method] = {
        "top-k": TopK(num_atoms=atoms, k=min(settings.active, atoms)),
        "pca": PCA(num_atoms=min(width, len(train))),
        "random": RandomDirections(num_atoms=atoms, k=atoms),
    }
    blocks = RowBlocks(
        rows={"site": train}, block_rows=min(settings.batch, len(train)), seed=seed
    )
    fitted = fit(methods, blocks, [seed], steps=settings.steps, progress=progress)
    every = torch.from_numpy(values.astype(np.float32))
    codes = {each.name: each.dictionary.encode(every).dense().numpy() for each in fitted}
    return {OUTPUTS: values, **codes}


def _probed(
    values: Float[np.ndarray, "n d"], pictures: Pictures
) -> Float[np.ndarray, "n 1"]:
    """Return what a logistic probe, told the cue of each kind on training images, makes of all."""
    from sklearn.linear_model import LogisticRegression

    assert pictures.cue is not None
    kinds, told = pictures.cue_kinds, np.zeros((len(values), 1))
    train = np.isin(np.arange(len(values)), pictures.split.train)
    for kind in np.unique(kinds):
        own = kinds == kind
        probe = LogisticRegression(C=0.1, max_iter=1_000)
        probe.fit(values[own & train], pictures.cue[own & train])
        told[own, 0] = probe.decision_function(values[own])
    return told


def _row(
    pictures: Pictures,
    code: Float[np.ndarray, "n f"],
    arm: str,
    seed: int,
    site: str,
    finder: str,
) -> CueRow:
    assert pictures.cue is not None
    shuffled = stream(seed, f"hidden/cues/{arm}/{site}/{finder}").permutation(pictures.cue)
    return CueRow(
        arm=arm,
        seed=seed,
        site=site,
        finder=finder,
        auroc=best_atom_auroc(code, pictures.cue, pictures),
        shuffled=best_atom_auroc(code, shuffled, pictures),
        atoms=code.shape[1],
        n=len(pictures.split.test),
    )


def best_atom_auroc(
    code: Float[np.ndarray, "n f"], cue: Bool[np.ndarray, " n"], pictures: Pictures
) -> float:
    """Return the mean over kinds of cue of the AUROC of the atom that training images choose.

    Images of one kind of cue alone are compared; the sign is chosen with the atom.
    """
    kinds, found = pictures.cue_kinds, []
    for kind in np.unique(kinds):
        train = pictures.split.train[kinds[pictures.split.train] == kind]
        test = pictures.split.test[kinds[pictures.split.test] == kind]
        chosen = np.array([auroc(column, cue[train]) for column in code[train].T])
        best = int(np.abs(chosen - 0.5).argmax())
        sign = 1.0 if chosen[best] >= 0.5 else -1.0
        found.append(auroc(sign * code[test, best], cue[test]))
    return float(np.mean(found))
