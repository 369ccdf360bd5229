"""What can be said of a token by its labels and its neighbours', and how often it is right.

Axes: n rows of the token table, l literals, d documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.activations.store import LABELLED
from tacit.base.errors import UserError
from tacit.features.index import Index
from tacit.features.truth import rows_of
from tacit.metrics.bootstrap import bootstrap_sums
from tacit.metrics.intervals import Interval

NEIGHBOURS: Mapping[int, str] = {0: "", -1: "previous token ", 1: "next token "}
"""Offset of the token that a literal speaks of -> how that is said."""


@final
@dataclass(frozen=True, kw_only=True)
class Literal:
    """That a token, or a neighbour of it, has a label or has it not."""

    label: str
    offset: int = 0
    """-1: the token before, which a causal model has read; 1: the one that is about to come."""
    has_it: bool = True

    @property
    def words(self) -> str:
        """The literal as an explanation says it."""
        return f"{NEIGHBOURS[self.offset]}{'' if self.has_it else 'not '}`{self.label}`"


@final
class TokenLabels:
    """The labels of every token of an index, as literals ask for them."""

    def __init__(self, index: Index) -> None:
        """Read which rows count and what is true of them.

        Raises:
            UserError: where the index has no label that is both there and absent in training
                and in held-out text.
        """
        self.index = index
        self.rows = rows_of(index)
        if not self.rows.truth:
            raise UserError(_without_labels(index, self.rows.left_out))
        tokens = index.tokens
        self.context = tokens.column("context").to_numpy()
        self.document = tokens.column("document").to_numpy()
        self.is_known = (
            tokens.column(LABELLED).to_numpy()
            if LABELLED in tokens.column_names
            else np.ones(tokens.num_rows, dtype=bool)
        )
        self._columns = dict(self.rows.truth)

    @property
    def dictionary(self) -> str:
        """Identity of the dictionary that was indexed."""
        return self.index.manifest["configuration"]["dictionary"]

    def literals(self) -> tuple[Literal, ...]:
        """Return every literal of the labels that can be scored, the plainest first."""
        return tuple(
            Literal(label=label, offset=offset, has_it=has_it)
            for offset in NEIGHBOURS
            for has_it in (True, False)
            for label in self.rows.truth
        )

    def holds(
        self, literals: Iterable[Literal], rows: Int[np.ndarray, " n"]
    ) -> Bool[np.ndarray, " n"]:
        """Return where all of the literals hold.

        The neighbours of a token are those of its window, BOS among them, which has no label.
        Of a neighbour beyond the window's edge nothing holds: no label, and no ``not`` either.
        """
        found = np.ones(len(rows), dtype=bool)
        for literal in literals:
            at = rows + literal.offset
            inside = (at >= 0) & (at < len(self.context))
            at = np.where(inside, at, rows)
            inside &= self.context[at] == self.context[rows]
            found &= inside & (self._column(literal.label)[at] == literal.has_it)
        return found

    def _column(self, label: str) -> Bool[np.ndarray, " r"]:
        if label not in self._columns:
            self._columns[label] = self.index.label(label)
        return self._columns[label]


def rule_of(literals: Iterable[Literal], value: float) -> dict[str, Any]:
    """Return a conjunction as plain JSON; ``value`` is what is predicted where it holds."""
    return {"labels": [vars(each) for each in literals], "value": value}


def literals_of(rule: Mapping[str, Any]) -> tuple[Literal, ...]:
    """Return the conjunction that ``rule_of`` wrote."""
    return tuple(Literal(**each) for each in rule["labels"])


def sums_by_document(
    said: Bool[np.ndarray, " n"],
    active: Bool[np.ndarray, " n"],
    document: Int[np.ndarray, " n"],
) -> Float[np.ndarray, "d 3"]:
    """Return, for each document number up to the largest, its rows said rightly, said, active."""
    num = int(document.max(initial=-1)) + 1
    columns = [
        np.bincount(document[rows], minlength=num) for rows in (said & active, said, active)
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def f1_of_sums(sums: Float[np.ndarray, "r 3"]) -> Float[np.ndarray, " r"]:
    """Return F1, ``2 right / (said + active)``, of each row of sums."""
    return 2 * sums[:, 0] / (sums[:, 1] + sums[:, 2])


def held_out_f1(
    labels: TokenLabels,
    literals: Sequence[Literal],
    active: Bool[np.ndarray, " r"],
    rng: np.random.Generator,
) -> Interval | None:
    """Return a conjunction's F1 on held-out rows, with its interval over documents.

    ``active``: where the feature is, of every row of the token table. None where it never is
    and the conjunction never holds.
    """
    rows = np.flatnonzero(labels.rows.held_out)
    said = labels.holds(literals, rows)
    if not (said.any() or active[rows].any()):
        return None
    _, document = np.unique(labels.document[rows], return_inverse=True)
    return bootstrap_sums(sums_by_document(said, active[rows], document), f1_of_sums, rng)


def _without_labels(index: Index, left_out: Mapping[str, str]) -> str:
    if not index.manifest["labels"]:
        return (
            f"explanations by label were asked for, and {index.folder} has no labels; index a "
            "text whose truth is known (`tacit list labellers` says of which it is), or explain "
            "by words."
        )
    label, reason = next(iter(left_out.items()))
    return (
        f"explanations by label were asked for, and none of the {len(left_out)} labels of "
        f"{index.folder} is both there and absent in training and in held-out text ({label}: "
        f"{reason}); index more documents."
    )
