"""Exhibits in which a feature is active exactly where a rule of the text says."""

import asyncio

import numpy as np

from tacit.base.seeds import stream
from tacit.explanations.exhibits import Excerpt, Exhibits, Piece

WORDS = (
    " return",
    " for",
    " def",
    " x",
    "(",
    ")",
    ":",
    "\n    ",
    " in",
    " é",
    "1",
    '"',
    "self",
)
TOKENS = 24


def excerpt(tokens, values, *, kind="random", known=None, number=0):
    """An excerpt of given tokens and activations."""
    ids = np.arange(len(tokens))
    return Excerpt(
        piece=Piece(tokens=tuple(tokens), ids=ids, rows=ids),
        values=np.asarray(values, dtype=np.float32),
        known=np.ones(len(tokens), dtype=bool) if known is None else np.asarray(known),
        fragment=number,
        kind=kind,
    )


def exhibits(learned, scored=(), feature=0, dictionary="spelled"):
    """Exhibits of excerpts already made."""
    largest = max((float(each.values.max(initial=0)) for each in learned), default=0.0)
    return Exhibits(
        feature=feature,
        dictionary=dictionary,
        shown=tuple(learned[:5]),
        learned=tuple(learned),
        scored=tuple(scored),
        largest=largest,
        num_active=len(learned),
        num_fragments=len(learned),
    )


def drawn(rule, *, words=WORDS, num=60, seed=0, tokens=TOKENS):
    """Excerpts of words drawn evenly; ``rule(words up to here)`` is the activation."""
    rng = stream(seed, "tests/spelled")
    made = []
    for number in range(num):
        chosen = [words[each] for each in rng.integers(len(words), size=tokens)]
        values = [rule(chosen[: place + 1]) for place in range(tokens)]
        kind = "random" if max(values) > 0 else "silent"
        made.append(excerpt(chosen, values, kind=kind, number=number))
    return made


def planted(rule, feature=0, **drawing):
    """Exhibits of a rule; the text scored is other text than the text learned."""
    seed = drawing.pop("seed", 0)
    learned = drawn(rule, seed=seed, **drawing)
    return exhibits(learned, drawn(rule, seed=seed + 1, **drawing), feature)


def explained(explainer, shown):
    """What an explainer says, now."""
    return asyncio.run(explainer.explain(shown))


def correlation(reader, explanation, shown):
    """Of predicted with true activations over the text scored."""
    pieces = [each.piece for each in shown.scored]
    answers = asyncio.run(reader.activations(explanation, pieces))
    predicted = np.concatenate([answer.value for answer in answers])
    true = np.concatenate([each.values for each in shown.scored])
    return float(np.corrcoef(predicted, true)[0, 1])
