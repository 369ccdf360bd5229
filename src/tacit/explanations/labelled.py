"""Explanations by ground truth: the conjunction of labels that tells where a feature is active.

It needs no model and no judge; its figure says how much of a feature the labels account for.
Axes: n rows, m rows where a feature is active, t tokens of a piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.conjunctions import Search, Unsearched, best_by_length, bits_of
from tacit.explanations.exhibits import Exhibits, Piece
from tacit.explanations.explanation import Explainer, Explanation, check_same_dictionary
from tacit.explanations.literals import (
    Literal,
    TokenLabels,
    held_out_f1,
    literals_of,
    rule_of,
)
from tacit.explanations.reader import Answer, Reader
from tacit.features.index import Index
from tacit.metrics.intervals import Interval

FEWEST_DOCUMENTS = 10
"""Of either half: with fewer the spread over documents is not known well enough to judge by."""


@final
class LabelExplainer(Explainer):
    """Searches one half of the training documents and judges every literal by the other.

    It learns from all training text of the index, not from the exhibits alone: where a protocol
    keeps fragments apart but not documents, it has seen those that are scored.
    """

    name = "label"
    version = "1"

    def __init__(
        self, index: Index, *, search: Search | None = None, seed: int = 0
    ) -> None:
        """Make the bits of every literal of the index.

        Raises:
            UserError: where the index has no labels to tell by, or too few documents.
        """
        self.labels = TokenLabels(index)
        self.search = search or Search()
        self.seed = seed
        self.literals = self.labels.literals()
        names = [(each.label, each.offset) for each in self.literals]
        self._place = np.array([names.index(each) for each in names])
        self.train = np.flatnonzero(self.labels.rows.train)
        self._searched, unsearched = self._halves()
        columns = [self.labels.holds([each], self._searched) for each in self.literals]
        self._every = bits_of(columns)
        columns = [self.labels.holds([each], unsearched) for each in self.literals]
        _, document = np.unique(self.labels.document[unsearched], return_inverse=True)
        self._unsearched = Unsearched(bits=bits_of(columns), document=document)
        self._unsearched_rows = unsearched

    async def explain(self, exhibits: Exhibits) -> Explanation | Gap:
        """Return the labels that tell where the feature is active, or that none do."""
        fired = self.labels.index.firings(exhibits.feature)
        found = self.explanation_of(exhibits.feature, fired["row"], fired["value"])
        if isinstance(found, Explanation):
            check_same_dictionary(found, exhibits)
        return found

    def explanation_of(
        self, feature: int, rows: Int[np.ndarray, " m"], values: Float[np.ndarray, " m"]
    ) -> Explanation | Gap:
        """Return the explanation of anything that fires: a feature, a direction cut somewhere.

        It counts as active where its value is above 0.
        """
        dense = np.zeros(len(self.labels.context), dtype=np.float32)
        dense[rows] = np.maximum(values, 0)
        conjunction = self._conjunction(dense > 0)
        if isinstance(conjunction, str):
            return Gap(name="explanation", reason=conjunction, of={"feature": feature})
        said = self.labels.holds(conjunction, self.train)
        told = held_out_f1(
            self.labels, conjunction, dense > 0, stream(self.seed, f"label/{feature}")
        )
        return Explanation(
            feature=feature,
            dictionary=self.labels.dictionary,
            explainer=self.name,
            version=self.version,
            text=f"active where {' and '.join(each.words for each in conjunction)}; "
            + _figure(told),
            rule=rule_of(conjunction, float(dense[self.train[said]].mean())),
        )

    def _conjunction(self, active: Bool[np.ndarray, " n"]) -> tuple[Literal, ...] | str:
        """Return the best conjunction whose every literal pays, or why there is none."""
        fired = np.flatnonzero(active[self._searched])
        unsearched = active[self._unsearched_rows]
        fewest = min(len(fired), int(unsearched.sum()))
        if fewest < self.search.smallest_count:
            return (
                f"active on {fewest} tokens of one half of the training text with labels, fewer "
                f"than {self.search.smallest_count}"
            )
        best = best_by_length(self._every, fired, self._place, self.search)
        for numbers in sorted(best, key=best.__getitem__, reverse=True):
            if self._unsearched.every_literal_pays(numbers, unsearched, self.search):
                return tuple(self.literals[each] for each in numbers)
        return (
            f"no label pays: none raises F1 by {self.search.least_gain} above saying that the "
            "feature is active everywhere, on documents not searched"
        )

    def _halves(self) -> tuple[Int[np.ndarray, " a"], Int[np.ndarray, " b"]]:
        """Return the training rows to search and those to judge by, documents kept whole."""
        document = self.labels.document[self.train]
        names = stream(self.seed, "explanations/label/halves").permutation(
            np.unique(document)
        )
        if len(names) < 2 * FEWEST_DOCUMENTS:
            raise UserError(
                f"explanations by label were asked for, and {self.labels.index.folder} has "
                f"{len(names)} training documents with labels; {2 * FEWEST_DOCUMENTS} are needed, "
                "half to search and half to judge by. Index more documents."
            )
        is_searched = np.isin(document, names[::2])
        return self.train[is_searched], self.train[~is_searched]


@final
class LabelReader(Reader):
    """Predicts a feature's mean activation under the rule where its labels stand, 0 elsewhere."""

    name = "label"

    def __init__(self, index: Index) -> None:
        """Read the labels of the index whose text the pieces are.

        Raises:
            UserError: where the index has no labels to tell by.
        """
        self.labels = TokenLabels(index)

    async def activations(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return the rule's value on each token where its labels stand."""
        return self._answers(
            explanation, pieces, lambda holds, _: holds * explanation.rule["value"]
        )

    async def active(
        self, explanation: Explanation, pieces: Sequence[Piece]
    ) -> list[Answer]:
        """Return 1 for a piece where the labels stand on any token, else 0."""
        return self._answers(explanation, pieces, lambda holds, _: float(holds.any()))

    async def marked(
        self,
        explanation: Explanation,
        pieces: Sequence[Piece],
        marks: Sequence[Bool[np.ndarray, " _"]],
    ) -> list[Answer]:
        """Return the share of marked tokens on which the labels stand."""
        return self._answers(
            explanation, pieces, lambda holds, number: float(holds[marks[number]].mean())
        )

    def _answers(
        self,
        explanation: Explanation,
        pieces: Sequence[Piece],
        read: Callable[[Bool[np.ndarray, " t"], int], float | Float[np.ndarray, " t"]],
    ) -> list[Answer]:
        return [
            Answer(
                value=self._unreadable(explanation, piece)
                or read(
                    self.labels.holds(literals_of(explanation.rule), piece.rows), number
                )
            )
            for number, piece in enumerate(pieces)
        ]

    def _unreadable(self, explanation: Explanation, piece: Piece) -> Gap | None:
        unknown = int((~self.labels.is_known[piece.rows]).sum())
        if "labels" not in explanation.rule:
            reason = f"the explanation by {explanation.explainer} names no labels"
        elif unknown:
            reason = f"no truth is known for {unknown} of {len(piece.rows)} tokens"
        else:
            return None
        return Gap(name="reader", reason=reason, of={"feature": explanation.feature})


def _figure(told: Interval | None) -> str:
    if told is None:
        return "on held-out documents it is never active nor said to be"
    ends = told.ends
    spread = f" ({_share(ends[0])} to {_share(ends[1])})" if ends else ""
    return f"F1 {_share(told.value)} on held-out documents{spread}"


def _share(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")
