"""Do runs hide the same, picture by picture, and can they be told apart by what they say?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import final

from tacit.bottlenecks.alike import residual_similarity
from tacit.bottlenecks.telling_apart import tell_apart
from tacit.studies.hidden_information.pictures import read_pictures
from tacit.studies.hidden_information.runs import read_said
from tacit.studies.hidden_information.settings import HiddenSettings
from tacit.studies.tables import write_rows

COMPARED = ("joint", "sequential", "own trunk", "one order")
"""Arms whose runs are compared with one another."""


@final
@dataclass(frozen=True, kw_only=True)
class PairRow:
    """Two runs of an arm."""

    arm: str
    first: int
    second: int
    similarity: float
    """Correlation of logits less their mean in groups of equal concepts, mean over concepts."""
    by_class: float
    """The same with pictures permuted within class and concepts: what is of the class alone."""
    beyond_class: float
    """The correlation of logits less their mean in class and concepts: single pictures alone."""
    n: int
    """Concepts."""


@final
@dataclass(frozen=True, kw_only=True)
class ApartRow:
    """How well a probe tells the runs of an arm apart."""

    arm: str
    accuracy: float
    low: float | None
    high: float | None
    chance: float
    n: int
    unfinished: int


def compared_arms(settings: HiddenSettings) -> Sequence[str]:
    """Return the arms of a run whose runs are compared."""
    return [arm for arm in COMPARED if arm in settings.arms]


def write_pairs(settings: HiddenSettings, partial: Path, path: Path) -> None:
    """Write how alike every two runs of an arm are on test images."""
    pictures = read_pictures(partial)
    test, count = pictures.split.test, len(pictures.concepts)
    classes, truth = pictures.classes[test], pictures.truth[test]
    rows: list[PairRow] = []
    for arm in compared_arms(settings):
        for first, second in combinations(settings.seeds, 2):
            one, other = (
                read_said(partial, arm, seed).concept_logits[test][:, :count]
                for seed in (first, second)
            )
            plain = residual_similarity(one, other, truth, classes, permutations=19)
            single = residual_similarity(
                one, other, truth, classes, given="class", permutations=1
            )
            rows.append(
                PairRow(
                    arm=arm,
                    first=first,
                    second=second,
                    similarity=plain.similarity.value,
                    by_class=plain.by_class.value,
                    beyond_class=single.similarity.value,
                    n=len(plain.each),
                )
            )
    write_rows(path, rows)


def write_apart(settings: HiddenSettings, partial: Path, path: Path) -> None:
    """Write how well the runs of an arm are told apart; sequential ones are the null."""
    pictures = read_pictures(partial)
    test, count = pictures.split.test, len(pictures.concepts)
    rows: list[ApartRow] = []
    for arm in compared_arms(settings):
        said = [
            read_said(partial, arm, seed).concept_logits[test][:, :count]
            for seed in settings.seeds
        ]
        found = tell_apart(said, seed=0)
        accuracy = found.accuracy
        rows.append(
            ApartRow(
                arm=arm,
                accuracy=accuracy.value,
                low=accuracy.low,
                high=accuracy.high,
                chance=found.chance,
                n=accuracy.n,
                unfinished=found.num_unfinished,
            )
        )
    write_rows(path, rows)
