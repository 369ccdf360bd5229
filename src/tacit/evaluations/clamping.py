"""Atoms turned round where they fire: which ones, how far, and what it costs.

Axes: n rows, m rows that are looked at, d width, f atoms, k atoms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.selections import Relu
from tacit.evaluations.evidence import Evidence
from tacit.interventions.edits import Edit
from tacit.interventions.features import change_features


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Clamp:
    """Atoms of a dictionary with their mean activations where they fire."""

    dictionary: Dictionary
    atoms: Int[np.ndarray, " k"]
    means: Float[Tensor, " k"]
    """Their size, of those that may fire on either side too."""

    def edit(self, dose: float, where: Bool[Tensor, "b t"]) -> Edit:
        """Return the edit that sets what fires to minus ``dose`` times its mean; 0 ablates."""

        def change(old: Float[Tensor, "m k"]) -> Float[Tensor, "m k"]:
            # What is silent has the sign 0, and stays.
            return -dose * old.sign() * self.means.to(old)

        return change_features(self.dictionary, self.atoms.tolist(), change, where)


def clamp_of(evidence: Evidence, atoms: Int[np.ndarray, " k"]) -> Clamp:
    """Return atoms of the evidence, their means taken over the training rows."""
    codes = np.abs(evidence.of(atoms)[evidence.train])
    means = codes.sum(axis=0) / np.maximum((codes > 0).sum(axis=0), 1)
    return Clamp(
        dictionary=evidence.dictionary,
        atoms=atoms,
        means=torch.from_numpy(means.astype(np.float32)),
    )


def clamp_of_means(
    evidence: Evidence, rows: Int[np.ndarray, " m"], has_it: Bool[np.ndarray, " m"]
) -> Clamp:
    """Return the step between two means as an atom, which fires beyond half of the way."""
    vectors = evidence.activations[torch.from_numpy(rows)].float()
    has = torch.from_numpy(has_it)
    centre, goal = vectors[~has].mean(dim=0), vectors[has].mean(dim=0)
    length = (goal - centre).norm()
    atom = ((goal - centre) / length)[None]
    dictionary = Dictionary(
        atoms=atom,
        encoder=atom,
        encoder_bias=-length[None] / 2,
        centre=centre,
        scale=1.0,
        selection=Relu(),
        method="difference of means",
        seed=0,
    )
    values = (vectors @ atom[0] - centre @ atom[0] - length / 2).clamp(min=0)
    mean = values[values > 0].mean()
    return Clamp(dictionary=dictionary, atoms=np.zeros(1, dtype=np.int64), means=mean[None])


def sparse_atoms(
    evidence: Evidence,
    rows: Int[np.ndarray, " m"],
    has_it: Bool[np.ndarray, " m"],
    most_on_others: float,
) -> Int[np.ndarray, " k"]:
    """Return the atoms that fire on few other rows, those that fire on most rows with it first.

    Feature sparsity on what is to be forgotten and what is to be kept, as Farrell et al. 2024,
    arXiv:2410.19278, choose them.
    """
    shares = []
    for side in (has_it, ~has_it):
        fired = np.bincount(
            evidence.codes[rows[side]].indices, minlength=evidence.num_atoms
        )
        shares.append(fired / side.sum())
    with_it, without = shares
    order = np.argsort(-with_it, kind="stable")
    able = (without <= most_on_others) & (with_it > without)
    return order[able[order]]
