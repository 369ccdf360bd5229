"""From a subject and text to a store: any number of sites in one pass, resumable shard by shard.

Axes: b contexts, t positions, n rows, d width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tacit.activations.chats import Rendered, render
from tacit.activations.contexts import Contexts, cut
from tacit.activations.crew import ALONE, Crew
from tacit.activations.harvest_settings import HarvestSettings
from tacit.activations.shards import notes_of, write_shards
from tacit.activations.store import KIND, Store, open_store
from tacit.activations.tokens import finish_store
from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.data.documents import Corpus
from tacit.models.subject import Subject

__all__ = ["HarvestSettings", "harvest", "windows_of"]

LONGEST_DEFAULT = 512
"""A longer window must be asked for: attention's memory grows with its square."""


def windows_of(
    subject: Subject, corpus: Corpus, settings: HarvestSettings
) -> tuple[Contexts, Rendered]:
    """Return the windows that a harvest with these settings reads, and the text as it is read."""
    if subject.context_tokens is None or subject.tokenizer is None:
        raise UserError(
            f"{subject.name} reads no text; harvest needs a model with a tokenizer. For any other "
            "module give your own activations to tacit.fit."
        )
    context_tokens = settings.context_tokens or min(subject.context_tokens, LONGEST_DEFAULT)
    if context_tokens > subject.context_tokens:
        raise UserError(
            f"windows of {context_tokens} tokens were asked for, and {subject.name} reads at most "
            f"{subject.context_tokens}; lower --context (in a run, text.context_tokens)."
        )
    prepend = (
        subject.bos_id is not None if settings.prepend_bos is None else settings.prepend_bos
    )
    if prepend and subject.bos_id is None:
        raise UserError(f"{subject.name} has no BOS token to prepend; use --no-bos.")

    opening = subject.tokenizer.decode([subject.bos_id]) if prepend else None
    rendered = render(corpus, subject.tokenizer, opening)

    def tokenise(text: str) -> tuple[list[int], list[tuple[int, int]]]:
        tokens = subject.tokenize(text)
        return tokens.ids, tokens.offsets

    contexts = cut(
        tokenise,
        rendered.corpus,
        context_tokens=context_tokens,
        bos_id=subject.bos_id if prepend else None,
        max_tokens=settings.max_tokens,
        mode=settings.windows,
        separator_id=subject.tokenizer.eos_token_id,
    )
    return contexts, rendered


def harvest(
    subject: Subject,
    corpus: Corpus,
    sites: Sequence[str],
    folder: Path,
    *,
    settings: HarvestSettings | None = None,
    replace: bool = False,
    crew: Crew = ALONE,
    progress: Progress = silent,
) -> Store:
    """Return the store in ``folder``, made by one pass of the subject over the corpus.

    Killed and called again with the same arguments, it goes on after the last whole shard; on
    CPU the result is the same to the byte. ``replace``: a store that is there gives way. Several
    processes (``crew``) that make the same call share out the shards; the store is the same.
    """
    settings = settings or HarvestSettings()
    if not sites:
        raise UserError("no site was named; try `tacit list sites MODEL`.")
    sites = subject.site_map.expand(sites)
    widths = {site: subject.width(site) for site in sites}
    contexts, rendered = windows_of(subject, corpus, settings)
    manifest = {
        "kind": KIND,
        "configuration": {
            "subject": subject.name,
            "subject_digest": subject.digest,
            "subject_dtype": str(subject.dtype).removeprefix("torch."),
            "load": subject.load.model_dump(mode="json"),
            "text": corpus.name,
            "text_digest": rendered.corpus.digest(),
            "sites": list(sites),
            **asdict(settings),
            "context_tokens": contexts.ids.shape[1],
            "prepend_bos": contexts.bos,
        },
    }
    with crew.folder(folder, manifest, replace=replace) as partial:
        with progress("harvest", contexts.num_tokens, "tokens") as advance:
            write_shards(subject, contexts, widths, partial, settings, crew, advance)
        crew.wait()  # all shards are there
        if crew.number == 0:
            notes = notes_of(partial, contexts, settings)
            finish_store(partial, manifest, subject, rendered, contexts, widths, notes)
    return open_store(folder)
