"""The token table of a store, and the manifest that closes it.

Axes: n rows (tokens that stand in a window).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Int

from tacit.activations.chats import Rendered
from tacit.activations.contexts import Contexts
from tacit.activations.store import (
    HIGH_NORM,
    LABEL,
    LABELLED,
    ROLE,
    TOKENS,
    shard_name,
    shard_norms,
)
from tacit.base.files import sha256_of, write_atomically, written_aside
from tacit.base.seeds import stream
from tacit.data.documents import Corpus, is_held_out
from tacit.data.labels import LABELLERS
from tacit.models.subject import Subject

if TYPE_CHECKING:
    import pyarrow as pa

VOCABULARY = "vocabulary.json"
HELD_OUT_SHARE = 0.1
"""Share of windows held out when the corpus has too few documents to hold out whole ones."""


def finish_store(
    partial: Path,
    manifest: Mapping[str, Any],
    subject: Subject,
    rendered: Rendered,
    contexts: Contexts,
    widths: Mapping[str, int],
    notes: Sequence[Mapping[str, Any]],
) -> None:
    """Write the token table and vocabulary, then the manifest with every checksum."""
    import pyarrow.parquet as pq

    corpus = rendered.corpus
    held_out, split = held_out_windows(corpus, contexts)
    columns = _columns(contexts, corpus, held_out, subject.special_ids)
    labels, num_unlabelled = label_columns(corpus, contexts)
    roles = _roles(rendered, contexts)
    if rendered.roles:
        columns[ROLE] = roles
    medians: dict[str, float] = {}
    factor = manifest["configuration"]["high_norm_factor"]
    for site in widths:
        norms = shard_norms(partial, site, len(notes))
        medians[site] = float(np.median(norms[~columns["special"]]))
        high = norms > (np.inf if factor is None else factor * medians[site])
        columns[HIGH_NORM + site] = high
    with written_aside(partial / TOKENS) as aside:
        pq.write_table(_table(columns | labels), aside, compression="zstd")
    write_atomically(partial / VOCABULARY, json.dumps(vocabulary_of(subject)))
    names = [TOKENS, VOCABULARY, *(shard_name(number) for number in range(len(notes)))]
    closing = {
        **manifest,
        "widths": dict(widths),
        **_counts(corpus, contexts),
        "num_special": int(columns["special"].sum()),
        "num_high_norm": {site: int(columns[HIGH_NORM + site].sum()) for site in widths},
        "median_norm": medians,
        "split": split,
        "shard_rows": [note["rows"] for note in notes],
        **_documents(corpus),
        "tokens_of_role": {
            name: int((roles == number).sum()) for number, name in enumerate(rendered.roles)
        },
        "labels": [name.removeprefix(LABEL) for name in labels if name != LABELLED],
        "num_unlabelled_documents": num_unlabelled,
        "checksums": {name: _checked(partial / name) for name in names},
    }
    write_atomically(partial / "manifest.json", json.dumps(closing, indent=1) + "\n")
    for number in range(len(notes)):
        (partial / shard_name(number)).with_suffix(".json").unlink()


def _checked(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _counts(corpus: Corpus, contexts: Contexts) -> dict[str, Any]:
    return {
        "num_tokens": contexts.num_tokens,
        "num_windows": len(contexts.ids),
        "num_dropped_tokens": contexts.num_dropped_tokens,
        "skipped_documents": dict(corpus.skipped),
    }


def _documents(corpus: Corpus) -> dict[str, Any]:
    """Return the name of each document, and its class where any has one."""
    classes = [document.class_name for document in corpus.documents]
    return {
        "documents": [document.name for document in corpus.documents],
        **({"document_classes": classes} if any(classes) else {}),
    }


def vocabulary_of(subject: Subject) -> list[str]:
    """Return the text of every token id, as a reader sees it."""
    assert subject.vocab_size is not None, "harvest checks that the subject reads tokens"
    return [subject.tokenizer.decode([number]) for number in range(subject.vocab_size)]


def held_out_windows(
    corpus: Corpus, contexts: Contexts
) -> tuple[Bool[np.ndarray, " n"], str]:
    """Return which windows are held out, and by what: whole documents wherever that can be."""
    by_document = np.array([is_held_out(document.name) for document in corpus.documents])
    held_out = by_document[contexts.opens]
    if held_out.any() and not held_out.all():
        return held_out, "documents"
    draws = stream(0, "activations/held-out windows").random(len(contexts.ids))
    order = np.argsort(draws, kind="stable")
    held_out = np.zeros(len(contexts.ids), dtype=bool)
    held_out[order[: max(1, round(HELD_OUT_SHARE * len(order)))]] = len(order) > 1
    return held_out, "windows"


def _columns(
    contexts: Contexts,
    corpus: Corpus,
    held_out: Bool[np.ndarray, " n"],
    special_ids: frozenset[int],
) -> dict[str, np.ndarray]:
    mask = contexts.mask
    lengths = mask.sum(axis=1)
    starts, ids = contexts.offsets[..., 0][mask], contexts.ids[mask]
    document = contexts.document[mask]
    special = np.isin(ids, sorted(special_ids))
    special |= contexts.bos & (np.nonzero(mask)[1] == 0)
    return {
        "document": document.astype(np.int32),
        "context": np.repeat(np.arange(len(lengths)), lengths).astype(np.int32),
        "position": np.nonzero(mask)[1].astype(np.int32),
        "token": ids.astype(np.int32),
        "start": starts.astype(np.int32),
        "end": contexts.offsets[..., 1][mask].astype(np.int32),
        "line": _lines(corpus, document, starts).astype(np.int32),
        "held_out": np.repeat(held_out, lengths),
        "special": special,
    }


def _roles(rendered: Rendered, contexts: Contexts) -> Int[np.ndarray, " n"]:
    """Return the index into the manifest's roles of every row; BOS is the template's."""
    mask = contexts.mask
    document, offsets = contexts.document[mask], contexts.offsets[mask]
    roles = np.zeros(len(document), dtype=np.int64)
    for number in np.unique(document):
        here = document == number
        roles[here] = rendered.roles_at(int(number), offsets[here])
    return roles.astype(np.int8)


def _lines(
    corpus: Corpus, document: Int[np.ndarray, " n"], starts: Int[np.ndarray, " n"]
) -> Int[np.ndarray, " n"]:
    """Return the 1-based line of its document on which each token starts."""
    lines = np.ones(len(starts), dtype=np.int64)
    for number in np.unique(document):
        here = document == number
        text = corpus.documents[number].text
        characters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        newlines = np.flatnonzero(characters == ord("\n"))
        lines[here] = 1 + np.searchsorted(newlines, starts[here], side="left")
    return lines


def label_columns(corpus: Corpus, contexts: Contexts) -> tuple[dict[str, np.ndarray], int]:
    """Return the truth for every row, and the number of documents for which none is known.

    Rows of those documents are False in every label and in ``LABELLED``, so that nobody takes
    "not known" for "absent".
    """
    if corpus.labeller is None:
        return {}, 0
    labeller = LABELLERS[corpus.labeller]
    mask = contexts.mask
    offsets = contexts.offsets[mask]
    document = contexts.document[mask]
    columns: dict[str, np.ndarray] = {}
    num_unlabelled = 0
    for number in np.unique(document):
        here = np.flatnonzero(document == number)
        found = labeller(corpus.documents[number], offsets[here])
        if found is None:
            num_unlabelled += 1
            continue
        for name, truth in found.items():
            column = columns.setdefault(LABEL + name, np.zeros(len(offsets), dtype=bool))
            column[here] = truth
        columns.setdefault(LABELLED, np.zeros(len(offsets), dtype=bool))[here] = True
    return columns, num_unlabelled


def _table(columns: Mapping[str, np.ndarray]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: pa.array(values) for name, values in columns.items()})
