"""The contexts that activate features most, and whether they have something in common.

Axes: n rows, d width, m features, c contexts, e examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.activations.store import Store
from tacit.activations.streaming import rows_for
from tacit.base.seeds import stream
from tacit.dictionaries import Dictionary
from tacit.studies.small_transformers.dictionaries import Reading

NUM_EXAMPLES = 12
"""Contexts of a feature, its strongest token in each."""
MOST_COMMON = 0.2
"""Labels of more than this share of all tokens say too little."""
ROWS = 4_096
NUM_SHOWN = 3
AROUND = 3
"""Tokens shown on each side of an example."""
Scores = Callable[[Float[Tensor, "n d"]], Float[Tensor, "n m"]]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One direction's strongest contexts."""

    width: int
    seed: int
    ratio: int
    kind: str
    """``feature`` or ``random direction``."""
    feature: int
    """Atom, or number of the direction."""
    contexts: int
    """Examples there are; fewer than asked for where it rarely fires."""
    label: str | None
    """The label that most of them have, and no more than a fifth of all tokens."""
    label_share: float
    token: str
    """The token that most of them are."""
    token_share: float
    shown: str
    """Three of them, with their neighbours."""

    @property
    def in_common(self) -> float:
        """Largest share of the examples that have one thing, a label or a token, in common."""
        return max(self.label_share, self.token_share)


def examples_of(
    reading: Reading,
    width: int,
    ratio: int,
    dictionary: Dictionary,
    features: Sequence[int],
    vocabulary: Sequence[str],
) -> list[Example]:
    """Return examples of features, and of as many random directions of the same rows.

    One with fewer than ``NUM_EXAMPLES`` contexts is in the list with what there is.
    """
    if not features:
        return []
    text, atoms = _text_of(reading.store, vocabulary), list(features)
    rows = rows_for(reading.store, [reading.site], held_out=False)
    rng = stream(reading.seed, "studies/small/random directions")
    raw = rng.standard_normal((len(atoms), reading.width))
    random = torch.from_numpy(raw).float()

    def of_features(x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        code = dictionary.encode(x)
        dense = x.new_zeros(len(x), dictionary.num_atoms)
        return dense.scatter_add_(1, code.indices, code.values)[:, atoms]

    def of_random(x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        return (x - dictionary.centre) @ random.T

    found = []
    for kind, scores in (("feature", of_features), ("random direction", of_random)):
        for number, best in zip(atoms, _strongest(reading, rows, scores), strict=True):
            found.append(
                Example(
                    width=width,
                    seed=reading.seed,
                    ratio=ratio,
                    kind=kind,
                    feature=number,
                    contexts=len(best),
                    **text.common(best),
                )
            )
    return found


def _strongest(
    reading: Reading, rows: Int[np.ndarray, " n"], scores: Scores
) -> list[Int[np.ndarray, " e"]]:
    """Return, for each score, the rows of its largest values, one a context, above 0."""
    context = reading.store.column("context")
    kept: list[tuple[Tensor, Tensor]] = []
    ends = np.flatnonzero(np.diff(context[rows])) + 1
    cuts = [0, *_spaced(ends, ROWS), len(rows)]
    for first, last in zip(cuts, cuts[1:], strict=False):
        some = rows[first:last]
        values = scores(reading.store.vectors(reading.site, some))
        _, place = np.unique(context[some], return_inverse=True)
        number = torch.from_numpy(place)[:, None].expand_as(values)
        top = values.new_zeros(int(place.max()) + 1, values.shape[1])
        top.scatter_reduce_(0, number, values, "amax", include_self=True)
        # The row in which its context has its largest value.
        is_top = (values == top.gather(0, number)) & (values > 0)
        ids = torch.from_numpy(some)[:, None].expand_as(values)
        where = torch.full_like(top, -1, dtype=torch.long)
        where.scatter_reduce_(0, number, torch.where(is_top, ids, -1), "amax")
        kept.append((top, where))
    top, where = (torch.cat(part) for part in zip(*kept, strict=True))
    best = top.topk(min(NUM_EXAMPLES, len(top)), dim=0).indices
    chosen = where.gather(0, best).T.numpy()
    return [each[each >= 0] for each in chosen]


def _spaced(ends: Int[np.ndarray, " c"], least: int) -> list[int]:
    """Return some of the ends, at least so many rows apart."""
    found, last = [], 0
    for end in ends.tolist():
        if end - last >= least:
            found.append(end)
            last = end
    return found


@dataclass(frozen=True, kw_only=True)
class _Text:
    """The rows of a store as text, with the labels that say something."""

    token: Int[np.ndarray, " n"]
    context: Int[np.ndarray, " n"]
    labels: Mapping[str, Bool[np.ndarray, " n"]]
    vocabulary: Sequence[str]

    def common(self, rows: Int[np.ndarray, " e"]) -> dict[str, Any]:
        """Return what a direction's examples have in common."""
        if not len(rows):
            nothing = {"label": None, "label_share": 0.0, "token": ""}
            return {**nothing, "token_share": 0.0, "shown": ""}
        shares = {name: float(column[rows].mean()) for name, column in self.labels.items()}
        label = max(shares, key=lambda name: shares[name]) if shares else None
        tokens, counts = np.unique(self.token[rows], return_counts=True)
        return {
            "label": label,
            "label_share": shares[label] if label else 0.0,
            "token": self.vocabulary[int(tokens[counts.argmax()])],
            "token_share": float(counts.max() / len(rows)),
            "shown": "  |  ".join(self.around(int(row)) for row in rows[:NUM_SHOWN]),
        }

    def around(self, row: int) -> str:
        """Return a token in brackets, its neighbours on both sides."""
        near = np.arange(max(0, row - AROUND), min(len(self.token), row + AROUND + 1))
        near = near[self.context[near] == self.context[row]]
        words = [self.vocabulary[int(self.token[each])] for each in near]
        here = int(np.flatnonzero(near == row)[0])
        words[here] = f"[{words[here]}]"
        return "".join(words).replace("\n", "\\n")


def _text_of(store: Store, vocabulary: Sequence[str]) -> _Text:
    labels = {name: store.label(name) for name in store.labels}
    return _Text(
        token=store.column("token"),
        context=store.column("context"),
        labels={k: column for k, column in labels.items() if column.mean() <= MOST_COMMON},
        vocabulary=vocabulary,
    )
