"""The steps of ``learn`` one by one, for users who keep stores and dictionaries apart."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tacit.activations.harvest import HarvestSettings, harvest
from tacit.activations.store import Store, open_store
from tacit.base.folders import partial_of, whole_folder
from tacit.base.manifest import describe
from tacit.base.progress import Progress, silent
from tacit.base.records import Record, write_records
from tacit.data.text import load_text
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.files import load_dictionary, save_dictionary
from tacit.dictionaries.foreign import open_dictionary
from tacit.dictionaries.ranks import ALONE, Ranks
from tacit.features.build import build_index
from tacit.features.index import Index
from tacit.models.load import load_subject
from tacit.models.load_settings import LoadSettings
from tacit.verbs.crosscode import crosscoder_records, kinds_of
from tacit.verbs.fit import fit_store
from tacit.verbs.kept_loss import kept_loss
from tacit.verbs.measure import fidelity
from tacit.verbs.members import MAIN, main_member
from tacit.verbs.settings import FitSettings
from tacit.verbs.source import Source


def harvest_text(
    model: str,
    text: str,
    sites: Sequence[str],
    out: str | Path,
    *,
    settings: HarvestSettings | None = None,
    load: LoadSettings | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> Store:
    """Return the store in ``out``: what flows at ``sites`` when the model reads the text."""
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
        progress=progress,
    )


def fit_one(
    store_folder: str | Path | Sequence[str | Path],
    site: str | Sequence[str],
    out: str | Path,
    *,
    target: str | None = None,
    settings: FitSettings | None = None,
    seed: int = 0,
    passed: Sequence[str] = (),
    replace: bool = False,
    ranks: Ranks = ALONE,
    progress: Progress = silent,
) -> Dictionary:
    """Return the dictionary in ``out``, fitted to one site of a store; resumable.

    With ``target`` it is a transcoder from the site to that one; with several sites, or two
    stores of two models that read the same tokens, a crosscoder, and ``results.json`` beside it
    says what is kept of each part, its outcome which features are shared. Several processes
    (``ranks``) that make the same call fit it together.
    """
    settings = settings or FitSettings()
    folders = [store_folder] if isinstance(store_folder, str | Path) else list(store_folder)
    source = Source(
        stores=[open_store(folder, verify=True) for folder in folders],
        sites=[site] if isinstance(site, str) else list(site),
        target=target,
    )
    member = main_member(settings, source.width, seed, source.extra)
    configuration = {
        **source.identity(),
        "fit": settings.model_dump(mode="json"),
        "seed": seed,
    }
    parents = [Path(folder) for folder in folders]
    manifest = describe(
        "dictionary", configuration, passed=passed, seed=seed, parents=parents
    )
    with _folder_of_all(Path(out), manifest, ranks, replace=replace) as partial:
        work = partial / "fit"
        fitted = fit_store(
            source,
            {MAIN: member},
            settings,
            work,
            seed=seed,
            ranks=ranks,
            progress=progress,
        )
        if ranks.number == 0:
            save_dictionary(_crossed(fitted[MAIN], source, partial, seed), partial)
            shutil.rmtree(work)
    return load_dictionary(out)


def _crossed(made: Dictionary, source: Source, folder: Path, seed: int) -> Dictionary:
    """Return a dictionary as it is; a crosscoder with its features' kinds, its figures written."""
    if not source.is_crosscoder:
        return made
    records = crosscoder_records(made, source, seed=seed)
    write_records(folder / "results.json", records)
    outcome = {**made.outcome, **kinds_of(made, source, seed=seed)}
    return dataclasses.replace(made, outcome=outcome)


@contextlib.contextmanager
def _folder_of_all(
    final: Path, manifest: Mapping[str, Any], ranks: Ranks, *, replace: bool
) -> Generator[Path, None, None]:
    """Yield the partial folder of ``final``, which the first of the processes makes."""
    with contextlib.ExitStack() as held:
        if ranks.number == 0:
            held.enter_context(whole_folder(final, manifest, replace=replace))
        ranks.heard(own=True)  # it is there
        yield partial_of(final)
        ranks.heard(own=True)  # nobody reads in it any more
    ranks.heard(own=True)  # it is in its place


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
