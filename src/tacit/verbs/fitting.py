"""A fit on its own: from stores, or straight from a model, to a dictionary in a folder."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

from tacit.activations.harvest import HarvestSettings
from tacit.activations.live import BUFFER_ROWS
from tacit.activations.store import open_store
from tacit.base.manifest import describe
from tacit.base.progress import Progress, silent
from tacit.base.records import write_records
from tacit.data.text import load_text
from tacit.dictionaries import Fitted
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.files import load_dictionary, save_dictionary
from tacit.dictionaries.ranks import ALONE, Ranks
from tacit.models.load import load_subject
from tacit.models.load_settings import LoadSettings
from tacit.verbs.crew import crew_of
from tacit.verbs.crosscode import crosscoder_records, kinds_of
from tacit.verbs.fit import fit_seeds
from tacit.verbs.live import LiveSource
from tacit.verbs.members import MAIN, main_member
from tacit.verbs.settings import FitSettings
from tacit.verbs.source import AnySource, Source


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
    folders = [store_folder] if isinstance(store_folder, str | Path) else list(store_folder)
    source = Source(
        stores=[open_store(folder, verify=True) for folder in folders],
        sites=[site] if isinstance(site, str) else list(site),
        target=target,
    )
    return fit_source(
        source,
        Path(out),
        settings=settings or FitSettings(),
        seed=seed,
        passed=passed,
        parents=[Path(folder) for folder in folders],
        replace=replace,
        ranks=ranks,
        progress=progress,
    )


def fit_live(
    model: str,
    text: str,
    site: str | Sequence[str],
    out: str | Path,
    *,
    target: str | None = None,
    settings: FitSettings | None = None,
    reading: HarvestSettings | None = None,
    load: LoadSettings | None = None,
    buffer_rows: int = BUFFER_ROWS,
    seed: int = 0,
    passed: Sequence[str] = (),
    replace: bool = False,
    ranks: Ranks = ALONE,
    progress: Progress = silent,
) -> Dictionary:
    """Return the dictionary in ``out``, fitted to what the model computes as it reads the text.

    Nothing is stored: a buffer of ``buffer_rows`` rows is shuffled in memory while the next one is
    filled. Otherwise as ``fit_one``, but that of a crosscoder no figures are taken: there is no
    held-out text in a buffer.
    """
    subject = load_subject(model, load=load)
    asked = [site] if isinstance(site, str) else list(site)
    sites = subject.site_map.expand(asked)
    for each in (*sites, *([] if target is None else [target])):
        subject.width(each)  # an unknown site is told before the text is read
    source = LiveSource(
        subject=subject,
        corpus=load_text(text),
        sites=sites,
        target=target,
        reading=reading or HarvestSettings(),
        buffer_rows=buffer_rows,
    )
    return fit_source(
        source,
        Path(out),
        settings=settings or FitSettings(),
        seed=seed,
        passed=passed,
        parents=(),
        replace=replace,
        ranks=ranks,
        progress=progress,
    )


def fit_source(
    source: AnySource,
    out: Path,
    *,
    settings: FitSettings,
    seed: int,
    passed: Sequence[str],
    parents: Sequence[Path],
    replace: bool,
    ranks: Ranks,
    progress: Progress,
) -> Dictionary:
    """Return the dictionary in ``out``, fitted to a source."""
    member = main_member(settings, source.width, seed, source.extra)
    configuration = {
        **source.identity(),
        "fit": settings.model_dump(mode="json"),
        "seed": seed,
    }
    manifest = describe(
        "dictionary", configuration, passed=passed, seed=seed, parents=parents
    )
    with crew_of(ranks).folder(out, manifest, replace=replace) as partial:
        work, members = partial / "fit", {MAIN: member}
        try:
            (fitted,) = fit_seeds(
                source, members, settings, work, [seed], ranks=ranks, progress=progress
            )
        finally:
            read = source.ended()
        if ranks.number == 0:
            made = _told(fitted, source, partial, seed)
            outcome = {**made.outcome, **read}
            save_dictionary(dataclasses.replace(made, outcome=outcome), partial)
            shutil.rmtree(work)
    return load_dictionary(out)


def _told(fitted: Fitted, source: AnySource, folder: Path, seed: int) -> Dictionary:
    """Return the dictionary; of a crosscoder, also write the figures and note features' kinds."""
    made = fitted.dictionary
    if not source.is_crosscoder or not isinstance(source, Source):
        return made
    records = crosscoder_records(made, source, seed=seed)
    write_records(folder / "results.json", records)
    outcome = {**made.outcome, **kinds_of(made, source, seed=seed)}
    return dataclasses.replace(made, outcome=outcome)
