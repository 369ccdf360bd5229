"""The steps of ``learn`` one by one, for users who keep stores and dictionaries apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.store import Store, open_store
from tacit.base.progress import Progress, silent
from tacit.data.text import load_text
from tacit.dictionaries.foreign import open_dictionary
from tacit.dictionaries.ranks import ALONE, Ranks
from tacit.features.build import build_index
from tacit.features.index import Index
from tacit.models.load import load_subject
from tacit.models.load_settings import LoadSettings
from tacit.verbs.crew import crew_of


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


def index(
    dictionary_folder: str | Path,
    store_folder: str | Path,
    out: str | Path,
    *,
    site: str | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> Index:
    """Return the index in ``out`` of a dictionary's features over a store."""
    dictionary = open_dictionary(dictionary_folder, site=site)
    store = open_store(store_folder, verify=True)
    return build_index(dictionary, store, Path(out), replace=replace, progress=progress)
