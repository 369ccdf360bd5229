"""Which features is a query about? Rankings by words, by likeness and by the subject's own view.

The rows are plain, so that explanations of any origin can be searched.
Axes: n explained rows, f features, d activation width, t tokens.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.models.subject import Subject

WORD = re.compile(r"[^\W_]+|[^\w\s]")
"""Runs of letters and digits, and each sign by itself: features of brackets are sought too."""


@final
@dataclass(frozen=True, kw_only=True)
class Explained:
    """What somebody said of a feature."""

    feature: int
    text: str
    explainer: str
    contexts: tuple[str, ...] = ()
    """Text of its strongest contexts, which ``by_likeness`` reads beside the explanation."""


@final
@dataclass(frozen=True, kw_only=True)
class Found:
    """An explained row that a query found."""

    row: Explained
    rank: int
    """0 is the best."""
    score: float
    """Of the way it was found by; above 0."""


Way = Callable[[str, Sequence[Explained]], Float[np.ndarray, " n"]]
"""How well each row answers a query: higher is better, 0 and below is not at all."""


def by_words(query: str, rows: Sequence[Explained]) -> Float[np.ndarray, " n"]:
    """Return the BM25 score of each explanation's text.

    The sum over the query's words of ``idf tf / (tf + k1 (1 - b + b length / mean length))``,
    ``idf = ln(1 + (n - df + .5) / (df + .5))``, k1 1.5, b .75. Range: 0 (no word in common)
    upwards. Source: Robertson and Zaragoza 2009, in Lucene's form (Kamphuis et al. 2020).
    """
    bm25s = _bm25s()
    scorer = bm25s.BM25(k1=1.5, b=0.75, method="lucene", backend="numpy")
    # Given as numbers, so that the package's own tokenizer and its stop words stay out of it.
    words = [_words(row.text) for row in rows]
    number = {
        word: at for at, word in enumerate(sorted({w for each in words for w in each}))
    }
    asked = [number[word] for word in _words(query) if word in number]
    if not asked:
        return np.zeros(len(rows), dtype=np.float32)
    ids = [[number[word] for word in each] for each in words]
    scorer.index((ids, number), create_empty_token=False, show_progress=False)
    return scorer.get_scores_from_ids(asked)


def by_likeness(query: str, rows: Sequence[Explained]) -> Float[np.ndarray, " n"]:
    """Return the TF-IDF cosine of the query with each explanation and its strongest contexts.

    Range: 0 (no word in common) to 1.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=WORD.pattern)
    texts: Any = vectorizer.fit_transform(
        " ".join((each.text, *each.contexts)) for each in rows
    )
    asked: Any = vectorizer.transform([query])
    return (texts @ asked.T).toarray()[:, 0]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ByActivations:
    """Ranks by what the subject makes of the query: no word need be in common.

    A row's score is the cosine of its feature's direction with the query's mean activation.
    Caution: the mean over tokens is dominated by what most tokens share unless ``centre`` is
    the mean activation of ordinary text.
    """

    subject: Subject
    site: str
    directions: Float[Tensor, "f d"]
    """A row a feature: the atoms of a dictionary, or ``pooled_contexts`` less the centre."""
    centre: Float[Tensor, " d"]
    prepend_bos: bool
    """As the dictionary was fitted."""

    def __call__(self, query: str, rows: Sequence[Explained]) -> Float[np.ndarray, " n"]:
        """Return each row's cosine, from -1 to 1."""
        bad = [row.feature for row in rows if not 0 <= row.feature < len(self.directions)]
        if bad:
            raise UserError(
                f"feature {bad[0]} is explained, and there are directions of features 0 to "
                f"{len(self.directions) - 1}; search with the dictionary that was explained."
            )
        seen = pooled(self.subject, self.site, query, prepend_bos=self.prepend_bos)
        cosines = torch.cosine_similarity(
            self.directions.float(), (seen - self.centre.float())[None]
        )
        return cosines.numpy()[[row.feature for row in rows]]


def pooled(
    subject: Subject, site: str, text: str, *, prepend_bos: bool
) -> Float[Tensor, " d"]:
    """Return the mean activation of a text's tokens at a site, special tokens left out.

    Raises:
        UserError: where the text has no other tokens, or more than the subject reads at once.
    """
    flow = subject.run([text], sites=(site,), prepend_bos=prepend_bos)
    assert flow.ids is not None
    special = torch.tensor(sorted(subject.special_ids), dtype=flow.ids.dtype)
    kept = ~torch.isin(flow.ids[0].cpu(), special)
    if not kept.any():
        raise UserError(
            f"{text!r} was asked for; it has only special tokens. Give some words."
        )
    return flow.activations[site][0].float().cpu()[kept].mean(dim=0)


def pooled_contexts(
    subject: Subject, site: str, contexts: Sequence[Sequence[str]], *, prepend_bos: bool
) -> Float[Tensor, "f d"]:
    """Return the mean of each feature's contexts as ``pooled``; 0, so never found, without any."""
    means = torch.zeros(len(contexts), subject.width(site))
    for row, texts in zip(means, contexts, strict=True):
        for text in texts:
            row += pooled(subject, site, text, prepend_bos=prepend_bos) / len(texts)
    return means


def find(
    query: str, rows: Sequence[Explained], *, by: Way = by_words, num: int = 10
) -> list[Found]:
    """Return the rows that answer a query, the best first; those that do not are left out.

    Of equal scores the lower feature comes first, then the explainer by name.

    Raises:
        UserError: for a query without a word, or where nothing is explained.
    """
    if not _words(query):
        raise UserError(f"{query!r} was asked for; give at least one word or sign.")
    if not any(_words(row.text) for row in rows):
        raise UserError(
            f"{len(rows)} explanations were given, none with a word in it; explain features first."
        )
    scores = by(query, rows).tolist()
    order = sorted(
        (at for at, score in enumerate(scores) if score > 0),
        key=lambda at: (-scores[at], rows[at].feature, rows[at].explainer),
    )
    return [
        Found(row=rows[at], rank=rank, score=scores[at])
        for rank, at in enumerate(order[:num])
    ]


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def _bm25s() -> Any:
    """Return the package bm25s, which otherwise logs every step."""
    try:
        import bm25s
    except ImportError as error:
        raise UserError(
            "search by words was asked for, and the package bm25s is not installed; "
            "`pip install 'tacit[search]'` brings it. Search by likeness needs no package."
        ) from error
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return bm25s
