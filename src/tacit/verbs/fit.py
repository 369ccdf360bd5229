"""Dictionaries fitted to a store: the stream, the loop, and a folder for each dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tacit.activations.harvest import harvest
from tacit.activations.store import Store, open_store
from tacit.activations.streaming import Stream, rows_for
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.data.documents import Corpus
from tacit.dictionaries import EarlyStop, Fitted
from tacit.dictionaries import fit as fit_members
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.ranks import ALONE, Ranks
from tacit.models.subject import Subject
from tacit.verbs.members import Member
from tacit.verbs.settings import PaceSettings, TextSettings

EPOCHS = 8
FEWEST_STEPS, MOST_STEPS = 500, 20_000


def harvested(
    partial: Path,
    site: str,
    text: TextSettings,
    subject: Subject,
    corpus: Corpus,
    progress: Progress,
) -> Store:
    """Return the store of a run under way, made if it is not there."""
    folder = partial / "store"
    if folder.exists():
        return open_store(folder)
    return harvest(
        subject, corpus, [site], folder, settings=text.harvest(), progress=progress
    )


def contract_of(store: Store, site: str) -> InputContract:
    """Return what a dictionary fitted to this store expects of its input."""
    made = store.manifest["configuration"]
    return InputContract(
        subject=made["subject"],
        subject_digest=made["subject_digest"],
        site=site,
        prepend_bos=made["prepend_bos"],
        context_tokens=made["context_tokens"],
        high_norm_factor=made["high_norm_factor"],
        dtype=made["subject_dtype"],
    )


def stream_of(store: Store, site: str, settings: PaceSettings, seed: int) -> Stream:
    """Return the shuffled stream over the usable rows of the training documents."""
    rows = rows_for(store, [site], held_out=False)
    if len(rows) < settings.batch:
        raise UserError(
            f"{len(rows)} usable training rows are too few for one batch of {settings.batch}; "
            "read more text, or take fewer with --batch (in a run, fit.batch)."
        )
    return Stream(
        store=store, sites=(site,), rows=rows, seed=seed, block_rows=settings.batch
    )


def steps_of(settings: PaceSettings, stream: Stream) -> int:
    """Return the steps asked for, or eight passes within bounds."""
    return settings.steps or min(MOST_STEPS, max(FEWEST_STEPS, EPOCHS * len(stream)))


def fit_store(
    store: Store,
    site: str,
    members: Mapping[str, Member],
    settings: PaceSettings,
    folder: Path,
    *,
    seed: int,
    ranks: Ranks = ALONE,
    progress: Progress = silent,
) -> dict[str, Dictionary]:
    """Return each member's dictionary, fitted on one stream and saved under ``folder``."""
    fitted = fit_seeds(
        store, site, members, settings, folder, [seed], ranks=ranks, progress=progress
    )
    return {each.name: each.dictionary for each in fitted}


def fit_seeds(
    store: Store,
    site: str,
    members: Mapping[str, Member],
    settings: PaceSettings,
    folder: Path,
    seeds: Sequence[int],
    *,
    ranks: Ranks = ALONE,
    progress: Progress = silent,
) -> list[Fitted]:
    """Return every member at every seed, fitted on one stream (in the order of the first seed).

    Killed and called again with the same arguments it goes on where it was; on CPU the
    dictionaries are the same to the byte.
    """
    stream = stream_of(store, site, settings, seeds[0])
    patience, gib = settings.patience, settings.memory_gib
    return fit_members(
        {name: member.method for name, member in members.items()},
        stream,
        seeds=seeds,
        steps=steps_of(settings, stream),
        folder=folder,
        contract=contract_of(store, site),
        early_stop=None if patience is None else EarlyStop(patience=patience),
        memory=None if gib is None else int(gib * 2**30),
        ranks=ranks,
        progress=progress,
    )
