"""Dictionaries fitted to a store: the stream, the loop, and a folder for each dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tacit.activations.harvest import harvest
from tacit.activations.store import Store, open_store
from tacit.base.progress import Progress, silent
from tacit.data.documents import Corpus
from tacit.dictionaries import EarlyStop, Fitted
from tacit.dictionaries import fit as fit_members
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.ranks import ALONE, Ranks
from tacit.models.subject import Subject
from tacit.verbs.members import Member
from tacit.verbs.settings import PaceSettings, TextSettings
from tacit.verbs.source import AnySource

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


def steps_of(settings: PaceSettings, source: AnySource) -> int:
    """Return the steps asked for, or eight passes within bounds."""
    if settings.steps is not None:
        return settings.steps
    one_pass = source.num_rows() // settings.batch
    return min(MOST_STEPS, max(FEWEST_STEPS, EPOCHS * one_pass))


def fit_store(
    source: AnySource,
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
        source, members, settings, folder, [seed], ranks=ranks, progress=progress
    )
    return {each.name: each.dictionary for each in fitted}


def fit_seeds(
    source: AnySource,
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
    blocks = source.blocks(settings, seeds[0])
    patience, gib = settings.patience, settings.memory_gib
    return fit_members(
        {name: member.method for name, member in members.items()},
        blocks,
        seeds=seeds,
        steps=steps_of(settings, source),
        folder=folder,
        contract=source.contract(),
        early_stop=None if patience is None else EarlyStop(patience=patience),
        memory=None if gib is None else int(gib * 2**30),
        ranks=ranks,
        progress=progress,
    )
