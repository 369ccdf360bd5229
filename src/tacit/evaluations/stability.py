"""Would another seed, or other text, have given the same atoms?

Axes: n rows, d width, f atoms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.dictionaries import METHODS, Dictionary, RandomDirections, RowBlocks, fit
from tacit.dictionaries.foreign import open_dictionary
from tacit.dictionaries.methods import Method
from tacit.dictionaries.selections import Largest
from tacit.evaluations.evidence import Evidence, codes_of
from tacit.evaluations.measure import Measure, Readings
from tacit.evaluations.readings import Reading
from tacit.metrics.matched_codes import matched_correlation
from tacit.metrics.recovery import Matching, match

BATCH_ROWS = 2_048
MOST_CODED = 20_000
"""Held-out rows over which activations of matched atoms are compared."""
SITE = "rows"


@final
@dataclass(frozen=True, kw_only=True)
class Stability(Measure):
    """Atoms of the dictionary matched one to one with those of twins: other seeds, other text.

    Twins are fitted here by the dictionary's own method and settings, for ``steps``, on the same
    training rows (``twin: seed``) or on half of the documents (``twin: text``), where two halves
    are compared with one another. A public dictionary cannot be fitted again: give ``folders``.
    """

    name: ClassVar[str] = "stability"
    figures: ClassVar[tuple[str, ...]] = (
        "shared_cosine",
        "shared_above_0.9",
        "matched_correlation",
    )
    beside: ClassVar[bool] = False

    seeds: int = 3
    """Twins of other seeds."""
    halves: int = 2
    """Times that the documents are divided into two halves at random."""
    steps: int = 1_000
    """Steps of each twin's fit: one shorter than the dictionary's own lowers all figures."""
    folders: tuple[str, ...] = ()
    """Twins that are there already, each a folder or an id."""
    most_atoms: int = 8_192
    """Dictionaries larger than this are not matched: it takes minutes a pair."""

    def read(self, evidence: Evidence, *, seed: int) -> Readings:
        """Return each pair of twins as a unit, beside as many random directions."""
        if evidence.num_atoms > self.most_atoms:
            reason = f"{evidence.num_atoms:,} atoms are more than the {self.most_atoms:,} matched"
            return [Gap(name=name, reason=reason) for name in self.figures]
        method = method_of(evidence.dictionary)
        if method is None and not self.folders:
            reason = (
                f"a dictionary of {evidence.dictionary.method} cannot be fitted again here; name "
                "twins of it in extra.stability.folders"
            )
            return [Gap(name=name, reason=reason) for name in self.figures]
        found = [
            _compared(
                evidence, evidence.dictionary, open_dictionary(folder), "given", folder
            )
            for folder in self.folders
        ]
        if method is not None:
            found += self._fitted(evidence, method, seed)
        found.append(_beside_random(evidence, seed))
        return [reading for pair in found for reading in pair]

    def _fitted(self, evidence: Evidence, method: Method, seed: int) -> list[list[Reading]]:
        own, found = evidence.dictionary, []
        train = evidence.activations[torch.from_numpy(evidence.train)]
        seeds = [own.seed + 1 + number for number in range(self.seeds)]
        for each in self._twins(method, train, seeds):
            found.append(_compared(evidence, own, each, "seed", f"seed {each.seed}"))
        rng = stream(seed, "evaluations/stability/halves")
        for number in range(self.halves):
            first = _half_of(evidence, rng)
            one, other = (
                self._twins(method, evidence.activations[torch.from_numpy(rows)], [each])[0]
                for rows, each in (
                    (first, own.seed),
                    (evidence.train & ~first, own.seed + 1),
                )
            )
            found.append(_compared(evidence, one, other, "text", f"halves {number}"))
        return found

    def _twins(
        self, method: Method, rows: Float[Tensor, "n d"], seeds: Sequence[int]
    ) -> list[Dictionary]:
        blocks = RowBlocks(
            rows={SITE: rows}, block_rows=min(BATCH_ROWS, len(rows)), seed=seeds[0]
        )
        made = fit([method], blocks, seeds, steps=self.steps)
        return [each.dictionary for each in made]


def method_of(dictionary: Dictionary) -> Method | None:
    """Return the method that a dictionary was fitted by; None for another tool's, or by hand."""
    kind = METHODS.get(dictionary.method)
    if kind is None or dictionary.target is not None:
        return None
    names = {field.name for field in fields(kind)}
    given: Mapping[str, object] = dictionary.settings
    if not set(given) <= names:
        return None
    # JSON has lists where settings have tuples.
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    return kind(**plain)


def _half_of(evidence: Evidence, rng: np.random.Generator) -> Bool[np.ndarray, " n"]:
    """Return the training rows of half of the documents."""
    documents = np.unique(evidence.document[evidence.train])
    chosen = rng.permutation(documents)[: len(documents) // 2]
    return evidence.train & np.isin(evidence.document, chosen)


def _compared(
    evidence: Evidence, one: Dictionary, other: Dictionary, twin: str, unit: str
) -> list[Reading]:
    matching = match(one.atoms, other.atoms, either_sign=_is_signed(one))
    of = {"twin": twin}
    values = {
        "shared_cosine": matching.shared_cosine(),
        "shared_above_0.9": matching.shared(),
        "matched_correlation": _correlation(evidence, one, other, matching),
    }
    return [
        Reading(figure=figure, unit=unit, top=value, of=of)
        for figure, value in values.items()
    ]


def _is_signed(dictionary: Dictionary) -> bool:
    return isinstance(dictionary.selection, Largest)


def _correlation(
    evidence: Evidence, one: Dictionary, other: Dictionary, matching: Matching
) -> float:
    """Return the mean correlation of matched atoms over held-out rows."""
    rows = np.flatnonzero(evidence.held_out)[:MOST_CODED]
    some = evidence.activations[torch.from_numpy(rows)]
    left = codes_of(one, some).tocsc()[:, matching.true_indices]
    right = codes_of(other, some).tocsc()[:, matching.atom_indices]
    return matched_correlation(left, right, either_sign=_is_signed(one))


def _beside_random(evidence: Evidence, seed: int) -> list[Reading]:
    """Return what two sets of as many random directions share: the floor."""
    drawn = RandomDirections(num_atoms=evidence.num_atoms, k=1)
    train = evidence.activations[torch.from_numpy(evidence.train)][:BATCH_ROWS]
    blocks = RowBlocks(rows={SITE: train}, block_rows=len(train), seed=seed)
    one, other = (
        each.dictionary for each in fit([drawn], blocks, [seed, seed + 1], steps=1)
    )
    matching = match(one.atoms, other.atoms)
    of = {"twin": "random"}
    return [
        Reading(figure="shared_cosine", unit="random", top=matching.shared_cosine(), of=of),
        Reading(figure="shared_above_0.9", unit="random", top=matching.shared(), of=of),
    ]
