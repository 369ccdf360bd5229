"""Where concepts come from: labels of tokens, first letters, and what documents as a whole are.

Axes: n rows, t tokens of the store.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Int

from tacit.activations.store import LABELLED, Store
from tacit.activations.tokens import VOCABULARY
from tacit.base.records import Gap
from tacit.evaluations.concepts import UNKNOWN, Concept
from tacit.evaluations.enough import shortage, without_short

MOST_LETTERS = 8
"""First letters that are concepts: those that most training rows begin with."""
FEWEST_OF_GROUP = 3
"""Labels that make a group: two are as well one against the other."""
NO_YES = ("no", "yes")
OF_DOCUMENTS = "class of the document"
Found = Iterator[Concept | Gap]


def concepts_of(
    store: Store,
    rows: Int[np.ndarray, " n"],
    vocabulary: Sequence[str] | None = None,
    *,
    letters: bool = True,
) -> tuple[tuple[Concept, ...], tuple[Gap, ...]]:
    """Return what is known of rows of the token table, and what cannot be measured of it.

    - Each label, as ``no`` and ``yes``; rows of documents without labels are not known.
    - Labels of one first word that exclude each other, three or more, as ``which WORD``.
    - With ``letters``: that a token ``starts with s``, among tokens that start with a letter.
    - The class of each document where the text has such; a held-out document that repeats a
      training one word for word is not known, because whatever is fitted has seen it.

    ``vocabulary``: the text of each token; None: the store's own.
    """
    held_out = store.column("held_out")[rows]
    document = store.column("document")[rows].astype(np.int64)
    found = [*_labels(store, rows), *_groups(store, rows)]
    if letters:
        told = vocabulary or json.loads((store.folder / VOCABULARY).read_text())
        found += _letters(store.column("token")[rows], told, ~held_out)
    concepts, gaps = [], []
    for each in (*found, *_of_documents(store, rows, held_out, document)):
        kept: Concept | None = None
        if isinstance(each, Concept):
            kept, left_out = _measurable(each, held_out, document)
            gaps += [] if left_out is None else [_gap(each.name, left_out)]
        else:
            gaps.append(each)
        concepts += [] if kept is None else [kept]
    return tuple(concepts), tuple(gaps)


def _gap(concept: str, reason: str) -> Gap:
    return Gap(name="concept", reason=f"{concept}: {reason}", of={"concept": concept})


def _measurable(
    concept: Concept, held_out: Bool[np.ndarray, " n"], document: Int[np.ndarray, " n"]
) -> tuple[Concept | None, str | None]:
    """Return a concept with what of it can be measured, if anything can, and what cannot."""
    if concept.is_binary:
        short = shortage(concept, held_out, document)
        return (None, short) if short else (concept, None)
    kept, left_out = without_short(concept, held_out, document)
    # Two labels of a group are concepts of their own already.
    fewest = FEWEST_OF_GROUP if concept.kind == "labels" else 2
    return (kept if len(kept.classes) >= fewest else None), left_out


def _labels(store: Store, rows: Int[np.ndarray, " n"]) -> Found:
    for name in store.labels:
        truth = store.label(name)[rows].astype(np.int64)
        truth[~store.column(LABELLED)[rows]] = UNKNOWN
        yield Concept(name=name, classes=NO_YES, truth=truth, kind="label")


def _groups(store: Store, rows: Int[np.ndarray, " n"]) -> Found:
    """Yield labels that share what stands before the first underscore, if no row has two."""
    words = Counter(name.partition("_")[0] for name in store.labels)
    for word in (each for each, count in words.items() if count >= FEWEST_OF_GROUP):
        names = [name for name in store.labels if name.startswith(f"{word}_")]
        has = np.stack([store.label(name)[rows] for name in names])
        if len(names) >= FEWEST_OF_GROUP and has.sum(axis=0).max(initial=0) == 1:
            truth = np.where(has.any(axis=0), has.argmax(axis=0), UNKNOWN)
            yield Concept(
                name=f"which {word}", classes=tuple(names), truth=truth, kind="labels"
            )


def _letters(
    token: Int[np.ndarray, " n"], vocabulary: Sequence[str], train: Bool[np.ndarray, " n"]
) -> Found:
    """Yield the first letters that most training rows have; rows that have none are not known."""
    spelled = np.array([letter_of(text) for text in vocabulary])[token]
    counts = Counter(spelled[train & (spelled != "")].tolist())
    commonest = sorted(counts, key=lambda letter: (-counts[letter], letter))
    for letter in commonest[:MOST_LETTERS]:
        truth = np.where(spelled == "", UNKNOWN, spelled == letter)
        yield Concept(
            name=f"starts with {letter}", classes=NO_YES, truth=truth, kind="letter"
        )


def letter_of(text: str) -> str:
    """Return the letter, in lower case, that a token's text starts with; none is empty."""
    first = text.lstrip()[:1].casefold()[:1]
    return first if first.isalpha() else ""


def _of_documents(
    store: Store,
    rows: Int[np.ndarray, " n"],
    held_out: Bool[np.ndarray, " n"],
    document: Int[np.ndarray, " n"],
) -> Found:
    told = np.array([each or "" for each in store.document_classes])
    classes = tuple(sorted(set(told.tolist()) - {""}))
    if not classes:
        return
    if set(document[held_out]) & set(document[~held_out]):
        yield _gap(
            OF_DOCUMENTS,
            "documents have rows on both sides of the split, so that what is fitted has seen them; "
            "give more documents, so that whole ones can be held out",
        )
        return
    known = np.where(told == "", UNKNOWN, np.searchsorted(classes, told))
    seen = _repeated(store, document[~held_out], document[held_out])
    if seen:
        yield _gap(
            OF_DOCUMENTS,
            f"{len(seen)} of {len(set(document[held_out]))} held-out documents repeat a training "
            "one word for word and are left out",
        )
    known[seen] = UNKNOWN
    yield Concept(
        name=OF_DOCUMENTS, classes=classes, truth=known[document], kind="document"
    )


def _repeated(
    store: Store, train: Int[np.ndarray, " n"], held_out: Int[np.ndarray, " m"]
) -> list[int]:
    """Return the held-out documents whose tokens are those of a training document."""
    text = ~store.column("special")
    document, token = store.column("document")[text], store.column("token")[text]
    order = np.argsort(document, kind="stable")
    names, firsts = np.unique(document[order], return_index=True)
    pieces = np.split(token[order], firsts[1:])
    content = {int(n): piece.tobytes() for n, piece in zip(names, pieces, strict=True)}
    shown = {content[number] for number in set(train.tolist())}
    return sorted(each for each in set(held_out.tolist()) if content[each] in shown)
