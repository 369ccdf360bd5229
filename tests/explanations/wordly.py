"""Exhibits of features that fire on one word, and an explainer and a reader that know of words."""

from collections import Counter

import numpy as np

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.exhibits import Excerpt, Exhibits, Piece
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.reader import Answer, Reader

WORDS = (
    "the",
    "cat",
    "sat",
    "on",
    "a\tmat\n",
    "with",
    "⟦odd⟧",
    "back\\slash",
    "and",
    "dog",
)
LARGEST = 4.0


def split(text):
    """Tokens of ``text``: words, each with the space before it."""
    return [f" {word}" for word in text.removeprefix(" ").split(" ")]


def piece(number, feature, tokens=12, with_word=True):
    """Random words; the feature's own stands in them where asked for."""
    rng = stream(number, f"tests/wordly/{feature}")
    others = [word for place, word in enumerate(WORDS) if place != feature % len(WORDS)]
    words = [str(word) for word in rng.choice(others, tokens)]
    if with_word:
        words[int(rng.integers(tokens))] = WORDS[feature % len(WORDS)]
    ids = np.arange(tokens)
    return Piece(tokens=tuple(f" {word}" for word in words), ids=ids, rows=ids)


def excerpt(number, feature, kind="top"):
    """A piece with the feature's activations: ``LARGEST`` on its word, else 0."""
    shown = piece(number, feature, with_word=kind != "silent")
    is_word = np.array([each == word_of(feature) for each in shown.tokens])
    return Excerpt(
        piece=shown,
        values=(LARGEST * is_word).astype(np.float32),
        known=np.ones(len(is_word), dtype=bool),
        fragment=number,
        kind=kind,
    )


def word_of(feature):
    """The token on which a feature fires."""
    return f" {WORDS[feature % len(WORDS)]}"


def exhibits(feature, dictionary="d" * 64):
    """Three excerpts to explain by; three of each kind to score on."""
    kinds = ("top", "random", "any", "silent")
    shown = tuple(excerpt(number, feature) for number in range(3))
    return Exhibits(
        feature=feature,
        dictionary=dictionary,
        shown=shown,
        learned=shown,
        scored=tuple(
            excerpt(10 + 3 * place + number, feature, kind)
            for place, kind in enumerate(kinds)
            for number in range(3)
        ),
        largest=LARGEST,
        num_active=20,
        num_fragments=100,
    )


class WordExplainer(Explainer):
    """Says the token with the largest mean activation; nothing where none is active."""

    name = "word"
    version = "1"

    def __init__(self):
        self.num_asked = Counter()

    async def explain(self, exhibits):
        self.num_asked[exhibits.feature] += 1
        total = Counter()
        for each in exhibits.shown:
            for token, value in zip(each.piece.tokens, each.values, strict=True):
                total[token] += float(value)
        token, most = total.most_common(1)[0]
        if most == 0:
            return Gap(name="explanation", reason="silent", of={"kind": "silent"})
        return Explanation(
            feature=exhibits.feature,
            dictionary=exhibits.dictionary,
            explainer=self.name,
            version=self.version,
            text=f"the token {token!r}",
            rule={"token": token},
        )


class WordReader(Reader):
    """Predicts 10 on the explanation's token and 0 elsewhere."""

    name = "word"

    async def activations(self, explanation, pieces):
        token = explanation.rule["token"]
        return [
            Answer(value=np.array([10.0 * (each == token) for each in piece.tokens]))
            for piece in pieces
        ]
