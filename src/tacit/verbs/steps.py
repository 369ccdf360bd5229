"""The steps of ``learn`` one by one, for users who keep stores and dictionaries apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.store import Store, open_store
from tacit.base.progress import Progress, silent
from tacit.base.records import Record
from tacit.data.text import load_text
from tacit.dictionaries.foreign import open_dictionary
from tacit.dictionaries.ranks import ALONE, Ranks
from tacit.features.build import build_index
from tacit.features.index import Index
from tacit.models.load import load_subject
from tacit.models.load_settings import LoadSettings
from tacit.verbs.crew import crew_of
from tacit.verbs.kept_loss import kept_loss
from tacit.verbs.measure import fidelity


def harvest_text(
    model: str,
    text: str,
    sites: Sequence[str],
    out: str | Path,
    *,
    settings: HarvestSettings | None = None,
    load: LoadSettings | None = None,
    replace: bool = False,
    ranks: Ranks = ALONE,
    progress: Progress = silent,
) -> Store:
    """Return the store in ``out``: what flows at ``sites`` when the model reads the text.

    Several processes (``ranks``) that make the same call share out the shards.
    """
    subject = load_subject(model, load=load)
    for site in subject.site_map.expand(sites):
        subject.width(site)  # an unknown site is told before the text is read
    corpus = load_text(text)
    return harvest(
        subject,
        corpus,
        sites,
        Path(out),
        settings=settings,
        replace=replace,
        crew=crew_of(ranks),
        progress=progress,
    )


def measure(
    model: str,
    dictionary_folder: str | Path,
    store_folder: str | Path,
    *,
    site: str | None = None,
    max_windows: int | None = None,
    load: LoadSettings | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> list[Record]:
    """Return fidelity, sparsity and loss recovered of a dictionary on a store's held-out text.

    The dictionary may be another tool's (``tacit list formats``); ``site`` is then needed where
    its files do not tell it. What they do not tell is not compared with the store.
    """
    dictionary = open_dictionary(dictionary_folder, site=site)
    store = open_store(store_folder, verify=True)
    subject = load_subject(model, load=load)
    of = {
        "method": dictionary.method,
        "num_atoms": dictionary.num_atoms,
        "seed": dictionary.seed,
    }
    # First, because it says at once when the subject is another one.
    kept = kept_loss(
        subject,
        store,
        {"dictionary": (dictionary, of)},
        seed=seed,
        max_windows=max_windows,
        progress=progress,
    )
    return fidelity(dictionary, store, of, seed=seed).records + kept.records


def index(
    dictionary_folder: str | Path,
    store_folder: str | Path,
    out: str | Path,
    *,
    site: str | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> Index:
    """Return the index in ``out`` of a dictionary's features over a store; see ``measure``."""
    dictionary = open_dictionary(dictionary_folder, site=site)
    store = open_store(store_folder, verify=True)
    return build_index(dictionary, store, Path(out), replace=replace, progress=progress)
