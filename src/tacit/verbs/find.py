"""``tacit find``: which of a run's explained features is a query about?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tacit.base.errors import UserError, look_up
from tacit.features.search import (
    ByActivations,
    Explained,
    Found,
    Way,
    by_likeness,
    by_words,
    find,
)
from tacit.verbs.explained_run import Learned, explanations_in, learned_run
from tacit.verbs.studied_feature import studied

NUM_CONTEXTS, AROUND = 3, 8
"""Strongest contexts of a feature that are compared with a query, and tokens on each side."""
WAYS = {
    "words": "words of the explanation",
    "likeness": "words of the explanation and of the strongest contexts",
    "activations": "what the model makes of the query, whatever its words",
}


def find_features(
    query: str, run: str | Path, *, by: str = "words", num: int = 10
) -> list[Found]:
    """Return the explanations of a run, of whatever explainer, that answer a query best.

    Raises:
        UserError: for a run without explanations, a way that is not known, a query of no words.
    """
    look_up(WAYS, by, "way to search")
    if num < 1:
        raise UserError(f"{num} features were asked for; ask for 1 or more.")
    learned = learned_run(run)
    explained = [
        each
        for name in learned.names or [None]  # of none: the error that says how to make some
        for each in explanations_in(learned, name).explained
    ]
    contexts: dict[int, tuple[str, ...]] = {}
    if by == "likeness":
        contexts = _contexts(learned, {each.feature for each in explained})
    rows = [
        Explained(
            feature=each.feature,
            text=each.text,
            explainer=each.explainer,
            contexts=contexts.get(each.feature, ()),
        )
        for each in explained
    ]
    return find(query, rows, by=_way(learned, by), num=num)


def _way(learned: Learned, by: str) -> Way:
    if by != "activations":
        return by_words if by == "words" else by_likeness
    found = studied(learned.folder)
    made = found.store.manifest["configuration"]
    return ByActivations(
        subject=found.subject(),
        site=found.site,
        directions=found.dictionary.atoms,
        centre=found.dictionary.centre,
        prepend_bos=made["prepend_bos"],
    )


def _contexts(learned: Learned, features: Iterable[int]) -> dict[int, tuple[str, ...]]:
    return {
        feature: tuple(
            "".join(each.tokens)
            for each in learned.index.top(feature, num=NUM_CONTEXTS, around=AROUND)
        )
        for feature in features
    }
