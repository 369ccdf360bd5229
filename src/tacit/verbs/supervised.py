"""Directions made from the labels of a run's text, drawn beside what was found without them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from tacit.activations.store import LABELLED, Store
from tacit.activations.streaming import rows_for
from tacit.base.errors import look_up
from tacit.base.seeds import stream
from tacit.dictionaries import SUPERVISED, LabelledRows, save_dictionary
from tacit.dictionaries.dictionary import Dictionary
from tacit.verbs.settings import LearnSettings
from tacit.verbs.source import contract_of

Made = tuple[Dictionary, Mapping[str, str | int | float]]
"""A dictionary with the coordinates its figures carry."""


def labelled_rows(
    store: Store, site: str, *, num_vectors: int, seed: int
) -> LabelledRows | None:
    """Return training rows of labelled documents, with the labels that only some of them have.

    None where there is no such label.
    """
    rows = rows_for(store, [site], held_out=False)
    if LABELLED in store.tokens.column_names:
        rows = rows[store.column(LABELLED)[rows]]
    rng = stream(seed, "verbs/labelled rows")
    drawn = np.sort(rng.choice(rows, min(num_vectors, len(rows)), replace=False))
    labels = {name: torch.from_numpy(store.label(name)[drawn]) for name in store.labels}
    told = {name: label for name, label in labels.items() if 0 < label.sum() < len(label)}
    if not told:
        return None
    return LabelledRows(rows=store.vectors(site, drawn), labels=told)


def supervised_members(
    store: Store, settings: LearnSettings, folder: Path
) -> dict[str, Made]:
    """Return the directions of each method at the run's k, saved in ``folder``.

    With fewer labels than k every direction above zero is kept. Empty where none are asked or the
    text has no labels. Only training documents are read.
    """
    asked, site, seed = settings.frontier, settings.site, settings.seed
    if asked is None or not asked.supervised:
        return {}
    kinds = {
        name: look_up(SUPERVISED, name, "supervised method") for name in asked.supervised
    }
    given = labelled_rows(store, site, num_vectors=asked.baseline_vectors, seed=seed)
    if given is None:
        return {}
    k = settings.fit.k if settings.fit.k <= len(given.labels) else None
    made: dict[str, Made] = {}
    for name, kind in kinds.items():
        dictionary = kind(k=k).fit(given, contract=contract_of(store, site))
        key = name if k is None else f"{name}_k-{k}"
        save_dictionary(dictionary, folder / key / f"seed-{seed}")
        of: dict[str, str | int | float] = {"method": name, "seed": seed}
        of |= {"num_atoms": dictionary.num_atoms} | ({} if k is None else {"k": k})
        made[key] = dictionary, of
    return made
